"""A gateway that starts, and clients that come back: to another one when theirs was killed, or late."""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
import time
from pathlib import Path

from benchmarks import load
from benchmarks.rig.gateway_metrics import figure, metrics
from benchmarks.rig.site import (
    BROADCAST_AGENTS,
    EVERYTHING,
    Gateway,
    Site,
    played_bridge,
    running_site,
)
from benchmarks.rig.stamped import PBX, QUEUE, agents
from benchmarks.rig.tickets import tickets
from benchmarks.streams.plan import Plan
from benchmarks.streams.table import Row
from services.gateway.core.ring import MESSAGES
from shared.events import AnyEvent, ExtensionStatus, QueueMemberStatus

_AGENTS, _QUEUES = 500, 10
_READY_MS = 150.0
_ESTABLISHED = "01"

_CLIENTS_OF_EACH = 1_000
_EVENTS_PER_S = 20.0
_RESUMED_WITHIN_S = 5.0
_WAIT_S = 30.0

_LATE_CLIENTS = 2_000
_LATE_EVENTS_PER_S = 1_000
_LATE_BY = 4_000
_LATE_WITHIN_S = 20.0


async def cold_start(plan: Plan) -> list[Row]:
    """a gateway's start with 5,500 states in the log, until it serves them"""
    whole: list[float] = []
    inside: list[float] = []
    async with running_site(core=None) as site, played_bridge(site):
        await site.write(_states())
        async with site.gateway(core=None):
            pass  # the first start compiles what was never imported
        for _ in range(max(3, plan.rounds)):
            begun = time.monotonic()
            talking = asyncio.create_task(_talks_to_nats(site))
            async with site.gateway(core=None) as gateway:
                inside.append(begun + gateway.ready_after_s - await talking)
                whole.append(gateway.ready_after_s)
    core, total = statistics.median(inside) * 1e3, statistics.median(whole) * 1e3
    return [
        Row(
            what=f"cold gateway, {_AGENTS * (_QUEUES + 1):,} states",
            ours=f"{core:.0f} ms",
            target=f"≤ {_READY_MS:g} ms",
            reached=core <= _READY_MS,
            note="from its first connection to NATS to its ready line: connecting, buckets, reading all "
            "states, serving; rounds " + " ".join(f"{one * 1e3:.0f}" for one in inside),
        ),
        Row(
            what="… Python and its imports included",
            ours=f"{total:.0f} ms",
            note="from the start of the process to its ready line; rounds "
            + " ".join(f"{one * 1e3:.0f}" for one in whole),
        ),
    ]


def _states() -> list[AnyEvent]:
    states: list[AnyEvent] = []
    for number in range(_AGENTS):
        agent = str(2000 + number)
        states.append(ExtensionStatus(pbx=PBX, agent=agent, status="not_inuse"))
        states.extend(
            QueueMemberStatus(pbx=PBX, agent=agent, queue=f"queue{queue}", status="not_inuse")
            for queue in range(_QUEUES)
        )
    return states


async def _talks_to_nats(site: Site) -> float:
    """When one more process has connected to NATS; CLOCK_MONOTONIC, to about 2 ms."""
    before = _connections(site.nats_port)
    while not _connections(site.nats_port) - before:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.001)
    return time.monotonic()


def _connections(port: int) -> set[str]:
    """The connections to a port of this machine, by the address of who made them."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {row[1] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == _ESTABLISHED}


async def reconnecting(plan: Plan) -> list[Row]:
    """2,000 clients resume at once at a second gateway when theirs is killed, while events go on"""
    found: list[list[load.Seen]] = []
    made = 0
    async with running_site(core=None) as site, played_bridge(site):
        for _ in range(min(plan.rounds, 3)):
            async with site.gateway(core=None) as first, site.gateway(core=None) as second:
                seen, made = await _killed(site, first, second)
                found.append(seen)
    worst = max(one.outage_max_ms for seen in found for one in seen) / 1e3
    clients = 2 * _CLIENTS_OF_EACH
    resumed = min(sum(one.resumed for one in seen) for seen in found)
    wrong = sum(one.gaps + one.repeats + one.resets for seen in found for one in seen)
    lost = sum(made * _CLIENTS_OF_EACH - one.deliveries for one in found[-1])
    middle = statistics.median(one.outage_p50_ms for seen in found for one in seen)
    return [
        Row(
            what=f"{clients:,} clients after their gateway was killed",
            ours=f"{worst:.2f} s",
            target=f"all resumed within {_RESUMED_WITHIN_S:g} s, nothing lost or doubled",
            reached=worst <= _RESUMED_WITHIN_S and resumed == clients and wrong == 0 and lost == 0,
            note="half WebSocket, half SSE; the slowest of each round "
            + " ".join(f"{max(one.outage_max_ms for one in seen) / 1e3:.2f}" for seen in found)
            + f" s, p50 {middle:.0f} ms; resumed {resumed}; lost {lost}, gaps, repeats and resets {wrong}; "
            f"{_EVENTS_PER_S:g} events a second to everybody all the while",
        )
    ]


async def _killed(site: Site, first: Gateway, second: Gateway) -> tuple[list[load.Seen], int]:
    ports = [first.port, second.port]
    made = await tickets(first.port, [EVERYTHING] * (2 * _CLIENTS_OF_EACH))
    async with contextlib.AsyncExitStack() as stack:
        clients: list[load.LoadClient] = []
        modes: tuple[tuple[load.Mode, str], ...] = (("ws", "websocket"), ("sse", "sse"))
        for index, (mode, path) in enumerate(modes):
            own = made[index * _CLIENTS_OF_EACH : (index + 1) * _CLIENTS_OF_EACH]
            paths = [f"/{ticket}/{path}" for ticket in own]
            connecting = load.connected(
                mode, ports, paths, count=_CLIENTS_OF_EACH, ready=True, ids="dense", core=None
            )
            clients.append(await stack.enter_async_context(connecting))
        for client in clients:
            await client.begin()
        producing = asyncio.create_task(site.produce(round(8 * _EVENTS_PER_S), 1, _EVENTS_PER_S))
        await asyncio.sleep(2)
        first.process.kill()
        events = await producing
        for client in clients:
            await client.arrived(events * _CLIENTS_OF_EACH, _WAIT_S)
        return [await client.seen() for client in clients], events


async def late(plan: Plan) -> list[Row]:
    """2,000 clients, no two of equal scope, resume from before a full ring while 1,000 events/s go on"""
    count = _LATE_CLIENTS // (10 if plan.quick else 1)
    took: list[float] = []
    resumed = resets = 0
    async with running_site() as site, played_bridge(site):
        for _ in range(min(plan.rounds, 3)):
            async with site.gateway() as gateway:
                await site.produce(MESSAGES + _LATE_BY, 100, math.inf)
                took.append(await _all_late(site, gateway, count))
                text = await metrics(gateway.port)
                resumed += figure(text, 'pbxis_gateway_resumed_total{source="log"}')
                resets += figure(text, "pbxis_gateway_resets_total")
    worst = max(took)
    return [
        Row(
            what=f"{count:,} clients from {_LATE_BY:,} events before the ring",
            ours=f"{worst:.1f} s",
            target=f"all live within {_LATE_WITHIN_S:g} s, none by reset",
            reached=worst <= _LATE_WITHIN_S and resumed == count * len(took) and resets == 0,
            note=f"until the last one's ready, connecting included; {MESSAGES + _LATE_BY:,} events behind, "
            f"{_LATE_EVENTS_PER_S:,} more a second, of which each gets a hundredth; read from the log "
            f"{resumed}, resets {resets}; rounds " + " ".join(f"{one:.1f}" for one in took),
        )
    ]


async def _all_late(site: Site, gateway: Gateway, count: int) -> float:
    names = agents(BROADCAST_AGENTS)
    scopes = [{"agents": [names[n % len(names)], f"x{n}"], "queues": [QUEUE]} for n in range(count)]
    made = await tickets(gateway.port, scopes)
    after = await site.place(MESSAGES + _LATE_BY - 1)
    paths = [f"/{ticket}/websocket?after={after}" for ticket in made]
    producing = asyncio.create_task(site.produce(round(_LATE_EVENTS_PER_S * _WAIT_S), 10, _LATE_EVENTS_PER_S))
    try:
        connecting = load.connected("ws", [gateway.port], paths, count=count, ready=True, at_once=count)
        async with connecting as client:
            return client.connect_s
    finally:
        producing.cancel()
        await asyncio.gather(producing, return_exceptions=True)

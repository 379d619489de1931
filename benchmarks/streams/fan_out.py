"""What a delivery costs the gateway: CPU at fixed rates, beside the floor and nats-server."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks import load
from benchmarks.rig.machine import allow_files
from benchmarks.rig.site import played_bridge, running_site
from benchmarks.rig.stamped import QUEUE, agents
from benchmarks.streams import lanes
from benchmarks.streams.lanes import Measured, median
from benchmarks.streams.plan import Plan
from benchmarks.streams.table import Row

CLIENTS = 1_000
MANY = 5_000
BURST = 16
_FEW = 5
_FILES = 16_384


async def single_events(plan: Plan) -> list[Row]:
    """1,000 WebSocket clients, one event at a time, 20,000 and 40,000 deliveries a second"""
    rows: list[Row] = []
    async with (
        running_site() as site,
        played_bridge(site),
        lanes.ours(site, "ws", CLIENTS) as ours,
        lanes.floor("ws", CLIENTS) as floor,
        lanes.nats_server(CLIENTS) as peer,
    ):
        for rate in (20_000, 40_000):
            found = await lanes.interleaved([floor, ours, peer], plan.rounds, rate, 1, plan.seconds)
            rows.extend(_with_peer(f"WebSocket, single events, {rate // 1000} k/s", found, 1.3))
    return rows


async def bursts(plan: Plan) -> list[Row]:
    """1,000 WebSocket clients with one filter, 16 events a tick, 320,000 deliveries a second"""
    async with (
        running_site() as site,
        played_bridge(site),
        lanes.ours(site, "ws", CLIENTS) as ours,
        lanes.floor("ws", CLIENTS) as floor,
        lanes.nats_server(CLIENTS) as peer,
    ):
        found = await lanes.interleaved([floor, ours, peer], plan.rounds, 320_000, BURST, plan.seconds)
    return _with_peer("WebSocket, 16 a tick, 320 k/s", found, 1.5)


async def server_sent_events(plan: Plan) -> list[Row]:
    """1,000 SSE clients, one event at a time, 40,000 deliveries a second; and 16 a tick, 320,000"""
    single = _Load("SSE, single events, 40 k/s", 40_000, 1, 1.3)
    bursts = _Load("SSE, 16 a tick, 320 k/s", 320_000, BURST, 1.5)
    return await _against_the_floor(plan, "sse", CLIENTS, single, bursts)


async def many_clients(plan: Plan) -> list[Row]:
    """5,000 WebSocket clients on one gateway, one event at a time, 40,000 deliveries a second"""
    allow_files(_FILES)
    single = _Load("5,000 WebSockets, single events, 40 k/s", 40_000, 1, 1.3)
    return await _against_the_floor(plan, "ws", MANY, single)


async def scattered(plan: Plan) -> list[Row]:
    """1,000 clients with 1,000 different filters, 16 events a tick, a tenth of them to each"""
    what = "scattered filters, 16 a tick"
    async with (
        running_site() as site,
        played_bridge(site),
        lanes.ours(site, "ws", CLIENTS, scatter=True, ids="order") as ours,
        lanes.floor("ws", CLIENTS, scatter=True) as floor,
    ):
        rows: list[Row] = []
        for rate in (180_000, 100_000):
            found = await lanes.interleaved([floor, ours], plan.rounds, rate, BURST, plan.seconds)
            cost = median(found["ours"])
            # The target is at the rate that must be sustained; at lower rates fewer events share a write.
            bound = ("≤ 5.5 µs", cost <= 5.5) if rate == 180_000 else ("nothing lost", True)
            rows.append(_row(f"{what}, {rate // 1000} k/s", found, *bound))
        rows.append(await _highest_rate(what, ours, plan))
    return rows


async def wallboards(plan: Plan) -> list[Row]:
    """1,000 WebSocket clients: a wallboard of 200 agents and 50 queues, beside one of 5 agents and 1 queue"""
    small = {"agents": agents(_FEW), "queues": [QUEUE]}
    large = {"agents": agents(200), "queues": [QUEUE, *(f"queue{number}" for number in range(49))]}
    async with (
        running_site() as site,
        played_bridge(site),
        lanes.ours(site, "ws", CLIENTS, name="small", scope=small) as few,
        lanes.ours(site, "ws", CLIENTS, scope=large) as many,
    ):
        site.talking = _FEW
        found = await lanes.interleaved([few, many], plan.rounds, 40_000, 1, plan.seconds)
    ours, beside = median(found["ours"]), median(found["small"])
    return [
        Row(
            what="a wallboard of 200 agents and 50 queues, 40 k/s",
            ours=f"{ours:.2f} µs",
            beside=f"5 agents, 1 queue {beside:.2f} µs",
            ratio=ours / beside,
            target="no more than the small one (≤ 1.1 ×)",
            reached=ours / beside <= 1.1 and all(one.lost == 0 for one in found["ours"]),
            note=f"{_latency(found['ours'])}, small {_latency(found['small'])}; {_client(found['ours'])}",
        )
    ]


async def sustained(plan: Plan) -> list[Row]:
    """1,000 WebSocket clients, 100,000 single deliveries a second, every id looked at"""
    seconds = plan.seconds if plan.quick else 15.0
    async with (
        running_site() as site,
        played_bridge(site),
        lanes.ours(site, "ws", CLIENTS, ids="dense") as ours,
    ):
        await ours.measure(20_000, 1, 0.5)
        found = [await ours.measure(100_000, 1, seconds) for _ in range(1 if plan.quick else 3)]
    worst = max(found, key=lambda one: (one.lost, one.seen.disturbed, one.late_s))
    good = all(_kept_up(one) for one in found)
    return [
        Row(
            what=f"sustained broadcast, {seconds:g} s",
            ours=f"{worst.seen.deliveries / worst.seen.all_ms * 1e3:,.0f} /s",
            target="≥ 100,000 /s offered, nothing lost, none late",
            reached=good,
            note=f"gateway {worst.server_busy:.0%} busy, p99 {worst.seen.p99_ms:.1f} ms, lost {worst.lost}, "
            f"gaps and repeats {worst.seen.disturbed}; the last delivery {worst.late_s * 1e3:.0f} ms after "
            f"the last event; {_client(found)}",
        )
    ]


async def _highest_rate(what: str, lane: lanes.Lane, plan: Plan) -> Row:
    """Go up until it falls behind."""
    best = 0
    seconds = plan.seconds if plan.quick else 8.0
    last: Measured | None = None
    for rate in (60_000, 90_000, 120_000, 150_000, 180_000, 200_000, 220_000, 250_000, 280_000, 320_000):
        last = await lane.measure(rate, BURST, seconds)
        if not _kept_up(last):
            break
        best = rate
    assert last is not None
    return Row(
        what=f"{what}, highest rate",
        ours=f"{best:,} /s",
        target="≥ 180,000 /s",
        reached=best >= 180_000,
        note=f"steps of {seconds:g} s; at the last one p99 {last.seen.p99_ms:.0f} ms, lost {last.lost}, "
        f"gateway {last.server_busy:.0%} busy, load client {last.seen.client_busy:.0%}",
    )


def _kept_up(one: Measured) -> bool:
    """Nothing lost, nothing twice, nobody cut off, and no queue that had grown at the end."""
    return one.lost == 0 and one.seen.disturbed == 0 and one.late_s < 0.5


class _Load(NamedTuple):
    """How much is measured: deliveries a second, events a tick; the cost is to be ``most`` floors at most."""

    what: str
    rate: int
    burst: int
    most: float


async def _against_the_floor(plan: Plan, mode: load.Mode, clients: int, *loads: _Load) -> list[Row]:
    rows: list[Row] = []
    async with (
        running_site() as site,
        played_bridge(site),
        lanes.ours(site, mode, clients) as ours,
        lanes.floor(mode, clients) as floor,
    ):
        for what, rate, burst, most in loads:
            found = await lanes.interleaved([floor, ours], plan.rounds, rate, burst, plan.seconds)
            ratio = median(found["ours"]) / median(found["floor"])
            rows.append(_row(what, found, f"≤ {most} × floor", ratio <= most))
    return rows


def _with_peer(what: str, found: dict[str, list[Measured]], most: float) -> list[Row]:
    cost, floor, peer = (median(found[name]) for name in ("ours", "floor", "nats-server"))
    return [
        _row(what, found, f"≤ {most} × floor", cost / floor <= most),
        Row(
            what=f"{what}, against nats-server",
            ours=f"{cost:.2f} µs",
            beside=f"nats-server {peer:.2f} µs",
            target="below it",
            reached=cost < peer,
            note=f"nats-server {peer / floor:.2f} × floor; {_latency(found['nats-server'])}",
        ),
    ]


def _row(what: str, found: dict[str, list[Measured]], target: str, reached: bool) -> Row:
    ours, floor = found["ours"], found["floor"]
    lost = sum(one.lost for one in ours)
    disturbed = sum(one.seen.disturbed for one in ours)
    spread = min(one.us_per_delivery for one in ours), max(one.us_per_delivery for one in ours)
    return Row(
        what=what,
        ours=f"{median(ours):.2f} µs",
        beside=f"floor {median(floor):.2f} µs",
        ratio=median(ours) / median(floor),
        target=target,
        reached=reached and lost == 0 and disturbed == 0,
        note=f"rounds {spread[0]:.2f} to {spread[1]:.2f}; {_latency(ours)}, floor {_latency(floor)}; "
        f"in the kernel {_kernel(ours)}, floor {_kernel(floor)}; {_client([*ours, *floor])}"
        + (f"; LOST {lost}, disturbed {disturbed}" if lost or disturbed else ""),
    )


def _latency(found: Sequence[Measured]) -> str:
    middle = sorted(found, key=lambda one: one.seen.p99_ms)[len(found) // 2].seen
    return f"p50 {middle.p50_ms:.1f} p99 {middle.p99_ms:.1f} ms"


def _kernel(found: Sequence[Measured]) -> str:
    return f"{statistics.median(one.in_kernel for one in found):.0%}"


def _client(found: Sequence[Measured]) -> str:
    return f"load client {max(one.seen.client_busy for one in found):.0%} busy"

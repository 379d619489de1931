"""Much at once: a burst of thousands of events, and readers that do not read."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from benchmarks import load
from benchmarks.rig.gateway_metrics import figure, metrics
from benchmarks.rig.memory import watched
from benchmarks.rig.site import BROADCAST_AGENTS, EVERYTHING, Site, played_bridge, running_site
from benchmarks.rig.stamped import QUEUE, agents
from benchmarks.rig.tickets import tickets
from benchmarks.streams import lanes
from benchmarks.streams.plan import Plan
from benchmarks.streams.table import Row
from services.gateway.core.ring import MESSAGES
from services.gateway.lanes.lane import HIGH_WATER

EVENTS = 12_000
_WITHIN_S = 5.0
_BURST_MIB = 64.0
_PRODUCED_AT_ONCE = 100

STALLED = 200
READERS = 50
_STALLED_MIB = 60.0
_STALLED_EVENTS_PER_S = 1_000
_NOISE, _NOISE_MS = 1.3, 2.0

_LATE_BY = 4_000
_LATE_S = 8


async def burst(plan: Plan) -> list[Row]:
    """12,000 events at once to 50 and to 200 readers, every id looked at"""
    rows: list[Row] = []
    async with running_site() as site, played_bridge(site):
        for readers in (50, 200):
            async with lanes.floor("ws", readers) as floor:
                bare = await floor.run(EVENTS, _PRODUCED_AT_ONCE, math.inf)
            found = [await _one_burst(site, readers) for _ in range(plan.rounds)]
            rows.append(_of_burst(readers, found, bare))
    return rows


async def _one_burst(site: Site, readers: int) -> tuple[lanes.Measured, float]:
    async with lanes.ours(site, "ws", readers, ids="dense") as ours:
        await ours.run(100, 1, 200)
        async with watched(ours.pid) as growth:
            measured = await ours.run(EVENTS, _PRODUCED_AT_ONCE, math.inf)
        return measured, growth.mib


def _of_burst(readers: int, found: list[tuple[lanes.Measured, float]], bare: lanes.Measured) -> Row:
    lost = sum(one.lost for one, _ in found)
    disturbed = sum(one.seen.disturbed for one, _ in found)
    took = statistics.median(one.seen.all_ms for one, _ in found) / 1e3
    grown = max(mib for _, mib in found)
    codes = {code: times for one, _ in found for code, times in one.seen.close_codes.items()}
    return Row(
        what=f"burst of {EVENTS:,} to {readers} readers",
        ours=f"{took:.2f} s, +{grown:.0f} MiB",
        beside=f"floor {bare.seen.all_ms / 1e3:.2f} s",
        target=f"all in order within {_WITHIN_S:g} s, growth ≤ {_BURST_MIB:g} MiB",
        reached=lost == 0 and disturbed == 0 and took <= _WITHIN_S and grown <= _BURST_MIB,
        note=f"first event made to last delivery, {EVENTS * readers / took:,.0f} /s; lost {lost}, "
        f"disturbed {disturbed}" + (f", close codes {codes}" if codes else ""),
    )


async def stalled(plan: Plan) -> list[Row]:
    """12,000 events in 12 s to 50 readers, without and with 200 others who never read"""
    seconds = EVENTS / _STALLED_EVENTS_PER_S / (4 if plan.quick else 1)
    rate = _STALLED_EVENTS_PER_S * READERS
    alone: list[lanes.Measured] = []
    beside: list[lanes.Measured] = []
    grown: list[float] = []
    async with running_site() as site, played_bridge(site):
        for _ in range(plan.rounds):
            async with lanes.ours(site, "ws", READERS, ids="dense") as ours:
                alone.append(await ours.measure(rate, 10, seconds))
                paths = [f"/{ticket}/websocket" for ticket in await tickets(ours.port, [EVERYTHING])]
                async with (
                    watched(ours.pid) as growth,
                    load.connected("ws", [ours.port], paths, count=STALLED, ready=True, stalled=True),
                ):
                    beside.append(await ours.measure(rate, 10, seconds))
                grown.append(growth.mib)
    return _of_stalled(alone, beside, max(grown))


async def late_and_stalled(plan: Plan) -> list[Row]:
    """200 readers resume from before a full ring and never read; of one scope, and each of its own"""
    names = agents(BROADCAST_AGENTS)
    own = [{"agents": [*names, f"x{number}"], "queues": [QUEUE]} for number in range(STALLED)]
    on_their_way = STALLED * HIGH_WATER / 2**20
    rows: list[Row] = []
    async with running_site() as site, played_bridge(site):
        for what, scopes in (("", [EVERYTHING]), (", no two of equal scope", own)):
            grown: list[float] = []
            arrived = 0
            for _ in range(min(plan.rounds, 3)):
                growth, number = await _late_and_stalled(site, scopes)
                grown.append(growth)
                arrived += number
            rows.append(
                Row(
                    what=f"{STALLED} stalled readers from before the ring{what}, growth",
                    ours=f"+{max(grown):.1f} MiB",
                    target=f"≤ {_STALLED_MIB:g} MiB",
                    reached=max(grown) <= _STALLED_MIB and arrived == 0,
                    note=f"{MESSAGES + _LATE_BY:,} events, and {_LATE_S * _STALLED_EVENTS_PER_S:,} more "
                    "meanwhile; the memory of their connections included"
                    + (f", and what is on its way to each, {on_their_way:g} MiB" if what else "")
                    + "; rounds "
                    + " ".join(f"{one:.1f}" for one in grown),
                )
            )
    return rows


async def _late_and_stalled(site: Site, scopes: Sequence[object]) -> tuple[float, int]:
    """The growth in MiB, and how many got everything although they read nothing."""
    async with site.gateway() as gateway:
        await site.produce(MESSAGES + _LATE_BY, _PRODUCED_AT_ONCE, math.inf)
        after = await site.place(MESSAGES + _LATE_BY - 1)
        made = await tickets(gateway.port, scopes)
        paths = [f"/{ticket}/websocket?after={after}" for ticket in made]
        async with (
            watched(gateway.process.pid) as growth,
            load.connected("ws", [gateway.port], paths, count=STALLED, stalled=True),
        ):
            await site.produce(_LATE_S * _STALLED_EVENTS_PER_S, 10, _STALLED_EVENTS_PER_S)
            text = await metrics(gateway.port)
        return growth.mib, figure(text, 'pbxis_gateway_resumed_total{source="log"}')


def _of_stalled(alone: list[lanes.Measured], beside: list[lanes.Measured], grown: float) -> list[Row]:
    usual = statistics.median(one.seen.p99_ms for one in alone)
    then = statistics.median(one.seen.p99_ms for one in beside)
    lost = sum(one.lost + one.seen.disturbed for one in (*alone, *beside))
    return [
        Row(
            what=f"{STALLED} stalled readers, growth",
            ours=f"+{grown:.1f} MiB",
            target=f"≤ {_STALLED_MIB:g} MiB",
            reached=grown <= _STALLED_MIB,
            note=f"the most in any round, the memory of their connections included; {EVENTS:,} events",
        ),
        Row(
            what=f"{STALLED} stalled readers, p99 of {READERS} others",
            ours=f"{then:.1f} ms",
            beside=f"without them {usual:.1f} ms",
            ratio=then / usual,
            target=f"≤ {_NOISE} × or +{_NOISE_MS:g} ms",
            reached=then <= max(usual * _NOISE, usual + _NOISE_MS) and lost == 0,
            note=f"rounds {_rounds(alone)} without, {_rounds(beside)} with; lost or disturbed {lost}",
        ),
    ]


def _rounds(found: list[lanes.Measured]) -> str:
    return " ".join(f"{one.seen.p99_ms:.1f}" for one in found)

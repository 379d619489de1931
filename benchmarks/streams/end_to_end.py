"""From Asterisk to the browser: AMI, the bridge, NATS, a gateway, many WebSockets; nothing is pinned."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.rig.fast_ami import fast_ami
from benchmarks.rig.machine import cpu_s
from benchmarks.rig.site import running_site
from benchmarks.streams import lanes
from benchmarks.streams.lanes import UNPINNED, Measured
from benchmarks.streams.plan import Plan
from benchmarks.streams.table import Row

_MOST_TIMES_THE_FLOOR = 3.0


async def ami_to_browser(plan: Plan) -> list[Row]:
    """an AMI event until 100 (500) browsers have it, at 10,000 (100,000) deliveries a second"""
    return [
        *await _at(plan, clients=100, rate=10_000, p50_ms=2.0, p99_ms=6.0),
        *await _at(plan, clients=500, rate=100_000, p50_ms=None, p99_ms=20.0),
    ]


async def _at(plan: Plan, *, clients: int, rate: int, p50_ms: float | None, p99_ms: float) -> list[Row]:
    async with contextlib.AsyncExitStack() as stack:
        ami = await stack.enter_async_context(fast_ami())
        site = await stack.enter_async_context(running_site(core=None, ami_port=ami.port))
        bridge = await stack.enter_async_context(site.bridge())
        gateway = await stack.enter_async_context(lanes.ours(site, "ws", clients, cores=UNPINNED))
        floor = await stack.enter_async_context(lanes.floor("ws", clients, cores=UNPINNED))
        ours = replace(gateway, produce=ami.produce)
        before = cpu_s(bridge.pid), cpu_s(site.nats.pid or 0)
        found = await lanes.interleaved([floor, ours], plan.rounds, rate, 1, plan.seconds)
        after = cpu_s(bridge.pid), cpu_s(site.nats.pid or 0)
    measured = found["ours"]
    seconds = sum(one.seen.seconds for one in measured)
    shares = [(end - begin) / seconds for begin, end in zip(before, after, strict=True)]
    note = (
        f"gateway {statistics.median(one.server_busy for one in measured):.0%} busy, bridge {shares[0]:.0%}, "
        f"NATS {shares[1]:.0%}; lost {sum(one.lost for one in measured)}"
    )
    what = f"AMI to browser, {rate // 1000} k/s"
    rows = [_row(f"{what}, p99", _quantile(measured, 99), _quantile(found["floor"], 99), p99_ms, note)]
    if p50_ms is not None:
        rows.insert(0, _row(f"{what}, p50", _quantile(measured, 50), _quantile(found["floor"], 50), p50_ms))
    good = all(one.lost == 0 and one.seen.disturbed == 0 for one in measured)
    return [replace(row, reached=row.reached and good) for row in rows]


def _quantile(found: Sequence[Measured], of: int) -> float:
    return statistics.median(one.seen.p50_ms if of == 50 else one.seen.p99_ms for one in found)


def _row(what: str, ours: float, floor: float, most_ms: float, note: str = "") -> Row:
    absolute, relative = ours <= most_ms, ours <= _MOST_TIMES_THE_FLOOR * floor
    words = [
        f"absolute {'reached' if absolute else 'missed'}",
        f"3 × floor {'kept' if relative else 'missed'}",
    ]
    return Row(
        what=what,
        ours=f"{ours:.2f} ms",
        beside=f"floor {floor:.2f} ms",
        ratio=ours / floor,
        target=f"≤ {most_ms:g} ms, or ≤ 3 × floor on a busy machine",
        reached=absolute or relative,
        note=", ".join(words) + (f"; {note}" if note else ""),
    )

"""Two bridges of one PBX: how long nobody acts when the acting one is gone."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from benchmarks.rig.fast_ami import fast_ami
from benchmarks.rig.processes import Helper
from benchmarks.rig.site import running_site
from benchmarks.streams.plan import Plan
from benchmarks.streams.table import Row

_EVENTS_PER_S = 200.0
_LEASE_S = 3.0
_MOST_AFTER_KILL_S = 4.0
_MOST_AFTER_STOP_S = 1.0
_STANDS_BY_S = 2.5  # it has heard the lease renewed
_WAIT_S = 30.0
_LOOK_EVERY_S = 0.005


async def of_a_bridge(plan: Plan) -> list[Row]:
    """the acting bridge is killed, or stopped in order, until the other one acts"""
    return [
        await _row(plan, "bridge killed", Helper.kill, _MOST_AFTER_KILL_S, f"its lease is {_LEASE_S:g} s; "),
        await _row(plan, "bridge stopped in order", Helper.terminate, _MOST_AFTER_STOP_S, ""),
    ]


async def _row(plan: Plan, what: str, end: Callable[[Helper], None], most_s: float, note: str) -> Row:
    rounds = [await _once(end) for _ in range(plan.rounds)]
    found = statistics.median(rounds)
    return Row(
        what=f"{what}, until the other acts",
        ours=f"{found:.2f} s",
        target=f"≤ {most_s:g} s",
        reached=found <= most_s,
        note=f"{note}{_EVENTS_PER_S:g} events a second; rounds " + " ".join(f"{one:.2f}" for one in rounds),
    )


async def _once(end: Callable[[Helper], None]) -> float:
    async with (
        fast_ami() as ami,
        running_site(core=None, ami_port=ami.port) as site,
        site.bridge() as acting,
        site.bridge() as standby,
    ):
        producing = asyncio.create_task(ami.produce(round(_WAIT_S * _EVENTS_PER_S), 1, _EVENTS_PER_S))
        try:
            await asyncio.sleep(_STANDS_BY_S)
            begun = time.monotonic()
            end(acting)
            async with asyncio.timeout(_WAIT_S):
                while " acting" not in standby.said:  # noqa: ASYNC110 - it is told in its log only
                    await asyncio.sleep(_LOOK_EVERY_S)
            return time.monotonic() - begun
        finally:
            producing.cancel()
            await asyncio.gather(producing, return_exceptions=True)

"""Do something at a steady rate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def paced(make: Callable[[int], Awaitable[None]], count: int, burst: int, per_s: float) -> int:
    """Call ``make`` with ``burst`` until ``count`` things are made, ``per_s`` of them a second.

    A call that is late is made up for, so the number does not depend on how busy the machine is. ``inf`` is
    as fast as it goes, and others get their turn between the calls.

    Returns:
        how many were made: ``count``, rounded up to whole bursts.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    calls = -(-count // burst)
    for number in range(calls):
        await asyncio.sleep(max(0.0, begun + number * burst / per_s - loop.time()))
        await make(burst)
    return calls * burst

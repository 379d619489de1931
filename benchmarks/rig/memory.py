"""How much memory a process takes while something happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from benchmarks.rig.machine import rss_kib

_EVERY_S = 0.02


@dataclass
class Growth:
    """``before`` and ``peak`` in KiB."""

    before: int
    peak: int

    @property
    def mib(self) -> float:
        """How much more it took at its most."""
        return (self.peak - self.before) / 1024


@contextlib.asynccontextmanager
async def watched(pid: int) -> AsyncGenerator[Growth]:
    """Look again and again while the block runs."""
    growth = Growth(rss_kib(pid), rss_kib(pid))

    async def look() -> None:
        while True:
            growth.peak = max(growth.peak, rss_kib(pid))
            await asyncio.sleep(_EVERY_S)

    looking = asyncio.create_task(look())
    try:
        yield growth
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        growth.peak = max(growth.peak, rss_kib(pid))

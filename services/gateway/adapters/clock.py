"""The clocks of this machine."""

from __future__ import annotations

import time


class SystemClock:
    """Fulfils :class:`~services.gateway.ports.Clock`."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

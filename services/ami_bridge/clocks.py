"""The time, for whoever keeps moments."""

from __future__ import annotations

import time

from services.ami_bridge.core.kept_moments import Instant


def now() -> Instant:
    """On both clocks."""
    return Instant(time.monotonic(), time.time_ns() // 1_000_000)

"""The time, for the lease and for whoever keeps moments.

While the machine sleeps, another bridge acts and NATS goes on. A clock that stands still meanwhile would let
a bridge that wakes up believe for a second that it still holds the lease, and take the commands that waited.
"""

from __future__ import annotations

import time

from services.ami_bridge.core.kept_moments import Instant
from services.jetstream.server_clock import steady_ms


def steady_s() -> float:
    """On a clock that never jumps and, where the system has one, counts the time asleep."""
    return steady_ms() / 1000


def now() -> Instant:
    """On both clocks."""
    return Instant(steady_s(), time.time_ns() // 1_000_000)

"""Wait for a condition instead of sleeping: as long as needed, never longer than a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_STEP_S = 0.005


async def until(condition: Callable[[], object], within_s: float = 10, what: str = "") -> None:
    """Return when the condition holds; fail when it still does not after ``within_s``."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or condition}")
        await asyncio.sleep(_STEP_S)


def until_sync(condition: Callable[[], object], within_s: float = 10, what: str = "") -> None:
    """The same outside an event loop."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or condition}")
        time.sleep(_STEP_S)

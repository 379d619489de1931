"""Tasks that end when they are cancelled, though libraries swallow cancellations.

nats-py swallows one that comes while it flushes, and ``asyncio.wait_for`` of Python 3.11 one that comes as
what it waits for is done. A loop that goes on after such a call would never end, and the process with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_S = 0.1


def heed() -> None:
    """Raise the cancellation of the current task that was swallowed, if one was: the task remembers it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def seen(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event; false when it was not set in time."""
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def end(tasks: Iterable[asyncio.Task[Any]], within_s: float = 1.0) -> None:
    """Cancel tasks until they have ended, or that time is over; what they raise is not raised here."""
    left = {task for task in tasks if not task.done()}
    until = asyncio.get_running_loop().time() + within_s
    while left and asyncio.get_running_loop().time() < until:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)

"""Waiting for what nobody announces: asks again until it is so, or a deadline has passed."""

import asyncio
from collections.abc import Awaitable, Callable

_ASK_AGAIN_S = 0.02


async def eventually(probe: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float = 5.0) -> None:
    """Wait until ``probe`` says true.

    Raises:
        TimeoutError: it did not in time; names ``what`` was awaited.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not await probe():  # noqa: ASYNC110 - Asterisk is asked, there is no event to wait for
                await asyncio.sleep(_ASK_AGAIN_S)
    except TimeoutError as error:
        raise TimeoutError(f"not within {timeout_s} s: {what}") from error

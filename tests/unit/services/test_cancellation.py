from __future__ import annotations

import asyncio
import contextlib

import pytest

from services import cancellation


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was swallowed comes again at once."""
    monkeypatch.setattr(cancellation, "_AGAIN_S", 0.001)


async def swallow_one(times: int) -> None:
    """Ends at the cancellation after so many."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Future()
    await asyncio.Future()


@pytest.mark.usefixtures("hasty")
async def test_a_task_that_swallows_cancellations_is_cancelled_until_it_has_ended() -> None:
    task = asyncio.create_task(swallow_one(3))
    await asyncio.sleep(0)

    await cancellation.end([task], within_s=60)

    assert task.cancelled()


@pytest.mark.usefixtures("hasty")
async def test_one_that_swallows_all_is_given_up() -> None:
    task = asyncio.create_task(swallow_one(1000))
    await asyncio.sleep(0)

    await cancellation.end([task], within_s=0.02)

    assert not task.done()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)


async def test_a_loop_heeds_a_cancellation_that_was_swallowed() -> None:
    async def loop() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Future()
            cancellation.heed()

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_event_is_seen_or_not() -> None:
    event = asyncio.Event()
    assert not await cancellation.seen(event, 0)
    event.set()
    assert await cancellation.seen(event, 1)


async def test_a_cancellation_is_not_swallowed_by_an_event_that_comes_with_it() -> None:
    event = asyncio.Event()
    task = asyncio.create_task(cancellation.seen(event, 5))
    await asyncio.sleep(0)
    event.set()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

"""Waiting that is ended from outside."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.patience import GivenUpError, Patience


async def test_all_that_waits_ends_at_once_and_is_cancelled() -> None:
    patience = Patience()
    never: list[asyncio.Future[None]] = [asyncio.Future() for _ in range(2)]

    async def wait(number: int) -> None:
        async with patience.waiting():
            await never[number]

    waits = [asyncio.create_task(wait(number)) for number in range(2)]
    await asyncio.sleep(0)
    patience.end()

    for wait_ in waits:
        with pytest.raises(GivenUpError):
            await wait_
    assert all(future.cancelled() for future in never)
    assert patience.over


async def test_what_ends_by_itself_in_time_is_not_touched() -> None:
    patience = Patience()
    async with patience.waiting():
        pass
    patience.end()
    await asyncio.sleep(0)


async def test_nothing_begins_when_it_is_over() -> None:
    patience = Patience()
    patience.end()

    with pytest.raises(GivenUpError):
        async with patience.waiting():
            pytest.fail("it began")


async def test_a_timeout_of_what_is_inside_stays_one() -> None:
    with pytest.raises(TimeoutError):
        async with Patience().waiting():
            raise TimeoutError


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    patience = Patience()

    async def wait() -> None:
        async with patience.waiting():
            await asyncio.Future()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    patience.end()

    await asyncio.wait({task})
    assert task.cancelled()

from __future__ import annotations

import asyncio

from services.gateway.core.frames import CLOSE, RESET
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.subscription import LIMIT_BYTES, End, Subscription


def subscription() -> Subscription:
    return Subscription(resolve(Ticket(created=1), ("hq",)), None, poll=False, resume=False)


async def test_waits_until_there_is_something() -> None:
    one = subscription()
    waiting = asyncio.create_task(one.wait())
    await asyncio.sleep(0)
    assert not waiting.done()

    one.push([RESET], 10)
    await waiting
    assert one.take() == [RESET]
    assert one.take() == []


async def test_who_does_not_take_is_ended_and_holds_nothing() -> None:
    one = subscription()
    for _ in range(LIMIT_BYTES // 1000):
        one.push([RESET], 1000)
    assert one.ended is None

    one.push([RESET], 1000)
    assert one.ended is End.TOO_SLOW
    assert one.take() == []
    one.push([RESET], 1)
    assert one.take() == []


async def test_one_batch_larger_than_the_limit_is_no_sign_of_slowness() -> None:
    one = subscription()

    one.push([RESET], LIMIT_BYTES + 1)

    assert one.ended is None
    assert one.take() == [RESET]


async def test_opening_may_be_larger_than_the_limit() -> None:
    one = subscription()
    one.open([RESET] * 3)
    one.push([CLOSE], LIMIT_BYTES)

    assert one.ended is None
    assert len(one.take()) == 4


async def test_end_of_the_ticket_takes_back_what_waits() -> None:
    one = subscription()
    one.push([RESET], 10)
    one.end(End.NO_TICKET)
    one.end(End.STOPPING)

    await one.wait()
    await one.over()
    assert one.ended is End.NO_TICKET
    assert one.take() == []


async def test_other_ends_leave_what_waits() -> None:
    one = subscription()
    one.push([RESET], 10)
    one.end(End.STOPPING)

    assert one.take() == [RESET]


async def test_ended_subscription_does_not_open_again() -> None:
    one = subscription()
    one.end(End.STOPPING)
    one.open([RESET])

    assert one.take() == []


async def test_forgets_what_waits() -> None:
    one = subscription()
    one.push([RESET], LIMIT_BYTES)
    one.forget()
    one.push([CLOSE], LIMIT_BYTES)

    assert one.take() == [CLOSE]

"""What a session knows of how far its events have been read."""

from __future__ import annotations

import pytest

from services.ami_bridge.adapters.ami_session import EventQueue
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.errors import AmiLinkLostError

HANGUP = {"Event": "Hangup", "Uniqueid": "1.1"}
ASKED = (Instant(10, 10_000), Instant(20, 20_000))


async def test_an_answer_counts_only_when_what_came_before_it_has_been_handled() -> None:
    queue = EventQueue(100)
    called = queue.read_until
    queue.receive([HANGUP])
    queue.on_answer(ASKED[0])
    queue.receive([HANGUP])
    queue.on_answer(ASKED[1])
    batches = queue.batches()
    handled: list[Instant] = []

    for _ in range(2):
        await anext(batches)
        handled.append(queue.read_until)
    queue.on_lost("over")
    with pytest.raises(AmiLinkLostError):
        await anext(batches)

    assert handled == [called, ASKED[0]]
    assert queue.read_until == ASKED[1]


async def test_what_is_left_is_taken_once_and_does_not_count_as_handled() -> None:
    queue = EventQueue(100)
    called = queue.read_until
    queue.receive([HANGUP])
    queue.on_answer(ASKED[0])
    queue.receive([HANGUP, HANGUP])

    assert queue.rest() == [HANGUP] * 3
    assert queue.rest() == []
    assert queue.read_until == called


async def test_a_queue_is_full_with_the_batch_above_its_limit_and_has_room_again_when_it_was_taken() -> None:
    queue = EventQueue(2)

    assert queue.receive([HANGUP] * 2)
    assert not queue.receive([HANGUP])
    assert len(queue.rest()) == 3
    assert queue.receive([HANGUP] * 2)

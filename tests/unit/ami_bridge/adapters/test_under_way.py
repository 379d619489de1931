"""What was sent and is not known to be stored."""

from __future__ import annotations

from services.ami_bridge.adapters.outbox_message import OutboxMessage
from services.ami_bridge.adapters.under_way import UnderWay


def message(number: int, subject: str = "a") -> OutboxMessage:
    return OutboxMessage(number, subject, b"", {}, "")


def test_each_unanswered_message_has_a_fence_to_itself() -> None:
    under_way = UnderWay(2)
    first, second = message(1, "a"), message(2, "b")
    under_way.send(first, 0)
    under_way.send(second, 0)

    assert {first.fence, second.fence} == {0, 1}
    assert not under_way.room
    under_way.forget(first)
    third = message(3, "c")
    under_way.send(third, 0)
    assert third.fence == first.fence


def test_what_failed_gives_its_fence_back_and_waits_for_its_turn() -> None:
    under_way = UnderWay(1)
    late, later = message(1), message(2)
    under_way.send(later, 0)
    assert under_way.fail(later) is False
    under_way.send(late, 0)
    under_way.fail(late)

    assert under_way.room
    assert not under_way.unanswered
    assert under_way.oldest_unsettled is late
    assert len(under_way) == 2
    under_way.send(late, 1)
    assert under_way.fail(late) is True
    assert under_way.forget(late) is True
    assert under_way.oldest_unsettled is later


def test_a_late_answer_to_what_failed_ends_it() -> None:
    under_way = UnderWay(1)
    one = message(1)
    under_way.send(one, 0)
    under_way.fail(one)

    assert under_way.numbered(1) is one
    assert under_way.is_unsettled(one)
    under_way.forget(one)
    assert under_way.numbered(1) is None
    assert under_way.oldest_unsettled is None
    assert under_way.room


def test_those_without_an_answer_in_time_are_late() -> None:
    under_way = UnderWay(3)
    messages = [message(number, str(number)) for number in range(3)]
    for second, one in enumerate(messages):
        under_way.send(one, second)

    assert under_way.late(0) == []
    assert under_way.late(2) == messages[:2]


def test_a_lost_connection_answers_nothing() -> None:
    under_way = UnderWay(2)
    for number in range(2):
        under_way.send(message(number, str(number)), 0)

    under_way.fail_all()

    assert not under_way.unanswered
    assert under_way.room
    assert not under_way.is_unanswered("0")
    assert len(under_way) == 2

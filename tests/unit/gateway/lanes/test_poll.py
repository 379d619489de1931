"""The lane of one long poll: where an answer may end."""

from __future__ import annotations

from services.gateway.core import frames
from services.gateway.core.batch import Batch
from services.gateway.core.frames import Message
from services.gateway.lanes.poll import ANSWER_BYTES, PollLane

LARGE = b'{"type":"agentName","name":"' + b"x" * ANSWER_BYTES + b'"}'


class Reader:
    """Counts how often it was asked to wait, and to go on."""

    def __init__(self) -> None:
        self.pauses = 0
        self.returns = 0

    def pause(self) -> None:
        self.pauses += 1

    def go_on(self) -> None:
        self.returns += 1


def lane() -> tuple[PollLane, Reader]:
    made, reader = PollLane(), Reader()
    made.attach(reader)
    return made, reader


def test_a_full_answer_ends_with_an_event_of_the_log_once() -> None:
    poll, reader = lane()
    poll.write(Batch([Message(b'{"type":"ping"}', "g-1", 1)], 1))
    assert reader.pauses == 0

    poll.write(Batch([Message(LARGE, "g-2", 2)], 2))
    poll.write(Batch([Message(LARGE, "g-3", 3)], 3))
    assert reader.pauses == 1
    assert len(poll.take()) == 3
    assert reader.returns == 0


def test_a_state_comes_whole_whatever_its_size() -> None:
    poll, reader = lane()
    poll.write(Batch([Message(LARGE)], 5))
    poll.write(Batch([Message(LARGE)], 5))
    assert reader.pauses == 0

    poll.write(Batch([frames.ready(resumed=False, now_ms=1, position="g-5")], 5))
    assert reader.pauses == 1


def test_what_was_dropped_takes_no_room() -> None:
    poll, reader = lane()
    poll.write(Batch([Message(LARGE)], 5))
    poll.drop()
    assert not poll.filled.is_set()

    poll.write(Batch([Message(b'{"type":"ping"}', "g-6", 6)], 6))
    assert reader.pauses == 0
    assert [message.id for message in poll.take()] == ["g-6"]


def test_full_answer_that_was_dropped_can_be_filled_again() -> None:
    poll, reader = lane()
    poll.write(Batch([Message(LARGE, "g-2", 2)], 2))
    poll.drop()
    assert (reader.pauses, reader.returns) == (1, 1)

    poll.write(Batch([Message(LARGE, "h-2", 2)], 2))
    assert reader.pauses == 2
    assert [message.id for message in poll.take()] == ["h-2"]

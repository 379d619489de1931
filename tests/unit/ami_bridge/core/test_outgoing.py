"""The queue before the broker."""

from __future__ import annotations

import pytest

from services.ami_bridge.core import outgoing
from services.ami_bridge.core.outgoing import Lost, Outgoing
from shared.events import OriginateFailed, QueueCount


def state(queue: str, count: int) -> QueueCount:
    return QueueCount(pbx="hq", queue=queue, count=count)


def moment(number: int) -> OriginateFailed:
    return OriginateFailed(pbx="hq", action_id=str(number), agent="148", reason="Busy")


def drain(queue: Outgoing) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    while queue.head() is not None:
        waiting = queue.take()
        found.append((waiting.subject, waiting.event))
    return found


def test_everything_leaves_in_the_order_in_which_it_came() -> None:
    queue = Outgoing(10)
    queue.put_state("a", state("a", 1))
    queue.put_moment("m", moment(1), "hq:1", 0)
    queue.put_state("b", state("b", 1))
    queue.put_moment("m", moment(2), "hq:2", 0)

    assert (queue.states, queue.moments) == (2, 2)
    assert [subject for subject, _ in drain(queue)] == ["a", "m", "b", "m"]
    assert (queue.states, queue.moments) == (0, 0)


def test_a_state_that_is_replaced_goes_behind_what_was_put_before_it() -> None:
    queue = Outgoing(10)
    queue.put_state("pbxStatus", state("x", 1))
    queue.put_state("a", state("a", 1))
    queue.put_state("pbxStatus", state("x", 2))

    assert drain(queue) == [("a", state("a", 1)), ("pbxStatus", state("x", 2))]


def test_a_state_that_changes_all_the_time_gets_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_PATIENCE", 5)
    queue = Outgoing(10)
    queue.put_state("hot", state("hot", 0))
    taken: list[str] = []
    for number in range(20):
        queue.put_state(f"cold {number}", state("cold", number))
        queue.put_state("hot", state("hot", number))
        taken.append(queue.take().subject)

    assert taken.index("hot") == 5


def test_a_moment_is_taken_with_its_name_and_a_state_without() -> None:
    queue = Outgoing(10)
    queue.put_moment("m", moment(1), "hq:1", 0)
    queue.put_state("a", state("a", 1))

    assert [queue.take().moment_id, queue.take().moment_id] == ["hq:1", ""]


def test_above_the_limit_the_oldest_moment_is_dropped_and_counted_from_the_first() -> None:
    queue = Outgoing(2)
    dropped = [queue.put_moment("m", moment(number), f"hq:{number}", 1000 + number) for number in range(5)]
    assert dropped == [None, None, "hq:0", "hq:1", "hq:2"]
    queue.put_state("a", state("a", 1))

    assert (queue.moments, queue.dropped) == (2, 3)
    assert queue.take_lost() == Lost(count=3, since=1002)
    assert queue.take_lost() is None
    assert drain(queue) == [("m", moment(3)), ("m", moment(4)), ("a", state("a", 1))]


def test_what_was_lost_elsewhere_is_counted_too_from_its_own_first() -> None:
    queue = Outgoing(2)
    queue.count_lost(1005)
    queue.count_lost(1000, 7)

    assert queue.take_lost() == Lost(count=8, since=1000)
    assert queue.dropped == 8


def test_states_are_never_dropped() -> None:
    queue = Outgoing(1)
    for number in range(1000):
        queue.put_state(str(number), state("q", number))

    assert (queue.states, queue.dropped) == (1000, 0)


def test_taking_from_an_empty_queue_is_an_error() -> None:
    with pytest.raises(KeyError):
        Outgoing(1).take()

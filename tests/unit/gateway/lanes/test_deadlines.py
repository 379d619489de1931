"""Whose time is up; the clock is the test's."""

from __future__ import annotations

from services.gateway.lanes.deadlines import (
    FLUSH_BYTES,
    FLUSH_WITHIN_S,
    HEAD_WITHIN_S,
    Deadlines,
    Wait,
    What,
    flush,
)


class Connection:
    """Waits for what the test says."""

    def __init__(self, wait: Wait | None) -> None:
        self.wait = wait
        self.ended: list[What] = []

    def waits_for(self) -> Wait | None:
        return self.wait

    def overdue(self, what: What) -> None:
        self.ended.append(what)


def test_connection_is_ended_when_it_has_waited_for_the_same_too_long() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 100)
    deadlines.look([one], 100 + HEAD_WITHIN_S - 1)
    assert one.ended == []

    deadlines.look([one], 100 + HEAD_WITHIN_S)
    assert one.ended == ["head"]


def test_another_request_has_a_time_of_its_own() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 0)
    one.wait = Wait("head", 1)
    deadlines.look([one], HEAD_WITHIN_S)
    assert one.ended == []

    deadlines.look([one], 2 * HEAD_WITHIN_S)
    assert one.ended == ["head"]


def test_connection_that_waits_for_nothing_is_left_alone() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 0)
    one.wait = None
    deadlines.look([one], HEAD_WITHIN_S)
    one.wait = Wait("head", 0)
    deadlines.look([one], HEAD_WITHIN_S + 1)

    assert one.ended == []


def test_client_that_takes_what_was_written_gets_time_for_the_rest() -> None:
    one, deadlines = Connection(flush(3 * FLUSH_BYTES)), Deadlines()
    deadlines.look([one], 0)
    one.wait = flush(2 * FLUSH_BYTES + 1)
    deadlines.look([one], FLUSH_WITHIN_S)
    one.wait = flush(2 * FLUSH_BYTES)
    deadlines.look([one], FLUSH_WITHIN_S + 1)
    assert one.ended == []

    deadlines.look([one], 2 * FLUSH_WITHIN_S)
    assert one.ended == ["flush"]


def test_connection_that_has_gone_is_forgotten() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 0)
    deadlines.look([], 1)
    deadlines.look([one], HEAD_WITHIN_S)

    assert one.ended == []

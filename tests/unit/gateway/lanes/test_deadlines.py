"""Whose time is up; the clock is the test's."""

from __future__ import annotations

from services.gateway.lanes.deadlines import (
    FLUSH_BYTES,
    FLUSH_WITHIN_S,
    HEAD_WITHIN_S,
    LOOK_EVERY_S,
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


def look_until(deadlines: Deadlines, one: Connection, begin: float, end: float) -> None:
    """Look again and again, as often as a server does."""
    now = begin
    while now < end:
        deadlines.look([one], now)
        now += LOOK_EVERY_S
    deadlines.look([one], end)


def test_connection_is_ended_when_it_has_waited_for_the_same_too_long() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    look_until(deadlines, one, 100, 100 + HEAD_WITHIN_S - 1)
    assert one.ended == []

    deadlines.look([one], 100 + HEAD_WITHIN_S)
    assert one.ended == ["head"]


def test_another_request_has_a_time_of_its_own() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 0)
    one.wait = Wait("head", 1)
    look_until(deadlines, one, 1, HEAD_WITHIN_S)
    assert one.ended == []

    look_until(deadlines, one, HEAD_WITHIN_S, HEAD_WITHIN_S + 1)
    assert one.ended == ["head"]


def test_connection_that_waits_for_nothing_is_left_alone() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 0)
    one.wait = None
    look_until(deadlines, one, 1, HEAD_WITHIN_S)
    one.wait = Wait("head", 0)
    deadlines.look([one], HEAD_WITHIN_S + 1)

    assert one.ended == []


def test_client_that_takes_what_was_written_gets_time_for_the_rest() -> None:
    one, deadlines = Connection(flush(3 * FLUSH_BYTES)), Deadlines()
    look_until(deadlines, one, 0, FLUSH_WITHIN_S - 1)
    one.wait = flush(2 * FLUSH_BYTES + 1)
    look_until(deadlines, one, FLUSH_WITHIN_S, FLUSH_WITHIN_S + 1)
    one.wait = flush(2 * FLUSH_BYTES)
    look_until(deadlines, one, FLUSH_WITHIN_S + 2, 2 * FLUSH_WITHIN_S - 1)
    assert one.ended == []

    deadlines.look([one], 2 * FLUSH_WITHIN_S)
    assert one.ended == ["flush"]


def test_connection_that_has_gone_is_forgotten() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    deadlines.look([one], 0)
    deadlines.look([], 1)
    look_until(deadlines, one, 2, HEAD_WITHIN_S)

    assert one.ended == []


def test_time_in_which_the_process_stood_still_is_not_held_against_its_clients() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    look_until(deadlines, one, 0, HEAD_WITHIN_S - 1)
    thawed_at = 1000.0
    look_until(deadlines, one, thawed_at, thawed_at + HEAD_WITHIN_S - 1)
    assert one.ended == []

    deadlines.look([one], thawed_at + HEAD_WITHIN_S)
    assert one.ended == ["head"]


def test_looks_that_come_somewhat_late_still_end_what_is_overdue() -> None:
    one, deadlines = Connection(Wait("head", 0)), Deadlines()
    for now in (0, 2 * LOOK_EVERY_S, 4 * LOOK_EVERY_S):
        deadlines.look([one], now)

    assert one.ended == ["head"]


def test_look_is_due_at_once_and_then_every_few_seconds() -> None:
    deadlines = Deadlines()
    assert deadlines.due(0)
    deadlines.look([], 0)

    assert not deadlines.due(LOOK_EVERY_S - 1)
    assert deadlines.due(LOOK_EVERY_S)

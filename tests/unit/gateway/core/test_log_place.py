"""Where a reader of the log stands."""

from __future__ import annotations

import pytest

from services.gateway.core.log_place import LogPlace, Step


def at(last: int) -> LogPlace:
    place = LogPlace()
    place.begin("g", last, 1)
    return place


def test_before_the_first_snapshot_any_log_begins_anew() -> None:
    assert LogPlace().must_begin_anew("g", 1, 0)


@pytest.mark.parametrize(("first", "last"), [(1, 10), (11, 10), (11, 20), (3, 30)])
def test_a_log_that_has_the_next_message_or_will_is_read_on(first: int, last: int) -> None:
    assert not at(10).must_begin_anew("g", first, last)


@pytest.mark.parametrize(
    ("generation", "first", "last"),
    [("other", 1, 10), ("g", 1, 9), ("g", 12, 20), ("g", 13, 12)],
    ids=["another log", "lost its end", "dropped the next", "dropped all behind the next"],
)
def test_a_log_that_cannot_be_read_on_begins_anew(generation: str, first: int, last: int) -> None:
    assert at(10).must_begin_anew(generation, first, last)


@pytest.mark.parametrize(
    ("snapshot_last", "first", "stands_at"),
    [(10, 1, 10), (0, 1, 0), (10, 50, 49), (0, 50, 49)],
)
def test_behind_a_snapshot_it_stands_where_the_log_goes_on(
    snapshot_last: int, first: int, stands_at: int
) -> None:
    place = LogPlace()
    place.begin("g", snapshot_last, first)

    assert (place.generation, place.last) == ("g", stands_at)


def test_each_message_is_delivered_once_and_in_order() -> None:
    place = at(10)

    assert [place.step(sequence) for sequence in (9, 10, 11, 11, 12, 11)] == [
        Step.SKIP,
        Step.SKIP,
        Step.DELIVER,
        Step.SKIP,
        Step.DELIVER,
        Step.SKIP,
    ]
    assert place.last == 12


def test_a_message_that_does_not_follow_asks_for_a_look_and_the_same_again_is_a_hole() -> None:
    place = at(10)

    assert place.step(14) is Step.LOOK
    assert place.last == 10
    assert place.step(14) is Step.DELIVER
    assert place.step(15) is Step.DELIVER


def test_another_hole_than_the_one_looked_for_asks_again() -> None:
    place = at(10)
    place.step(14)

    assert place.step(15) is Step.LOOK


def test_a_snapshot_forgets_the_hole() -> None:
    place = at(10)
    place.step(14)
    place.begin("g", 10, 1)

    assert place.step(14) is Step.LOOK


def test_same_log_that_ends_before_what_was_read_is_behind() -> None:
    place = LogPlace()
    place.begin("g", 10, 1)

    assert place.is_behind("g", 9)
    assert not place.is_behind("g", 10)
    assert not place.is_behind("other", 9)

from __future__ import annotations

from services.gateway.core.ring import PAGE, PAGE_BYTES, Entry, Ring
from shared.subjects import Subject

SUBJECT = Subject("state", "hq", "queueCount", "q1", None)


def entry(sequence: int, size: int = 10) -> Entry:
    return Entry(sequence, SUBJECT, b"x" * size)


def filled(ring: Ring, first: int, last: int) -> Ring:
    ring.restart(first - 1)
    for sequence in range(first, last + 1):
        ring.append(entry(sequence))
    return ring


def sequences(ring: Ring, after: int) -> list[int]:
    return [found.sequence for found in ring.page(after)[0]]


def test_gives_what_followed() -> None:
    ring = filled(Ring(), 5, 9)

    assert sequences(ring, 7) == [8, 9]
    assert sequences(ring, 4) == [5, 6, 7, 8, 9]
    assert sequences(ring, 9) == []


def test_reaches_from_before_its_first_to_its_last() -> None:
    ring = filled(Ring(), 5, 9)

    assert ring.reaches(4)
    assert ring.reaches(9)
    assert not ring.reaches(3)
    assert not ring.reaches(10)


def test_drops_the_oldest_beyond_the_number() -> None:
    ring = filled(Ring(messages=3), 1, 5)

    assert not ring.reaches(1)
    assert ring.reaches(2)
    assert sequences(ring, 2) == [3, 4, 5]


def test_drops_the_oldest_beyond_the_size() -> None:
    ring = filled(Ring(size=25), 1, 5)

    assert sequences(ring, ring.floor) == [4, 5]


def test_message_larger_than_the_ring_leaves_a_ring_that_reaches_to_now() -> None:
    ring = filled(Ring(size=25), 1, 2)
    ring.append(entry(3, size=100))

    assert ring.reaches(3)
    assert not ring.reaches(2)


def test_skipped_message_moves_the_end() -> None:
    ring = filled(Ring(), 1, 2)
    ring.skip(3)

    assert ring.reaches(3)
    assert sequences(ring, 1) == [2]


def test_restart_forgets() -> None:
    ring = filled(Ring(), 1, 5)
    ring.restart(100)

    assert not ring.reaches(5)
    assert ring.reaches(100)


def test_gives_a_page_at_a_time() -> None:
    ring = filled(Ring(), 1, PAGE + 5)
    ring.skip(PAGE + 6)

    entries, end = ring.page(2)
    assert [one.sequence for one in entries] == list(range(3, PAGE + 1))
    assert end == PAGE
    assert [one.sequence for one in ring.page(end)[0]] == list(range(PAGE + 1, PAGE + 6))
    assert ring.page(end)[1] == PAGE + 6
    assert ring.page(PAGE + 5) == ([], PAGE + 6)
    assert len(ring) == PAGE + 5


def test_pages_end_at_the_same_places_wherever_they_begin() -> None:
    ring = filled(Ring(), 1, 3 * PAGE)

    assert {ring.page(after)[1] for after in range(PAGE)} == {PAGE}
    assert {ring.page(after)[1] for after in range(PAGE, 2 * PAGE)} == {2 * PAGE}


def test_page_goes_as_far_as_nothing_is_left_out() -> None:
    ring = Ring()
    for sequence in (3, 5 * PAGE - 1, 5 * PAGE + 1):
        ring.append(entry(sequence))

    assert [(sequences(ring, after), ring.page(after)[1]) for after in (0, 3, PAGE, 5 * PAGE)] == [
        ([3], PAGE),
        ([5 * PAGE - 1], 5 * PAGE),
        ([5 * PAGE - 1], 5 * PAGE),
        ([5 * PAGE + 1], 5 * PAGE + 1),
    ]


def test_page_of_large_messages_is_short() -> None:
    ring = Ring()
    for sequence in range(1, 6):
        ring.append(entry(sequence, size=PAGE_BYTES // 2))

    assert sequences(ring, 0) == [1, 2]


def test_reaches_further_back_when_it_is_given_what_came_before() -> None:
    ring = filled(Ring(), 11, 12)
    ring.put_before([entry(number) for number in (6, 7, 9)], 5)

    assert ring.reaches(5)
    assert sequences(ring, 5) == [6, 7, 9, 11, 12]
    assert ring.size == 50


def test_reaches_back_no_further_than_there_is_room() -> None:
    by_number, by_size = filled(Ring(messages=4), 11, 12), filled(Ring(size=40), 11, 12)
    for ring in (by_number, by_size):
        ring.put_before([entry(number) for number in (7, 8, 9)], 5)

        assert ring.floor == 7
        assert sequences(ring, 7) == [8, 9, 11, 12]


def test_room_is_what_number_and_size_leave() -> None:
    ring = Ring(messages=10, size=100)
    assert ring.room == 10

    ring.append(entry(1, 5))
    assert ring.room == 9
    ring.append(entry(2, 35))
    assert ring.room == 3
    ring.append(entry(3, 60))
    assert ring.room == 0

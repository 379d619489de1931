from __future__ import annotations

from services.gateway.core.ring import Entry, Ring
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
    return [found.sequence for found in ring.after(after)]


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

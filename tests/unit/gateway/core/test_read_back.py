from __future__ import annotations

from services.gateway.core.read_back import ReadBack
from services.gateway.core.ring import PAGE, Entry
from shared.subjects import Subject

SUBJECT = Subject("state", "hq", "queueCount", "q1", None)


def entries(first: int, last: int, size: int = 10) -> list[Entry]:
    return [Entry(sequence, SUBJECT, b"x" * size) for sequence in range(first, last + 1)]


def test_gives_what_follows_any_place_in_a_part() -> None:
    read = ReadBack()
    read.put(4, entries(5, 9), 12)

    assert [sequence for sequence in range(14) if read.reaches(sequence)] == list(range(4, 12))
    assert read.page(6) == (entries(7, 9), 12)
    assert read.page(9) == ([], 12)


def test_its_pages_end_where_those_of_the_ring_do() -> None:
    read = ReadBack()
    read.put(10, entries(11, 2 * PAGE + 5), 2 * PAGE + 5)

    assert read.page(10)[1] == read.page(PAGE - 1)[1] == PAGE
    assert read.page(PAGE)[1] == 2 * PAGE
    assert read.page(2 * PAGE)[1] == 2 * PAGE + 5


def test_drops_beyond_its_number_what_was_not_used_for_longest() -> None:
    read = ReadBack(parts=2)
    read.put(0, entries(1, 9), 9)
    read.put(100, entries(101, 109), 109)
    read.page(0)
    read.put(200, entries(201, 209), 209)

    assert [read.reaches(sequence) for sequence in (0, 100, 200)] == [True, False, True]


def test_drops_beyond_its_size_but_what_has_just_been_read() -> None:
    read = ReadBack(size=100)
    read.put(0, entries(1, 5), 5)
    read.put(5, entries(6, 10), 10)
    assert read.size == 100

    read.put(10, entries(11, 11, size=500), 11)
    assert [read.reaches(sequence) for sequence in (0, 5, 10)] == [False, False, True]


def test_forgets_when_it_is_told() -> None:
    read = ReadBack()
    read.put(0, entries(1, 5), 5)
    read.clear()

    assert not read.reaches(0)

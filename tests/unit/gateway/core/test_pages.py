from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.frames import Message
from services.gateway.core.pages import SCOPED_BYTES, SCOPED_KEPT, Page, Pages
from services.gateway.core.ring import MESSAGES, PAGE, PAGE_BYTES, Entry, Ring
from services.gateway.core.scope import Scope, admits, resolve
from services.gateway.core.tickets import Ticket
from shared.subjects import Subject
from tests.unit.gateway.core.test_interest import SCOPES, SUBJECTS

COUNT = Subject("state", "hq", "queueCount", "q1", None)
PARKED = Subject("event", "hq", "parkedCall", None, None)


def scope(*queues: str) -> Scope:
    return resolve(Ticket(queues=queues or ("*",), created=1), ("hq",))


def entries(first: int, last: int, subject: Subject = COUNT) -> list[Entry]:
    return [Entry(sequence, subject, b'{"type":"x"}') for sequence in range(first, last + 1)]


def pages(first: int, last: int) -> Pages:
    """Of a ring that begins with an event and ends with another."""
    ring = Ring()
    ring.restart(first - 1)
    for entry in entries(first, last):
        ring.append(entry)
    made = Pages(ring)
    made.begin("g1")
    return made


def messages(page: Page) -> Sequence[Message]:
    return [message for batch in page.batches for message in batch.messages]


def test_a_page_of_the_ring_is_shared_by_those_of_equal_scope() -> None:
    made = pages(1, PAGE + 5)
    page = made.page(scope(), 2)

    assert [message.id for message in messages(page)] == [f"g1-{n}" for n in range(3, PAGE + 1)]
    assert (page.end, page.batches[-1].last, page.whole) == (PAGE, PAGE, True)
    assert made.page(scope(), 2) is page


def test_those_of_other_scopes_share_the_messages() -> None:
    made = pages(1, 5)

    assert messages(made.page(scope(), 0))[0] is messages(made.page(scope("q1"), 0))[0]
    assert made.page(scope("q2"), 0) == Page(5, whole=False, batches=[])


def test_a_page_that_ends_with_the_ring_grows_with_it() -> None:
    ring = Ring()
    ring.restart(0)
    made = Pages(ring)
    made.begin("g1")
    ring.append(entries(1, 1)[0])
    assert made.page(scope(), 0).end == 1
    ring.append(entries(2, 2)[0])

    assert made.page(scope(), 0).end == 2


def test_what_the_ring_no_longer_has_is_given_from_what_was_read_back() -> None:
    made = pages(101, 110)
    assert not made.reaches(50)
    made.read_back.put(50, entries(51, 120), 120)

    assert made.reaches(50)
    assert [message.id for message in messages(made.page(scope(), 98))] == [f"g1-{n}" for n in range(99, 121)]


def test_another_log_has_other_pages() -> None:
    made = pages(1, 5)
    made.read_back.put(50, entries(51, 60), 60)
    before = made.page(scope(), 0)
    made.begin("g2")

    assert made.page(scope(), 0) is not before
    assert messages(made.page(scope(), 0))[0].id == "g2-1"
    assert not made.reaches(50)


def test_keeps_the_pages_of_a_full_ring() -> None:
    made = pages(1, MESSAGES)
    places = range(0, MESSAGES, PAGE)
    before = [made.page(scope(), place) for place in places]
    others = [made.page(scope("q1"), place) for place in places]

    assert all(made.page(scope(), place) is page for place, page in zip(places, before, strict=True))
    assert all(
        messages(one)[0] is messages(other)[0] for one, other in zip(before, others, strict=True)
    )  # the messages were made once


def test_does_not_keep_a_page_of_every_place_and_scope() -> None:
    made = pages(1, SCOPED_KEPT + 10)
    before = [made.page(scope(), sequence) for sequence in range(SCOPED_KEPT + 1)]

    assert made.page(scope(), SCOPED_KEPT) is before[SCOPED_KEPT]
    assert made.page(scope(), 0) is not before[0]
    assert messages(made.page(scope("q1"), 0))[0] is not messages(before[0])[0]


def test_keeps_fewer_of_large_pages() -> None:
    ring = Ring()
    ring.restart(0)
    size = PAGE_BYTES // 2
    for sequence in range(1, 2 * SCOPED_BYTES // size):
        ring.append(Entry(sequence, COUNT, b"x" * size))
    made = Pages(ring)
    made.begin("g1")
    before = [made.page(scope(), sequence) for sequence in range(0, ring.last, 2)]

    assert made.page(scope(), 2 * (len(before) - 1)) is before[-1]
    assert made.page(scope(), 0) is not before[0]


def test_large_messages_come_in_parts_that_say_how_far_they_go() -> None:
    ring = Ring()
    ring.restart(0)
    for sequence in (1, 2, 3, 4):
        ring.append(Entry(sequence, PARKED if sequence == 4 else COUNT, b"x" * 40_000))
    made = Pages(ring)
    made.begin("g1")
    page = made.page(resolve(Ticket(queues=("q1",), created=1), ("hq",)), 0)

    assert [batch.last for batch in page.batches] == [2, 4]


@given(scope=SCOPES, subjects=st.lists(SUBJECTS, max_size=20))
def test_gives_what_the_scope_admits(scope: Scope, subjects: list[Subject]) -> None:
    ring = Ring()
    ring.restart(0)
    for sequence, subject in enumerate(subjects, 1):
        ring.append(Entry(sequence, subject, b"{}"))
    made = Pages(ring)

    given = [message.sequence for message in messages(made.page(scope, 0))]
    assert given == [number for number, subject in enumerate(subjects, 1) if admits(scope, subject)]

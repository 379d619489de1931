from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.interest import Interest
from services.gateway.core.scope import Scope, admits, resolve
from services.gateway.core.tickets import Ticket
from shared.subjects import Subject

PBXS = ("hq", "branch")
NAMES = st.lists(st.sampled_from(["a", "b", "*", "a@hq", "*@branch"]), max_size=3).map(tuple)
SOME_PBXS = st.lists(st.sampled_from(PBXS), max_size=2).map(tuple)


@st.composite
def scopes_of_tickets(draw: st.DrawFn) -> Scope:
    ticket = Ticket(
        agents=draw(NAMES),
        queues=draw(NAMES),
        pbx=draw(SOME_PBXS),
        summary_events=draw(st.booleans()),
        callers=draw(st.booleans()),
        created=1,
    )
    return resolve(ticket, PBXS)


SCOPES = scopes_of_tickets()
SUBJECTS = st.builds(
    Subject,
    st.just("state"),
    st.sampled_from([*PBXS, "other"]),
    st.sampled_from(["x", "queueCallers", "QueueSummary"]),
    st.sampled_from([None, "a", "c"]),
    st.sampled_from([None, "a", "c"]),
)


@given(scopes=st.lists(SCOPES, max_size=6), subject=SUBJECTS)
def test_finds_exactly_those_whose_scope_admits_the_event(scopes: list[Scope], subject: Subject) -> None:
    interest: Interest[int] = Interest()
    for number, scope in enumerate(scopes):
        interest.add(number, scope)

    found = interest.find(subject)

    assert sorted(found) == [number for number, scope in enumerate(scopes) if admits(scope, subject)]


@given(scopes=st.lists(SCOPES, max_size=4), subject=SUBJECTS)
def test_who_was_taken_out_is_not_found(scopes: list[Scope], subject: Subject) -> None:
    interest: Interest[int] = Interest()
    for number, scope in enumerate(scopes):
        interest.add(number, scope)
    for number, scope in enumerate(scopes):
        interest.remove(number, scope)

    assert interest.find(subject) == []

from __future__ import annotations

import pytest

from services.gateway.core.scope import Scope, admits, resolve
from services.gateway.core.tickets import Ticket
from shared.events import subject_of
from shared.subjects import Subject
from tests.support.gateway_fakes import complete, count, member, online, parked, phone

PBXS = ("hq", "branch")


def scope(
    agents: tuple[str, ...] = (),
    queues: tuple[str, ...] = (),
    pbx: tuple[str, ...] = (),
    *,
    summary: bool = False,
    callers: bool = False,
) -> Scope:
    ticket = Ticket(agents=agents, queues=queues, pbx=pbx, summary_events=summary, callers=callers, created=1)
    return resolve(ticket, PBXS)


def test_agent_events_go_to_who_lists_the_agent() -> None:
    assert admits(scope(agents=("148",)), subject_of(phone("148")))
    assert admits(scope(agents=("148",)), subject_of(complete("148")))
    assert admits(scope(agents=("*",)), subject_of(phone("148")))
    assert not admits(scope(agents=("149",)), subject_of(phone("148")))
    assert not admits(scope(queues=("148",)), subject_of(phone("148")))


def test_member_status_goes_to_who_lists_both() -> None:
    subject = subject_of(member("148", "q1"))

    assert admits(scope(agents=("148",), queues=("q1",)), subject)
    assert admits(scope(agents=("*",), queues=("*",)), subject)
    assert not admits(scope(agents=("148",)), subject)
    assert not admits(scope(queues=("q1",)), subject)
    assert not admits(scope(agents=("148",), queues=("q2",)), subject)


def test_what_has_no_scope_goes_to_every_ticket_of_the_pbx() -> None:
    assert admits(scope(), subject_of(online("hq")))
    assert admits(scope(pbx=("hq",)), subject_of(parked("hq")))
    assert not admits(scope(pbx=("branch",)), subject_of(parked("hq")))


def test_name_with_a_pbx_gets_events_of_that_pbx_alone() -> None:
    assert admits(scope(agents=("148@hq",)), subject_of(phone(pbx="hq")))
    assert not admits(scope(agents=("148@hq",)), subject_of(phone(pbx="branch")))
    assert not admits(scope(agents=("*@hq",)), subject_of(phone(pbx="branch")))
    assert not admits(scope(agents=("148@hq",), pbx=("branch",)), subject_of(phone(pbx="hq")))


@pytest.mark.parametrize("kind", ["QueueSummary", "MemberSummary"])
def test_summaries_only_when_asked_for(kind: str) -> None:
    subject = Subject("state", "hq", kind, "q1", None)

    assert admits(scope(queues=("q1",), summary=True), subject)
    assert not admits(scope(queues=("q1",), callers=True), subject)


def test_callers_only_when_asked_for() -> None:
    subject = Subject("state", "hq", "queueCallers", "q1", None)

    assert admits(scope(queues=("q1",), callers=True), subject)
    assert not admits(scope(queues=("q1",), summary=True), subject)


def test_type_of_a_newer_bridge_is_matched_by_its_subject() -> None:
    subject = Subject("state", "hq", "queueStats", "q1", None)

    assert admits(scope(queues=("q1",)), subject)
    assert not admits(scope(queues=("q2",)), subject)


def test_tickets_that_ask_for_the_same_share_a_scope() -> None:
    assert scope(agents=("148", "148")) == scope(agents=("148",))
    assert hash(scope(agents=("148",))) == hash(scope(agents=("148",)))


def test_pbx_of_old_that_is_no_longer_configured_gives_nothing() -> None:
    assert scope(pbx=("gone",)).pbxs == ()


def test_queue_events_of_an_unlisted_queue_are_not_given() -> None:
    assert not admits(scope(agents=("*",)), subject_of(count(1)))

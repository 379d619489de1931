from __future__ import annotations

from typing import Any

import msgspec

from services.gateway.core import snapshot
from services.gateway.core.scope import resolve
from services.gateway.core.state_cache import StateCache
from services.gateway.core.tickets import Ticket
from shared import wire
from shared.events import MemberSummary, QueueSummary, State, subject_of
from tests.support.gateway_fakes import count, hint, member, name, online, phone

SUMMARY = QueueSummary(
    pbx="hq",
    queue="q1",
    available=1,
    hold_time=1,
    logged_in=1,
    longest_hold_time=1,
    talk_time=1,
    abandoned=1,
    completed=1,
    service_level=1,
    service_level_perf=1.0,
    calls=1,
)


def take(
    *events: State,
    agents: tuple[str, ...] = (),
    queues: tuple[str, ...] = (),
    pbxs: tuple[str, ...] = ("hq",),
    summary: bool = False,
    callers: bool = False,
) -> list[dict[str, Any]]:
    cache = StateCache()
    for event in events:
        cache.put(subject_of(event), wire.encode(event))
    ticket = Ticket(agents=agents, queues=queues, summary_events=summary, callers=callers, created=1)
    payloads = snapshot.documents(resolve(ticket, pbxs), cache, lambda pbx: wire.encode(online(pbx)))
    return [msgspec.json.decode(payload) for payload in payloads]


def brief(documents: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    keys = ("type", "pbx", "queue", "agent")
    return [tuple(document[key] for key in keys if document.get(key) is not None) for document in documents]


def test_pbx_status_is_always_there() -> None:
    assert brief(take(pbxs=("hq", "branch"))) == [("pbxStatus", "hq"), ("pbxStatus", "branch")]


def test_unknown_names_have_their_natural_empty_values() -> None:
    documents = take(agents=("148",), queues=("q1",), callers=True)[1:]

    assert documents == [
        {"type": "agentName", "pbx": "hq", "agent": "148", "name": "148"},
        {"type": "extensionStatus", "pbx": "hq", "agent": "148", "status": "unavailable"},
        {
            "type": "phoneNumber",
            "pbx": "hq",
            "agent": "148",
            "number": None,
            "name": None,
            "queue": None,
            "direction": None,
            "uniqueId": None,
            "since": None,
            "calls": [],
        },
        {"type": "queueCount", "pbx": "hq", "queue": "q1", "count": 0},
        {"type": "queueCallers", "pbx": "hq", "queue": "q1", "callers": []},
        {
            "type": "queueMemberStatus",
            "pbx": "hq",
            "agent": "148",
            "queue": "q1",
            "status": "loggedoff",
            "deviceStatus": "unknown",
            "paused": False,
            "pausedReason": None,
            "penalty": 0,
            "callsTaken": 0,
            "lastCall": None,
            "since": None,
        },
    ]


def test_known_values_are_given_as_they_were_published() -> None:
    events = (name(), hint(), phone(), count(3), member())

    documents = take(*events, agents=("148",), queues=("q1",))[1:]

    assert documents == [msgspec.json.decode(wire.encode(event)) for event in events]


def test_star_is_what_the_pbx_knows() -> None:
    documents = take(member("148", "q1"), name("149"), count(1, "q2"), agents=("*",), queues=("*",))

    found = brief(documents)
    assert ("agentName", "hq", "148") in found
    assert ("agentName", "hq", "149") in found
    assert ("queueCount", "hq", "q1") in found
    assert ("queueCount", "hq", "q2") in found
    pairs = [entry for entry in found if entry[0] == "queueMemberStatus"]
    assert pairs == [("queueMemberStatus", "hq", "q1", "148")]


def test_tombstones_are_left_out_of_star_and_natural_when_listed() -> None:
    dead = msgspec.structs.replace(count(0), gone=True)

    assert brief(take(dead, queues=("*",))) == [("pbxStatus", "hq")]
    assert take(dead, queues=("q1",))[1:] == [{"type": "queueCount", "pbx": "hq", "queue": "q1", "count": 0}]


def test_name_listed_also_by_star_comes_once() -> None:
    documents = take(count(1), queues=("q1", "*", "q1@hq"))

    assert brief(documents).count(("queueCount", "hq", "q1")) == 1


def test_name_that_one_pbx_knows_is_looked_up_there_alone() -> None:
    documents = take(phone(pbx="hq"), agents=("148",), pbxs=("hq", "branch"))

    assert {document["pbx"] for document in documents if document["type"] == "phoneNumber"} == {"hq"}


def test_name_that_no_pbx_knows_is_empty_on_all() -> None:
    documents = take(agents=("148",), pbxs=("hq", "branch"))

    assert [document["pbx"] for document in documents if document["type"] == "phoneNumber"] == [
        "hq",
        "branch",
    ]


def test_name_with_a_pbx_is_that_of_the_pbx() -> None:
    documents = take(phone(pbx="hq"), agents=("148@branch",), pbxs=("hq", "branch"))

    assert brief(documents) == [
        ("pbxStatus", "hq"),
        ("pbxStatus", "branch"),
        ("agentName", "branch", "148"),
        ("extensionStatus", "branch", "148"),
        ("phoneNumber", "branch", "148"),
    ]


def test_summaries_come_when_asked_for_and_known() -> None:
    members = MemberSummary(pbx="hq", queue="q1")

    assert len(take(SUMMARY, members, queues=("q1",), summary=True)) == 4
    assert len(take(SUMMARY, members, queues=("q1",))) == 2
    assert brief(take(queues=("q1",), summary=True)) == [("pbxStatus", "hq"), ("queueCount", "hq", "q1")]


def test_members_that_are_not_listed_are_left_out() -> None:
    documents = take(member("149", "q1"), agents=("148",), queues=("*",))

    assert "queueMemberStatus" not in {document["type"] for document in documents}

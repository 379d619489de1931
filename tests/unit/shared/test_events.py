from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest

from shared import events, wire
from shared.errors import MalformedEventError
from shared.subjects import Subject


def test_the_type_comes_first_and_properties_are_camel_case() -> None:
    event = events.QueueMemberStatus(pbx="hq", agent="148", queue="q", status="paused", paused=True)

    encoded = wire.encode(event)

    assert encoded.startswith(b'{"type":"queueMemberStatus","pbx":"hq",')
    assert json.loads(encoded) == {
        "type": "queueMemberStatus",
        "pbx": "hq",
        "agent": "148",
        "queue": "q",
        "status": "paused",
        "deviceStatus": "unknown",
        "paused": True,
        "pausedReason": None,
        "penalty": 0,
        "callsTaken": 0,
        "lastCall": None,
        "since": None,
    }


def test_gone_is_written_only_on_a_tombstone() -> None:
    assert b"gone" not in wire.encode(events.QueueCount(pbx="hq", queue="q", count=0))
    assert b'"gone":true' in wire.encode(events.QueueCount(pbx="hq", queue="q", count=0, gone=True))


def test_an_event_is_read_back_as_it_was_and_unknown_properties_are_ignored() -> None:
    event = events.QueueCount(pbx="hq", queue="ž .*>", count=3)

    assert wire.decode(wire.encode(event)) == event
    assert wire.decode(b'{"type":"queueCount","pbx":"hq","queue":"q","count":1,"new":[]}') == (
        events.QueueCount(pbx="hq", queue="q", count=1)
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"type":"other","pbx":"hq"}',
        b'{"type":"queueCount","pbx":"hq","queue":"q"}',
    ],
)
def test_what_is_no_event_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedEventError, match="not an event"):
        wire.decode(payload)


def test_the_catalogue_holds_every_event_once() -> None:
    every = set(get_args(events.AnyEvent))

    assert {entry.event for entry in events.CATALOGUE.values()} == every
    for name, entry in events.CATALOGUE.items():
        assert msgspec.inspect.type_info(entry.event).tag == name  # pyright: ignore[reportAttributeAccessIssue]
        assert (entry.family == "state") == issubclass(entry.event, events.State)


def test_the_subject_carries_the_scope_not_the_properties() -> None:
    talking = events.PhoneNumber(pbx="hq", agent="148", number="1", queue="sales")

    assert events.subject_of(talking) == Subject("state", "hq", "phoneNumber", None, "148")
    assert events.subject_of(events.QueueMemberStatus(pbx="hq", agent="1", queue="q", status="busy")) == (
        Subject("state", "hq", "queueMemberStatus", "q", "1")
    )
    assert events.subject_of(events.EventsLost(pbx="hq", count=1, since=0)) == (
        Subject("event", "hq", "eventsLost", None, None)
    )


def test_type_and_kind_of_an_event() -> None:
    assert events.type_of(events.EventsLost(pbx="hq", count=1, since=0)) == "eventsLost"
    assert not events.is_state(events.EventsLost(pbx="hq", count=1, since=0))
    assert events.is_state(events.AgentName(pbx="hq", agent="1", name="A"))

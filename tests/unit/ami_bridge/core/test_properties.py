"""What must hold for any messages in any order."""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.identity import Identifier
from services.ami_bridge.core.model import key_of
from services.ami_bridge.core.snapshot import Snapshot
from services.ami_bridge.core.transitions import TRANSITIONS
from shared.errors import MalformedMessageError
from shared.events import QueueMemberStatus, State, subject_of
from shared.subjects import build
from tests.support.transcripts import events, listing
from tests.unit.ami_bridge.core.replay import NOON

RECORDED: list[AmiMessage] = [
    each
    for name in ("park_retrieve", "queue_local_member", "transfer_blind_sip", "originate_ok", "hold_unhold")
    for each in events(name)
    if each["Event"] in TRANSITIONS
]
HEADERS = sorted({header for each in RECORDED for header in each} - {"Event"})
GARBAGE = st.one_of(
    st.sampled_from(
        ["", "-1", "0", "1", "x", "9" * 30, "nan", "<unknown>", "PJSIP/148-00000001", "Local/1@a-1;1", "a\rb"]
    ),
    st.text(max_size=8),
    st.lists(st.text(max_size=3), max_size=2),
)
LISTS = Snapshot(
    queue_status=listing("listings", "QueueParams", "QueueMember", "QueueEntry"),
    queue_summary=listing("listings", "QueueSummary"),
    extension_states=listing("listings", "ExtensionStatus"),
    channels=listing("listings", "Status"),
    bridges=listing("listings", "BridgeListItem"),
)


# Made once: a strategy costs much more to make than to draw from.
ANY_RECORDED = st.sampled_from(RECORDED)
FOREIGN = st.dictionaries(st.sampled_from(HEADERS), GARBAGE, max_size=3)


@cache
def some_of(headers: frozenset[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(sorted(headers)), max_size=3)


@st.composite
def spoilt(draw: st.DrawFn) -> AmiMessage:
    """A recorded message of which some headers are missing, empty, foreign or nonsense."""
    message = dict(draw(ANY_RECORDED))
    for header in draw(some_of(frozenset(message) - {"Event"})):
        message.pop(header, None)
    message.update(draw(FOREIGN))
    return message


def _fingerprint(value: Any) -> Any:
    """All that an object holds, down to plain values: two states are the same when these are equal."""
    if isinstance(value, dict):
        return [(key, _fingerprint(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [_fingerprint(each) for each in value]
    if isinstance(value, msgspec.Struct | str | int | float | frozenset | type(None)):
        return repr(value)
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, deque):
        return repr(value)
    if isinstance(value, Identifier):  # knows nothing but the rules
        return ""
    fields = getattr(value, "__slots__", None) or vars(value)
    return [(name, _fingerprint(getattr(value, name))) for name in sorted(fields)]


@given(st.lists(spoilt(), max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_it_is_applied_or_malformed_and_then_changes_nothing(
    messages: list[AmiMessage],
) -> None:
    centre = CallCentre("hq")
    for index, message in enumerate(messages):
        before = _fingerprint(centre)
        try:
            outputs = centre.apply(message, NOON + index)
        except MalformedMessageError:
            assert _fingerprint(centre) == before
            continue
        for output in outputs:
            msgspec.json.encode(output.event)
            build(subject_of(output.event))
            assert bool(output.moment_id) != isinstance(output.event, State)


@given(st.permutations(RECORDED[:80]))
@settings(max_examples=40, deadline=None)
def test_any_order_of_true_messages_is_taken(messages: list[AmiMessage]) -> None:
    centre = CallCentre("hq")
    for message in messages:
        centre.apply(message, NOON)


@given(st.integers(0, len(RECORDED)), st.lists(spoilt(), max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_resync_after_anything_missed_gives_what_a_fresh_bridge_shows(
    seen: int, buffered: list[AmiMessage]
) -> None:
    """But for the past that no list tells: since when, and who logged off."""
    centre, fresh = CallCentre("hq"), CallCentre("hq")
    for message in RECORDED[:seen]:
        centre.apply(message, NOON)
    centre.link_lost()
    centre.resync(LISTS, buffered, NOON)
    fresh.resync(LISTS, buffered, NOON)

    def present(of: CallCentre) -> dict[object, object]:
        shown: dict[object, object] = {}
        for document in of.documents.values():
            off = isinstance(document, QueueMemberStatus) and document.status == "loggedoff"
            plain = msgspec.to_builtins(document)
            if off or document.gone is True or plain.get("number", 0) is None or plain["type"] == "agentName":
                continue
            plain.pop("since", None)
            shown[key_of(document)] = plain
        return shown

    assert present(centre) == present(fresh)
    published = dict(centre.documents)
    assert centre.resync(LISTS, buffered, NOON) == [
        output for output in fresh.resync(LISTS, buffered, NOON) if output.moment_id
    ]
    assert centre.documents == published


@given(st.lists(spoilt(), max_size=30), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_the_same_messages_always_give_the_same_events(messages: list[AmiMessage], split: int) -> None:
    def play() -> list[object]:
        centre = CallCentre("hq")
        outputs: list[object] = list(centre.resync(LISTS, messages[:split], NOON))
        for message in messages[split:]:
            try:
                outputs += centre.apply(message, NOON)
            except MalformedMessageError:
                outputs.append("malformed")
        return outputs

    assert play() == play()


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["Event", *HEADERS, "Calls", "Wait", "Location", "Name", "BridgeID"]),
            st.one_of(GARBAGE, st.sampled_from(["QueueParams", "QueueMember", "QueueEntry", "Status"])),
            max_size=8,
        ),
        max_size=6,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_list_is_so_broken_that_a_resync_or_refresh_fails(items: list[AmiMessage]) -> None:
    lists = Snapshot(
        queue_status=items, queue_summary=items, extension_states=items, channels=items, bridges=items
    )
    centre = CallCentre("hq")
    for output in [
        *centre.resync(lists, items, NOON),
        *centre.refresh(lists, NOON),
        *centre.refresh(lists, NOON),
    ]:
        msgspec.json.encode(output.event)
        build(subject_of(output.event))

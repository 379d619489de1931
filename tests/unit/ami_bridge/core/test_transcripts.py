"""Recorded sessions of a real Asterisk: the exact events that come out, in order."""

from __future__ import annotations

import re

import msgspec
import pytest

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.model import Key, key_of
from services.ami_bridge.core.moments import Output
from shared.events import AgentComplete, PhoneNumber, State
from tests.support.transcripts import CAPTURES
from tests.unit.ami_bridge.core.action_stories import STORIES as ACTION_STORIES
from tests.unit.ami_bridge.core.call_stories import STORIES as CALL_STORIES
from tests.unit.ami_bridge.core.queue_stories import STORIES as QUEUE_STORIES
from tests.unit.ami_bridge.core.recorded import events
from tests.unit.ami_bridge.core.replay import NOON, asked, replay, story

STORIES = QUEUE_STORIES | CALL_STORIES | ACTION_STORIES
FILTERED = sorted(
    str(path.relative_to(CAPTURES)).removesuffix(".ami")
    for folder in ("filtered", "actions/filtered")
    for path in CAPTURES.glob(f"{folder}/*.ami")
)


@pytest.mark.parametrize("name", STORIES)
def test_a_recorded_session_gives_these_events(name: str) -> None:
    expected = [line.strip(" ") for line in STORIES[name].split("\n") if line.strip(" ")]

    assert story(replay(events(name), asked(events(name)))) == expected


def test_every_recorded_scenario_is_told() -> None:
    recorded = {
        str(path.relative_to(CAPTURES)).removesuffix(".ami")
        for pattern in ("*.ami", "actions/*.ami")
        for path in CAPTURES.glob(pattern)
    }

    assert recorded - set(STORIES) == {"listings", "actions/answers"}


def _without_recordings_and_times(outputs: list[Output]) -> list[tuple[str, str]]:
    """As JSON; the filtered user sees no VarSet and so no recording, and its messages are fewer."""
    return [
        (
            re.sub(r'"recording":"[^"]*"', '"recording":null', msgspec.json.encode(output.event).decode()),
            output.moment_id,
        )
        for output in outputs
    ]


def _at_one_instant(messages: list[AmiMessage]) -> list[Output]:
    centre = CallCentre("hq")
    return [output for message in messages for output in centre.apply(message, NOON)]


@pytest.mark.parametrize("name", FILTERED)
def test_a_filtered_session_gives_the_same_events_as_one_with_all_classes(name: str) -> None:
    everything = _at_one_instant([*events(name.replace("filtered/", ""))])
    filtered = _at_one_instant([*events(name)])

    assert _without_recordings_and_times(filtered) == _without_recordings_and_times(everything)


def test_a_busy_minute_gives_the_same_events_to_all_three_users() -> None:
    everything = _without_recordings_and_times(_at_one_instant([*events("busy")]))

    assert _without_recordings_and_times(_at_one_instant([*events("busy-bridge")])) == everything
    assert _without_recordings_and_times(_at_one_instant([*events("busy-filtered")])) == everything


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_kept_of_calls_that_ended(name: str) -> None:
    centre = CallCentre("hq")
    replay(events(name), centre)

    assert centre.in_progress == 0


def test_a_busy_minute_keeps_only_what_still_is_up() -> None:
    centre = CallCentre("hq")
    messages = events("busy")
    replay(messages, centre)
    begun = {str(each["Uniqueid"]) for each in messages if each["Event"] == "Newchannel"}
    ended = {str(each["Uniqueid"]) for each in messages if each["Event"] == "Hangup"}

    up = len(begun - ended)
    assert 0 < centre.in_progress <= 2 * up


@pytest.mark.parametrize("name", [*STORIES, "busy"])
def test_no_document_is_published_twice_and_no_moment_either(name: str) -> None:
    last: dict[Key, State] = {}
    moments: set[str] = set()
    for output in replay(events(name)):
        event = output.event
        if isinstance(event, State):
            assert last.get(key_of(event)) != event
            last[key_of(event)] = event
            assert output.moment_id == ""
        else:
            assert output.moment_id not in moments
            moments.add(output.moment_id)


@pytest.mark.parametrize("name", STORIES)
def test_two_bridges_name_every_moment_alike(name: str) -> None:
    """The second one connected later, and reads other clocks."""
    first = [output.moment_id for output in replay(events(name)) if output.moment_id]
    second = [output.moment_id for output in replay(events(name), since=NOON + 700) if output.moment_id]

    assert first == second


def test_every_answered_queue_call_completes_with_its_caller_and_recording() -> None:
    for name in ("park_retrieve", "park_dtmf_app", "transfer_blind_sip", "queue_caller_completes"):
        joined = next(each for each in events(name) if each["Event"] == "QueueCallerJoin")
        completed = [each.event for each in replay(events(name)) if isinstance(each.event, AgentComplete)]

        assert [each.unique_id for each in completed] == [joined["Uniqueid"]]
        recording = completed[0].recording
        assert recording is not None
        assert recording.endswith(f"{joined['Uniqueid']}.wav")


def test_a_call_has_one_unique_id_from_the_queue_to_the_end() -> None:
    for name in ("queue_caller_completes", "queue_local_member", "queue_ring_no_answer_next", "busy"):
        callers = {str(each["Uniqueid"]) for each in events(name) if each["Event"] == "QueueCallerJoin"}
        phone = [each.event for each in replay(events(name)) if isinstance(each.event, PhoneNumber)]

        of_queue_calls = {call.unique_id for each in phone for call in each.calls if call.queue}
        assert of_queue_calls
        assert of_queue_calls <= callers


def test_a_connected_call_always_has_its_number() -> None:
    for name in (*STORIES, "busy"):
        for output in replay(events(name)):
            if isinstance(output.event, PhoneNumber):
                connected = [call for call in output.event.calls if call.state == "connected"]
                assert all(call.number != "anonymous" for call in connected), name

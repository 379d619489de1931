"""Why a call that this system asked for failed, by the events of its leg alone."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.snapshot import Snapshot
from shared.events import OriginateFailed
from tests.support.transcripts import events
from tests.unit.ami_bridge.core.messages import Message, channel, destination, enter, message
from tests.unit.ami_bridge.core.replay import NOON, replay

ID = "pbxis-0123456789abcdef0123456789abcdef"
NAME = "PJSIP/148-00000001"
LEG = channel(NAME, ID)
BEGIN: Message = {**message("DialBegin"), **destination(NAME, ID)}
ANSWER: Message = {**message("DialEnd", DialStatus="ANSWER"), **destination(NAME, ID)}


def _failed(*messages: Message, centre: CallCentre | None = None) -> list[OriginateFailed]:
    return [output.event for output in replay(messages, centre) if isinstance(output.event, OriginateFailed)]


def _reasons(*messages: Message, centre: CallCentre | None = None) -> list[str]:
    return [event.reason for event in _failed(*messages, centre=centre)]


def _end(status: str) -> Message:
    return {**ANSWER, "DialStatus": status}


def _hangup(cause: int) -> Message:
    return {**message("Hangup", Cause=str(cause)), **LEG}


def _response(code: int = 0, response: str = "Failure", dialled: str = "PJSIP/148") -> Message:
    return message(
        "OriginateResponse",
        ActionID=ID,
        Uniqueid=ID,
        Response=response,
        Reason=str(code),
        Channel=dialled,
        Exten="141",
    )


def _destination(status: str, uniqueid: str = "10.2") -> Message:
    return {
        **message("DialEnd", DialStatus=status),
        **LEG,
        **destination("PJSIP/141-00000002", uniqueid, ID),
    }


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("originate_agent_rejects_busy", ["busy"]),
        ("originate_agent_declined", ["declined"]),
        ("originate_agent_rings_out", ["no_answer"]),
        ("originate_hung_up", ["cancelled"]),
        ("originate_agent_not_there", ["unavailable"]),
        ("originate_agent_hangs_up", ["cancelled"]),
        ("originate_channel_id", []),
        ("originate_destination_busy", ["destination_busy"]),
        ("originate_destination_declined", ["destination_declined"]),
        ("originate_destination_no_answer", ["destination_no_answer"]),
        ("originate_destination_unregistered", ["destination_unavailable"]),
        ("originate_destination_busy_tone", []),
        ("originate_destination_congestion", []),
    ],
)
@pytest.mark.parametrize("folder", ["actions", "actions/filtered"])
def test_recorded_calls_fail_with_the_true_reason_once(folder: str, name: str, reasons: list[str]) -> None:
    told = _failed(*events(f"{folder}/{name}"))

    assert [event.reason for event in told] == reasons
    assert all(event.action_id.startswith("pbxis-") and event.agent == "148" for event in told)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([BEGIN, _response(3), _hangup(16)], "no_answer"),
        ([BEGIN, _response(5), _hangup(0)], "busy"),
        ([BEGIN, _end("BUSY"), _hangup(0)], "busy"),
        ([BEGIN, _end("CHANUNAVAIL"), _hangup(0)], "unavailable"),
        ([BEGIN, _end("CONGESTION"), _hangup(0)], "failed"),
        ([BEGIN, _end("NOANSWER"), _hangup(0)], "cancelled"),
        ([BEGIN, _end("NOANSWER"), _hangup(127)], "failed"),
        ([BEGIN, _end("NOANSWER"), _hangup(1)], "unavailable"),
        ([BEGIN, ANSWER, _destination("CHANUNAVAIL"), _hangup(16)], "destination_unavailable"),
        ([BEGIN, ANSWER, _destination("CONGESTION"), _hangup(34)], "destination_failed"),
        (
            [BEGIN, ANSWER, _destination("NOANSWER"), _destination("CANCEL"), _hangup(0)],
            "destination_no_answer",
        ),
        ([BEGIN, ANSWER, _destination("BUSY"), _destination("CANCEL", "10.3"), _hangup(0)], "cancelled"),
    ],
)
def test_the_reason_is_what_the_leg_went_through(messages: list[Message], reason: str) -> None:
    assert _reasons(*messages) == [reason]


@pytest.mark.parametrize(
    "messages",
    [
        [ANSWER, _hangup(16)],
        [ANSWER, _destination("ANSWER"), _hangup(16)],
        [ANSWER, _destination("BUSY"), enter("b1", LEG), _hangup(17)],
        [
            ANSWER,
            {**message("QueueCallerJoin", Queue="support", Count="1", Position="1", Exten="600"), **LEG},
            _destination("NOANSWER"),
            _hangup(0),
        ],
        [_response(4, "Success", NAME), _hangup(0)],
    ],
)
def test_a_call_that_came_about_and_a_destination_that_is_no_phone_do_not_fail(
    messages: list[Message],
) -> None:
    assert _reasons(BEGIN, *messages) == []


@pytest.mark.parametrize(("code", "reason"), [(0, "unavailable"), (3, "no_answer"), (5, "busy")])
def test_a_request_without_a_leg_fails_once(code: int, reason: str) -> None:
    assert _reasons(_response(code), _response(code), BEGIN, _hangup(17), _response(code)) == [reason]


def test_a_failure_after_the_leg_was_told_about_says_nothing_new() -> None:
    assert _reasons(BEGIN, _end("BUSY"), _hangup(17), _response(0)) == ["busy"]


def test_another_failure_of_the_same_id_does_not_end_the_call_that_lives() -> None:
    assert _reasons(BEGIN, ANSWER, _response(0), enter("b1", LEG), _hangup(16)) == []


def test_every_bridge_names_a_failure_alike() -> None:
    names = [
        output.moment_id
        for session in ("a", "b")
        for output in replay([BEGIN, _hangup(17)], CallCentre("hq", session=session))
        if output.moment_id
    ]

    assert len(set(names)) == 1
    assert ID in names[0]


def test_two_requests_to_one_agent_have_each_their_own_reason() -> None:
    other = ID.replace("0", "f")
    second = destination("PJSIP/148-00000002", other)
    told = _failed(
        BEGIN,
        {**BEGIN, **second},
        {**message("Hangup", Cause="21"), **channel("PJSIP/148-00000002", other)},
        _hangup(17),
    )

    assert [(event.action_id, event.reason) for event in told] == [(other, "declined"), (ID, "busy")]


def test_another_programs_request_is_not_taken_for_ours() -> None:
    foreign = {**_response(0), "ActionID": "a1", "Uniqueid": "<unknown>"}
    told = _failed(BEGIN, foreign, _hangup(17))

    assert [(event.action_id, event.reason) for event in told] == [("a1", "unavailable"), (ID, "busy")]


def _listed(state: str, application: str = "AppDial2", **headers: str) -> Snapshot:
    leg = {**LEG, "ChannelState": state, "Application": application, "Seconds": "2", **headers}
    return Snapshot(queue_status=[], channels=[leg], bridges=[])


@pytest.mark.parametrize(
    ("lists", "messages", "reasons"),
    [
        (_listed("5"), [_end("BUSY"), _response(0), _hangup(17)], ["busy"]),
        (_listed("5"), [ANSWER, _destination("BUSY"), _hangup(17)], ["destination_busy"]),
        (_listed("6", "Dial"), [_destination("BUSY"), _hangup(17)], ["destination_busy"]),
        (_listed("6", "Dial"), [_hangup(16)], []),
        (_listed("6", "Queue"), [_destination("NOANSWER"), _hangup(0)], []),
        (_listed("6", "Dial", BridgeID="b1"), [_hangup(16)], []),
    ],
)
def test_a_bridge_that_was_started_in_the_middle_knows_the_leg_from_the_list(
    lists: Snapshot, messages: list[Message], reasons: list[str]
) -> None:
    centre = CallCentre("hq")
    centre.resync(lists, [], NOON)

    assert _reasons(*messages, centre=centre) == reasons


@pytest.mark.parametrize(
    ("before", "meanwhile", "reasons"),
    [
        ([BEGIN], [_end("BUSY"), _hangup(17), _response(5)], ["busy"]),
        ([BEGIN], [_response(0), _hangup(21)], ["declined"]),
        ([BEGIN], [BEGIN, _hangup(18)], ["no_answer"]),
        ([BEGIN, ANSWER], [_destination("BUSY"), _hangup(17)], ["destination_busy"]),
        ([BEGIN, ANSWER, _destination("BUSY")], [_hangup(16)], ["destination_busy"]),
        ([BEGIN, ANSWER], [enter("b1", LEG), _hangup(16)], []),
        (
            [BEGIN],
            [_response(4, "Success"), _destination("NOANSWER"), _hangup(16)],
            ["destination_no_answer"],
        ),
        ([BEGIN, _end("BUSY"), _hangup(17)], [_response(5)], []),
    ],
)
def test_a_failure_is_told_once_also_when_the_leg_hangs_up_while_the_lists_are_read(
    before: list[Message], meanwhile: list[Message], reasons: list[str]
) -> None:
    empty = Snapshot(queue_status=[], channels=[], bridges=[])
    buffered, later = CallCentre("hq"), CallCentre("hq")
    for each in (buffered, later):
        replay(before, each)

    outputs = buffered.resync(empty, meanwhile, NOON)
    told = [output.event.reason for output in outputs if isinstance(output.event, OriginateFailed)]
    later.resync(empty, [], NOON)

    assert told == reasons
    assert _reasons(*meanwhile, centre=later) == reasons
    assert _reasons(*meanwhile, centre=buffered) == []


def test_of_a_leg_that_ended_while_there_was_no_link_nobody_knows_whether_it_failed() -> None:
    centre = CallCentre("hq")
    replay([BEGIN, ANSWER, _destination("BUSY")], centre)
    centre.link_lost()

    outputs = centre.resync(Snapshot(queue_status=[], channels=[], bridges=[]), [], NOON)

    assert [output for output in outputs if isinstance(output.event, OriginateFailed)] == []
    assert _reasons(_hangup(16), centre=centre) == []


def test_what_became_of_the_destination_is_known_over_a_new_reading_and_a_lost_link() -> None:
    centre = CallCentre("hq")
    replay([BEGIN, ANSWER, _destination("BUSY")], centre)
    centre.resync(_listed("6", "Playback"), [], NOON)
    centre.link_lost()
    centre.resync(_listed("6", "Playback"), [], NOON)

    assert _reasons(_hangup(16), centre=centre) == ["destination_busy"]

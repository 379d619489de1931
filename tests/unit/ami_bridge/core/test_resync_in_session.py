"""A reload makes the bridge read all lists again in the middle of everything: nothing may be lost by that."""

from __future__ import annotations

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.snapshot import Snapshot
from shared.events import AgentComplete, OriginateFailed, PhoneNumber
from tests.unit.ami_bridge.core.messages import (
    Message,
    channel,
    destination,
    enter,
    hangup,
    listed_member,
    member,
    message,
    params,
)
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay, story, talks

CALLER = channel("PJSIP/trunk-00000001", "10.0", CallerIDNum="0991")
AGENT = channel("PJSIP/148-00000002", "10.1", "10.0", ConnectedLineNum="0991", CallerIDNum="148")
ANSWERED = message("AgentConnect", Queue="support", Interface="PJSIP/148", Uniqueid="10.0")
RECORDED = message("VarSet", Variable="MIXMONITOR_FILENAME", Value="/rec/a.wav", Uniqueid="10.0")
COMPLETED = message(
    "AgentComplete", Queue="support", Interface="PJSIP/148", HoldTime="1", TalkTime="2", Reason="caller"
)
CALLER_UP: Message = {
    **CALLER,
    "Event": "Status",
    "ChannelState": "6",
    "Application": "Queue",
    "ApplicationData": "support,t",
}
AGENT_UP: Message = {
    **AGENT,
    "Event": "Status",
    "ChannelState": "6",
    "Application": "AppQueue",
    "BridgeID": "b1",
    "Seconds": "9",
}
IN_LOT: Message = {"BridgeUniqueid": "b1", "BridgeType": "parking", "Event": "BridgeListItem"}


def _lists(*channels: Message, bridges: tuple[Message, ...] = ()) -> Snapshot:
    return Snapshot(queue_status=[], channels=channels, bridges=bridges)


def _parked(event: str = "ParkedCall", **headers: str) -> Message:
    told = {
        "ParkeeChannel": "PJSIP/trunk-00000001",
        "ParkeeUniqueid": "10.0",
        "ParkeeCallerIDNum": "0991",
        "ParkerDialString": "PJSIP/148",
        "Parkinglot": "default",
        "ParkingSpace": "701",
        "ParkingTimeout": "45",
    }
    return message(event, **{**told, **headers})


def _moments(outputs: list[Output]) -> list[str]:
    return [output.moment_id for output in outputs if output.moment_id]


def _completes(outputs: list[Output]) -> list[tuple[str, str | None]]:
    return [
        (each.unique_id, each.recording) for each in events_of(outputs) if isinstance(each, AgentComplete)
    ]


def _states(centre: CallCentre, agent: str = "148") -> list[str]:
    document = centre.documents["phoneNumber", None, agent]
    assert isinstance(document, PhoneNumber)
    return [call.state for call in document.calls]


def test_parking_again_after_a_reload_is_another_moment() -> None:
    centre = CallCentre("hq")
    before = _moments(replay([_parked(), _parked("UnParkedCall")], centre))
    centre.resync(_lists(CALLER_UP), [], NOON)
    after = _moments(replay([_parked(), _parked("UnParkedCall")], centre))

    assert len({*before, *after}) == 4


def test_parking_again_in_another_session_or_process_is_another_moment() -> None:
    names: list[str] = []
    for session in ("a", "b"):
        centre = CallCentre("hq", session=session)
        names += _moments(replay([_parked()], centre))
        for at in (NOON, NOON + 1):
            centre.link_lost()
            centre.status("syncing", None, at)
            centre.resync(_lists(CALLER_UP), [], at)
            names += _moments(replay([_parked()], centre))

    assert len(set(names)) == len(names) == 6


def test_a_timestamp_of_asterisk_names_a_parking_alike_for_everybody() -> None:
    first, second = _parked(Timestamp="1795000000.000001"), _parked(Timestamp="1795000009.000001")
    one = _moments(replay([first, second], CallCentre("hq", session="a")))
    other = _moments(replay([second], CallCentre("hq", session="b")))

    assert one[1:] == other
    assert one[0] != one[1]


def test_recordings_and_who_serves_whom_survive_a_reload() -> None:
    centre = CallCentre("hq")
    replay([ANSWERED, RECORDED], centre)
    centre.resync(_lists(CALLER_UP, AGENT_UP), [], NOON)

    assert _completes(replay([hangup("10.0"), COMPLETED, COMPLETED], centre)) == [
        ("10.0", "/rec/a.wav"),
        ("", None),
    ]


def test_a_call_that_ends_while_the_lists_are_read_is_told_in_full_and_then_forgotten() -> None:
    centre = CallCentre("hq")
    replay([ANSWERED, RECORDED, _parked()], centre)

    assert _completes(centre.resync(_lists(), [hangup("10.0"), COMPLETED], NOON)) == [("10.0", "/rec/a.wav")]
    assert centre.in_progress == 0


def test_what_belongs_to_channels_that_are_gone_is_forgotten() -> None:
    centre = CallCentre("hq")
    other = channel("PJSIP/trunk-00000005", "20.0")
    replay([ANSWERED, RECORDED, _parked(), {**ANSWERED, **other}], centre)
    centre.resync(_lists({**CALLER_UP, **other}), [], NOON)

    assert centre.in_progress == 1
    centre.resync(_lists(), [], NOON)
    assert centre.in_progress == 0


def test_without_a_list_of_channels_nothing_is_forgotten() -> None:
    centre = CallCentre("hq")
    replay([ANSWERED, RECORDED, _parked()], centre)
    centre.resync(Snapshot(queue_status=[]), [], NOON)

    assert centre.in_progress == 3


def test_a_channel_that_hung_up_does_not_come_back_from_a_list() -> None:
    centre = CallCentre("hq")
    replay([hangup("10.1")], centre)
    centre.resync(_lists(CALLER_UP, AGENT_UP), [], NOON)

    assert talks(centre, "148") == []
    assert ("phoneNumber", None, "148") not in centre.documents


def test_why_a_leg_failed_is_known_after_a_reload() -> None:
    centre = CallCentre("hq")
    rings = {**message("DialBegin"), **destination("PJSIP/148-00000001", "30.1")}
    ended = {**message("DialEnd", DialStatus="BUSY"), **destination("PJSIP/148-00000001", "30.1")}
    replay([rings, ended, hangup("30.1", 17)], centre)
    centre.resync(_lists(), [], NOON)
    response = message(
        "OriginateResponse", ActionID="a1", Response="Failure", Channel="PJSIP/148", Reason="0"
    )

    assert [
        each.reason for each in events_of(replay([response], centre)) if isinstance(each, OriginateFailed)
    ] == ["busy"]


def test_an_agent_who_was_parked_is_not_on_hold_when_he_is_fetched() -> None:
    centre = CallCentre("hq")
    replay([enter("b1", AGENT, holding=True)], centre)
    centre.resync(_lists(AGENT_UP, bridges=(IN_LOT,)), [], NOON)
    assert _states(centre) == ["held"]

    replay([enter("b2", AGENT), enter("b2", CALLER)], centre)
    assert _states(centre) == ["connected"]


def test_an_agent_who_was_fetched_while_the_link_was_lost_is_not_on_hold() -> None:
    centre = CallCentre("hq")
    replay([enter("b1", AGENT, holding=True)], centre)
    centre.link_lost()
    centre.link_lost()
    centre.resync(_lists(AGENT_UP), [], NOON)

    assert _states(centre) == ["connected"]


def test_an_agent_who_is_parked_when_a_new_process_begins_is_not_on_hold_when_he_is_fetched() -> None:
    old, new = CallCentre("hq"), CallCentre("hq")
    replay([enter("b1", AGENT, holding=True)], old)
    new.restore(old.documents.values())
    new.resync(_lists(AGENT_UP, bridges=(IN_LOT,)), [], NOON)
    replay([enter("b2", AGENT), enter("b2", CALLER)], new)

    assert _states(new) == ["connected"]


def test_a_call_on_hold_stays_so_over_a_reload_and_a_new_process() -> None:
    centre, new = CallCentre("hq"), CallCentre("hq")
    hold: Message = {**message("Hold"), **AGENT}
    rings: Message = {**message("DialBegin"), **CALLER, **destination("PJSIP/148-00000002", "10.1", "10.0")}
    replay([rings, enter("b1", AGENT), enter("b1", CALLER), hold], centre)
    new.restore(centre.documents.values())

    for each in (centre, new):
        assert story(each.resync(_lists({**AGENT_UP, "Application": "AppDial"}), [], NOON + 9)) == []
        assert _states(each) == ["held"]


def test_a_call_that_went_on_without_the_agent_is_not_his_after_a_reload() -> None:
    half, second = "Local/148@agents-00000000;1", channel("Local/148@agents-00000000;2", "10.4", "10.0")
    phone = channel("PJSIP/148-00000001", "10.1", "10.0")
    called = {**message("AgentCalled", Queue="support"), **CALLER, **destination(half, "10.3", "10.0")}
    rings = {**message("DialBegin"), **second, **destination("PJSIP/148-00000001", "10.1", "10.0")}
    goes_on = {**AGENT_UP, **channel(half, "10.3", "10.0")}
    lists = Snapshot(queue_status=[params(), listed_member()], channels=[goes_on], bridges=[])
    centre, stranger = CallCentre("hq"), CallCentre("hq")
    replay([member(), called, rings, enter("b1", phone), enter("b1", second), hangup("10.1")], centre)

    for each in (centre, stranger):
        each.resync(lists, [], NOON)

    assert ("phoneNumber", None, "148") in stranger.documents
    assert centre.documents["phoneNumber", None, "148"] == PhoneNumber(pbx="hq", agent="148", number=None)

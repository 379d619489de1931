"""Scenarios that the recorded sessions lack, message by message, as Asterisk 22 sends them."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre
from shared.errors import MalformedMessageError
from shared.events import PhoneNumber
from tests.unit.ami_bridge.core.messages import (
    Message,
    channel,
    destination,
    enter,
    hangup,
    hint,
    leave,
    member,
    message,
)
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay, story, talks

AGENT = channel(
    "PJSIP/148-00000001",
    "10.1",
    "10.0",
    ConnectedLineNum="0991",
    ConnectedLineName="Ana",
    CallerIDNum="148",
)
CALLER = channel("PJSIP/trunk-00000000", "10.0", CallerIDNum="0991", CallerIDName="Ana")


def _rings(caller: Message, agent: Message, linkedid: str | None = None) -> Message:
    callee = destination(str(agent["Channel"]), str(agent["Uniqueid"]), linkedid or str(caller["Uniqueid"]))
    return {**message("DialBegin"), **caller, **callee}


def _connected(bridge: str, *parties: Message) -> list[Message]:
    return [enter(bridge, party) for party in parties]


def _held(event: str, who: Message) -> Message:
    return {**message(event), **who}


def _talk() -> list[Message]:
    return [_rings(CALLER, AGENT), *_connected("b1", AGENT, CALLER)]


def test_an_attended_transfer_shows_the_customer_to_the_colleague() -> None:
    consult = channel("PJSIP/148-00000002", "10.2", CallerIDNum="148", Exten="144", ConnectedLineNum="144")
    colleague = channel("PJSIP/144-00000003", "10.3", "10.2", CallerIDNum="144", ConnectedLineNum="148")
    moved = {**colleague, "Linkedid": "10.0"}
    outputs = replay(
        [
            *_talk(),
            _held("Hold", AGENT),
            _rings(consult, colleague),
            *_connected("b2", colleague, consult),
            leave("b1", CALLER),
            leave("b2", consult),
            enter("b2", CALLER),
            {**message("NewConnectedLine"), **moved, "ConnectedLineNum": "0991", "ConnectedLineName": "Ana"},
            leave("b1", AGENT),
            hangup("10.1"),
            hangup("10.2"),
            hangup("10.0"),
            hangup("10.3"),
        ]
    )

    assert story(outputs) == [
        "148 ringing inbound 0991",
        "148 connected inbound 0991",
        "148 held inbound 0991",
        "144 ringing inbound 148",
        "148 held inbound 0991 + dialing outbound 144",
        "144 connected inbound 148",
        "148 held inbound 0991 + connected outbound 144",
        "144 connected inbound 0991",
        "148 connected outbound 144",
        "148 has no call",
        "144 has no call",
    ]
    of_colleague = [
        event for event in events_of(outputs) if isinstance(event, PhoneNumber) and event.agent == "144"
    ]
    assert [event.unique_id for event in of_colleague] == ["10.2", "10.2", "10.0", None]


def test_a_transferred_caller_who_withholds_his_number_replaces_the_known_one() -> None:
    withheld = {**AGENT, "ConnectedLineNum": "<unknown>", "ConnectedLineName": "<unknown>"}
    other = channel("PJSIP/trunk-00000009", "10.9", CallerIDNum="<unknown>")
    lines = story(
        replay(
            [*_talk(), leave("b1", CALLER), enter("b1", other), {**message("NewConnectedLine"), **withheld}]
        )
    )

    assert lines[-1] == "148 connected inbound anonymous"


def test_a_connected_line_that_is_unknown_for_now_keeps_the_number() -> None:
    unknown = {**message("NewConnectedLine"), **AGENT, "ConnectedLineNum": "<unknown>"}

    assert story(replay([_rings(CALLER, AGENT), unknown])) == ["148 ringing inbound 0991"]


def test_the_connected_line_of_a_channel_that_is_no_agents_is_of_no_interest() -> None:
    assert replay([{**message("NewConnectedLine"), **CALLER}]) == []


def test_in_front_is_the_newest_connected_call_then_the_ringing_then_the_held_one() -> None:
    second = channel("PJSIP/148-00000004", "10.5", "10.4", ConnectedLineNum="0992")
    caller = channel("PJSIP/trunk-00000005", "10.4", CallerIDNum="0992")
    outputs = replay(
        [
            *_talk(),
            _rings(caller, second),
            _held("Hold", AGENT),
            *_connected("b2", second, caller),
            _held("Unhold", AGENT),
            hangup("10.1"),
        ]
    )

    fronts = [
        (event.number, event.unique_id, len(event.calls))
        for event in events_of(outputs)
        if isinstance(event, PhoneNumber)
    ]
    assert fronts == [
        ("0991", "10.0", 1),
        ("0991", "10.0", 1),
        ("0991", "10.0", 2),
        ("0992", "10.4", 2),
        ("0992", "10.4", 2),
        ("0991", "10.0", 2),
        ("0992", "10.4", 1),
    ]


def test_since_is_when_the_call_became_what_it_is() -> None:
    outputs = replay([*_talk(), _held("Hold", AGENT), _held("Unhold", AGENT)])

    assert [event.since for event in events_of(outputs) if isinstance(event, PhoneNumber)] == [
        NOON,
        NOON + 1,
        NOON + 3,
        NOON + 4,
    ]


def test_of_a_ringall_queue_every_phone_rings_and_the_losers_stop() -> None:
    def called(agent: str, uniqueid: str) -> list[AmiMessage]:
        phone = destination(f"PJSIP/{agent}-000000{uniqueid[-2:]}", uniqueid, "10.0")
        told = {**CALLER, **phone, "Queue": "all", "Interface": f"PJSIP/{agent}"}
        return [{**message("AgentCalled"), **told}, {**message("DialBegin"), **told}]

    ended = {
        **message("DialEnd", DialStatus="CANCEL"),
        **CALLER,
        **destination("PJSIP/149-00000012", "10.12"),
    }
    winner = channel("PJSIP/148-00000011", "10.11", "10.0", ConnectedLineNum="0991")
    lines = story(
        replay(
            [
                *called("148", "10.11"),
                *called("149", "10.12"),
                ended,
                ended,
                hangup("10.12", 26),
                *_connected("b1", winner, CALLER),
            ]
        )
    )

    assert lines == [
        "148 ringing inbound 0991 by all",
        "149 ringing inbound 0991 by all",
        "149 has no call",
        "148 connected inbound 0991 by all",
    ]


def test_a_withheld_caller_is_anonymous_from_ringing_to_the_end() -> None:
    caller = {**CALLER, "CallerIDNum": "anonymous", "CallerIDName": "<unknown>"}
    agent = {**AGENT, "ConnectedLineNum": "anonymous", "ConnectedLineName": "<unknown>"}

    assert story(replay([_rings(caller, agent), *_connected("b1", agent, caller)])) == [
        "148 ringing inbound anonymous",
        "148 connected inbound anonymous",
    ]


def test_an_agent_who_is_parked_is_held_and_not_paired_with_strangers() -> None:
    centre = CallCentre("hq")
    stranger = channel("PJSIP/trunk-00000007", "10.7", CallerIDNum="0997")
    lines = story(
        replay(
            [
                *_talk(),
                leave("b1", AGENT),
                enter("lot", stranger, holding=True),
                enter("lot", AGENT, holding=True),
            ],
            centre,
        )
    )

    assert lines[-1] == "148 held inbound 0991"
    assert talks(centre, "148") == []
    assert story(replay(_connected("b3", AGENT), centre)) == ["148 connected inbound 0991"]


def test_two_parked_callers_are_told_apart() -> None:
    def parked(event: str, uniqueid: str, number: str, space: str) -> Message:
        return message(
            event,
            ParkeeChannel=f"PJSIP/trunk-{uniqueid[-1] * 8}",
            ParkeeUniqueid=uniqueid,
            ParkeeCallerIDNum=number,
            ParkerDialString="PJSIP/148",
            Parkinglot="default",
            ParkingSpace=space,
            ParkingTimeout="45",
        )

    lines = story(
        replay(
            [
                parked("ParkedCall", "10.1", "0991", "701"),
                parked("ParkedCall", "10.2", "0992", "702"),
                parked("ParkedCallTimeOut", "10.1", "0991", "701"),
                parked("ParkedCallGiveUp", "10.2", "0992", "702"),
            ]
        )
    )

    assert lines == [
        "parkedCall 0991 on 701 by 148",
        "parkedCall 0992 on 702 by 148",
        "parkedCallTimeOut 0991 on 701 by 148",
        "parkedCallGiveUp 0992 on 702 by 148",
    ]


def test_a_trunk_is_no_agent() -> None:
    other = channel("PJSIP/38512345678-00000002", "10.2", ConnectedLineNum="0991")

    assert replay([_rings(CALLER, other), *_connected("b1", other, CALLER), hangup("10.2")]) == []


def test_an_endpoint_with_a_name_is_an_agent_when_a_queue_or_a_hint_knows_it() -> None:
    desk = channel("PJSIP/front-desk-00000002", "10.2", ConnectedLineNum="0991")

    assert story(replay([_rings(CALLER, desk)])) == []
    known = [member(interface="PJSIP/front-desk"), _rings(CALLER, desk)]
    assert story(replay(known))[-1] == "front-desk ringing inbound 0991"
    hinted = [hint("front-desk", 0), _rings(CALLER, desk)]
    assert story(replay(hinted))[-1] == "front-desk ringing inbound 0991"


def test_a_local_member_is_found_by_his_interface_whatever_it_dials() -> None:
    half = channel("Local/5551@out-00000000;1", "10.3", "10.0", ConnectedLineNum="0991")
    messages = [
        member(interface="Local/5551@out/n", state_interface="hint:148@hint"),
        _rings(CALLER, half),
        *_connected("b1", half, CALLER),
    ]

    assert story(replay(messages))[2:] == ["148 ringing inbound 0991", "148 connected inbound 0991"]


def test_a_local_channel_into_the_dialplan_is_no_agents() -> None:
    group = channel("Local/600@groups-00000000;1", "10.3", "10.0")

    assert replay([_rings(CALLER, group)]) == []
    assert replay([{**message("DialBegin"), **group, **destination("PJSIP/trunk-00000004", "10.4")}]) == []


def test_a_local_channel_of_an_agent_who_calls_is_no_call_of_his() -> None:
    half = channel("Local/148@agents-00000000;1", "10.3", Exten="0995")

    assert story(replay([hint("148", 0), *_connected("b1", half)])) == ["148 phone not_inuse"]


def test_the_queue_call_survives_when_the_local_channel_is_optimised_away() -> None:
    half = destination("Local/148@agents-00000000;1", "10.3", "10.0")
    called = {**message("AgentCalled"), **CALLER, **half, "Queue": "sales"}
    second_half = {**CALLER, **channel("Local/148@agents-00000000;2", "10.4", "10.0")}
    phone = {**AGENT, **channel("PJSIP/148-00000005", "10.5", "10.0")}
    lines = story(
        replay(
            [
                hint("148", 0),
                called,
                _rings(second_half, phone, "10.0"),
                *_connected("b1", phone, second_half),
                hangup("10.3"),
                hangup("10.4"),
                enter("b2", phone),
                enter("b2", CALLER),
            ]
        )
    )

    assert lines[1:] == ["148 ringing inbound 0991 by sales", "148 connected inbound 0991 by sales"]


def test_the_end_of_a_queue_call_leaves_another_call_as_it_is() -> None:
    called = {
        **message("AgentCalled"),
        **CALLER,
        **destination("PJSIP/148-00000001", "10.1"),
        "Queue": "sales",
    }
    other = channel("PJSIP/148-00000002", "10.2", Exten="141")
    dials = {**message("DialBegin"), **other, **destination("PJSIP/trunk-00000003", "10.3")}

    assert story(replay([called, dials, hangup("10.1")]))[-1] == "148 dialing outbound 141"


def test_a_picked_up_call_moves_to_the_agent_who_picked_it_up() -> None:
    picked = {**AGENT, "Channel": "PJSIP/149-00000009"}

    assert story(replay([_rings(CALLER, AGENT), *_connected("b1", picked, CALLER)])) == [
        "148 ringing inbound 0991",
        "148 has no call",
        "149 connected inbound 0991",
    ]


def test_a_channel_that_becomes_a_leftover_is_a_call_no_more() -> None:
    leftover = {**AGENT, "Channel": "PJSIP/148-00000001<ZOMBIE>"}

    assert story(replay([*_talk(), *_connected("b2", leftover), hangup("10.1")])) == [
        "148 ringing inbound 0991",
        "148 connected inbound 0991",
        "148 has no call",
    ]


def test_a_channel_renamed_without_another_agent_goes_on() -> None:
    renamed = {**AGENT, "Channel": "PJSIP/148-00000077"}

    assert story(replay([*_talk(), *_connected("b1", renamed)]))[-1] == "148 connected inbound 0991"


def test_a_message_overtaken_by_the_hangup_begins_no_call() -> None:
    assert replay([hangup("10.1"), _rings(CALLER, AGENT), *_connected("b1", AGENT)]) == []


def test_the_memory_of_ended_channels_is_bounded() -> None:
    ended = [hangup(f"9.{number}") for number in range(600)]

    assert story(replay([hangup("10.1"), *ended, _rings(CALLER, AGENT)])) == ["148 ringing inbound 0991"]


def test_an_agent_who_waits_in_a_queue_has_a_call() -> None:
    joins = message(
        "QueueCallerJoin",
        Queue="sales",
        Position="1",
        Count="1",
        Exten="600",
        Channel="PJSIP/148-00000001",
        Uniqueid="10.1",
        Linkedid="10.1",
    )

    assert story(replay([joins]))[-1] == "148 dialing outbound 600"


def test_within_a_dialplan_the_number_is_that_of_the_called_party() -> None:
    agent = channel("PJSIP/148-00000001", "10.1", Exten="s")
    trunk = destination("PJSIP/trunk-00000002", "10.2", "10.1", DestCallerIDNum="0995", DestCallerIDName="Bo")
    outputs = replay([{**message("DialBegin"), **agent, **trunk}])

    assert story(outputs) == ["148 dialing outbound 0995"]
    assert [event.name for event in events_of(outputs) if isinstance(event, PhoneNumber)] == ["Bo"]


def test_an_agent_whose_channel_is_redirected_calls_out() -> None:
    called = {**message("AgentCalled"), **CALLER, **destination("PJSIP/148-00000001", "10.1"), "Queue": "q"}
    dials = {**message("DialBegin"), **AGENT, "Exten": "144", **destination("PJSIP/trunk-00000008", "10.8")}
    lines = story(replay([called, *_connected("b1", AGENT, CALLER), leave("b1", AGENT), dials]))

    assert lines[-2:] == ["148 connected inbound 0991 by q", "148 dialing outbound 144"]


def test_a_hangup_ends_the_call_even_without_a_cause() -> None:
    assert story(replay([*_talk(), message("Hangup", Uniqueid="10.1")]))[-1] == "148 has no call"


def test_a_dial_by_a_channel_that_talks_changes_nothing() -> None:
    feature = {**message("DialBegin"), **AGENT, **destination("PJSIP/trunk-00000008", "10.8")}

    assert story(replay([*_talk(), feature]))[-1] == "148 connected inbound 0991"


def test_a_bridge_names_the_number_that_the_connected_line_lacks() -> None:
    fetcher = channel("PJSIP/144-00000004", "10.4", ConnectedLineNum="<unknown>", Exten="701")

    assert story(replay(_connected("b1", fetcher, CALLER))) == [
        "144 connected outbound anonymous",
        "144 connected outbound 0991",
    ]


def test_the_first_leg_of_originate_may_be_answered_before_it_is_told_to_ring() -> None:
    begin = {**message("DialBegin"), **destination("PJSIP/148-00000001", "10.1", DestConnectedLineNum="141")}
    end = {**message("DialEnd", DialStatus="ANSWER"), **destination("PJSIP/148-00000001", "10.1")}
    dials = {
        **message("DialBegin"),
        **channel("PJSIP/148-00000001", "10.1", Exten="141"),
        **destination("PJSIP/trunk-00000002", "10.2", "10.1"),
    }
    assert story(replay([begin, end, end, dials])) == [
        "148 ringing outbound 141",
        "148 dialing outbound 141",
    ]
    assert story(replay([end, begin])) == ["148 ringing outbound 141"]


def test_a_dialling_leg_that_is_told_to_be_rung_by_originate_rings() -> None:
    joins = message(
        "QueueCallerJoin",
        Queue="q",
        Position="1",
        Count="1",
        Exten="600",
        Channel="PJSIP/148-00000001",
        Uniqueid="10.1",
    )
    begin = {**message("DialBegin"), **destination("PJSIP/148-00000001", "10.1")}

    assert story(replay([joins, begin, begin]))[2:] == [
        "148 dialing outbound 600",
        "148 ringing outbound 600",
    ]


def test_hold_of_a_stranger_is_of_no_interest() -> None:
    assert replay([_held("Hold", CALLER), _held("Unhold", CALLER)]) == []


def test_agent_called_without_a_linkedid_is_tied_by_the_caller() -> None:
    called = {
        **message("AgentCalled"),
        **CALLER,
        "Queue": "q",
        "DestChannel": "PJSIP/148-00000001",
        "DestUniqueid": "1",
    }
    outputs = replay([called])

    assert [event.unique_id for event in events_of(outputs) if isinstance(event, PhoneNumber)] == ["10.0"]


def test_a_queue_that_calls_a_trunk_calls_no_agent() -> None:
    called = {**message("AgentCalled"), **CALLER, **destination("PJSIP/trunk-00000001", "1"), "Queue": "q"}

    assert replay([called]) == []


def _behind_local() -> list[Message]:
    """A member behind a Local channel whose phone rings."""
    half, second = "Local/148@agents-00000000;1", channel("Local/148@agents-00000000;2", "10.4", "10.0")
    called = {**message("AgentCalled", Queue="support"), **CALLER, **destination(half, "10.3", "10.0")}
    return [member(), called, _rings({**CALLER, **second}, AGENT, "10.0")]


def test_a_local_channel_that_goes_on_without_the_agents_phone_is_no_call_of_his() -> None:
    half = channel("Local/148@agents-00000000;1", "10.3", "10.0")
    second = channel("Local/148@agents-00000000;2", "10.4", "10.0")
    talking = [*_connected("b1", AGENT, second), *_connected("b2", half, CALLER)]
    lines = story(replay([*_behind_local(), *talking, hangup("10.1")]))

    assert lines[-2:] == ["148 connected inbound 0991 by support", "148 has no call"]


def test_a_local_channel_still_rings_the_agent_after_his_phone_was_busy() -> None:
    lines = story(replay([*_behind_local(), hangup("10.1", 17)]))

    assert lines[-1] == "148 ringing inbound 0991 by support"


def test_candidates_are_the_agents_calls_with_someone_at_the_other_end() -> None:
    centre = CallCentre("hq")
    second = channel("PJSIP/148-00000004", "10.5", "10.4", ConnectedLineNum="0992")
    caller = channel("PJSIP/trunk-00000005", "10.4", CallerIDNum="0992")
    third = channel("PJSIP/148-00000006", "10.6", "10.6")
    replay([*_talk(), *_connected("b2", second, caller), _rings(CALLER, third, "10.6")], centre)

    assert talks(centre, "148") == [
        ("PJSIP/148-00000001", "PJSIP/trunk-00000000", "0991"),
        ("PJSIP/148-00000004", "PJSIP/trunk-00000005", "0992"),
    ]
    assert talks(centre, "149") == []


@pytest.mark.parametrize(
    "broken",
    [
        message("AgentCalled", DestUniqueid="1", DestChannel="PJSIP/148-00000001", Queue="q"),
        message("AgentConnect", Queue="q", Interface="PJSIP/148"),
        message("DialBegin", DestUniqueid="1"),
        message(
            "DialBegin", DestUniqueid="1", DestChannel="PJSIP/148-00000001", Channel="PJSIP/149-00000001"
        ),
        message("DialEnd", DestUniqueid="1"),
        message("BridgeEnter", Channel="PJSIP/148-00000001", Uniqueid="1"),
        message("BridgeLeave", Uniqueid="1"),
        message("NewConnectedLine"),
        message("Hold"),
        message("Hangup"),
        message("VarSet", Variable="MIXMONITOR_FILENAME", Value="x"),
        message("OriginateResponse", Response="Failure", Reason="0"),
        message("ParkedCall", ParkeeUniqueid="1"),
        message("UnParkedCall", ParkeeUniqueid="1"),
        message("AgentComplete", Queue="q", Interface="PJSIP/148", TalkTime="1", HoldTime="1"),
    ],
)
def test_a_message_without_what_it_must_have_is_malformed(broken: Message) -> None:
    with pytest.raises(MalformedMessageError):
        replay([broken])

"""What each action answers, in Asterisk's words, and that it does what it says."""

import pytest

from services.demo_pbx.core.actions import HANDLERS, Reply, Request
from services.demo_pbx.core.channels import Channel, ChannelState
from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.simulation import busy_centre, quiet_centre
from tests.contract.ami_sequences.transcript import Message, parse

ADD = {"Action": "QueueAdd", "Queue": "support", "Interface": "PJSIP/101"}
PAUSE = {"Action": "QueuePause", "Queue": "support", "Interface": "PJSIP/101"}
REDIRECT = {
    "Action": "Redirect",
    "Channel": "x",
    "Context": "default",
    "Exten": "102",
    "Priority": "1",
}
CALL = {
    "Action": "Originate",
    "Channel": "PJSIP/101",
    "Context": "default",
    "Exten": "102",
    "Priority": "1",
    "Async": "true",
}


@pytest.fixture
def pbx() -> Pbx:
    return quiet_centre(1_800_000_000.0)


def ask(pbx: Pbx, **headers: str) -> list[Message]:
    """Everything that the action writes."""
    data = bytearray()
    request = Request(list(headers.items()))
    HANDLERS[request.action.lower()](pbx, request, Reply("a1", data.extend))
    return parse(bytes(data))


def answer(pbx: Pbx, **headers: str) -> str:
    (message,) = ask(pbx, **headers)
    assert message["ActionID"] == "a1"
    return f"{message['Response']}: {message['Message']}"


def run(pbx: Pbx, seconds: float = 1) -> None:
    pbx.schedule.run_until(pbx.schedule.now + seconds)


def newest(pbx: Pbx, device: str) -> Channel:
    return pbx.switch.devices[device].channels[-1]


def talk(pbx: Pbx) -> tuple[Channel, Channel]:
    caller = pbx.call_in("101", "01632960999", "Customer")
    leg = newest(pbx, "PJSIP/101")
    pbx.answer(leg)
    return caller, leg


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        (ADD, "Success: Added interface to queue"),
        (ADD | {"Queue": "SUPPORT"}, "Success: Added interface to queue"),
        (ADD | {"Interface": "PJSIP/999"}, "Success: Added interface to queue"),
        (ADD | {"Queue": ""}, "Error: 'Queue' not specified."),
        (ADD | {"Interface": ""}, "Error: 'Interface' not specified."),
        (ADD | {"Queue": "nosuch"}, "Error: Unable to add interface to queue: No such queue"),
        (ADD | {"Action": "QueueRemove"}, "Error: Unable to remove interface: Not there"),
        (
            ADD | {"Action": "QueueRemove", "Queue": "nosuch"},
            "Error: Unable to remove interface from queue: No such queue",
        ),
        (
            ADD | {"Action": "QueueRemove", "Queue": ""},
            "Error: Need 'Queue' and 'Interface' parameters.",
        ),
        (PAUSE, "Error: Need 'Interface' and 'Paused' parameters."),
        (PAUSE | {"Paused": "true"}, "Error: Interface not found"),
        (PAUSE | {"Paused": "true", "Queue": "nosuch"}, "Error: Interface not found"),
        (
            PAUSE | {"Action": "QueuePenalty"},
            "Error: Need 'Interface' and 'Penalty' parameters.",
        ),
        (
            PAUSE | {"Action": "QueuePenalty", "Penalty": "x"},
            "Error: Invalid interface, queuename or penalty",
        ),
        (
            PAUSE | {"Action": "QueueMemberRingInUse"},
            "Error: Need 'Interface' and 'RingInUse' parameters.",
        ),
        (
            PAUSE | {"Action": "QueueMemberRingInUse", "RingInUse": "yes"},
            "Error: Invalid interface, queuename or ringinuse value",
        ),
        ({"Action": "QueueReset", "Queue": "nosuch"}, "Success: Queue stats reset successfully"),
        (CALL, "Success: Originate successfully queued"),
        (CALL | {"Channel": ""}, "Error: Channel not specified"),
        (CALL | {"Channel": "PJSIP"}, "Error: Invalid channel"),
        (CALL | {"Exten": ""}, "Error: Originate with 'Exten' requires 'Context' and 'Priority'"),
        (CALL | {"Priority": "abc"}, "Error: Invalid priority"),
        (CALL | {"Timeout": "abc"}, "Error: Invalid timeout"),
        (CALL | {"Exten": "999"}, "Error: Extension does not exist."),
        (CALL | {"Context": "nosuch"}, "Error: Extension does not exist."),
        ({"Action": "Redirect", "Exten": "102", "Priority": "1"}, "Error: Channel not specified"),
        ({"Action": "Redirect", "Channel": "x"}, "Error: Context not specified"),
        ({"Action": "Redirect", "Channel": "x", "Context": "default"}, "Error: Exten not specified"),
        (REDIRECT | {"Priority": ""}, "Error: Priority not specified"),
        (REDIRECT | {"Priority": "abc"}, "Error: Priority is invalid"),
        (
            REDIRECT,
            "Error: Channel does not exist: x",
        ),
        ({"Action": "BlindTransfer", "Exten": "102"}, "Error: No channel specified"),
        ({"Action": "BlindTransfer", "Channel": "x"}, "Error: No extension specified"),
        (
            {"Action": "BlindTransfer", "Channel": "x", "Exten": "102"},
            "Error: Channel specified does not exist",
        ),
        ({"Action": "Park"}, "Error: Channel not specified"),
        ({"Action": "Park", "Channel": "x"}, "Error: Channel does not exist: x"),
        ({"Action": "Park", "Channel": "x", "Timeout": "-5"}, "Error: Invalid Timeout value."),
        ({"Action": "Hangup"}, "Error: No channel specified"),
        ({"Action": "Hangup", "Channel": "x"}, "Error: No such channel"),
        ({"Action": "Hangup", "Channel": "/(/"}, "Error: Regex compile failed on: /(/"),
        ({"Action": "Getvar", "Channel": "x"}, "Error: No variable specified"),
        ({"Action": "Getvar", "Channel": "x", "Variable": "Y"}, "Error: No such channel"),
        ({"Action": "Status", "Channel": "x"}, "Error: No such channel"),
        ({"Action": "ExtensionState"}, "Error: Extension not specified"),
        ({"Action": "BridgeInfo"}, "Error: BridgeUniqueid must be provided"),
        ({"Action": "BridgeInfo", "BridgeUniqueid": "x"}, "Error: Specified BridgeUniqueid not found"),
    ],
)
def test_texts_are_those_of_asterisk(pbx: Pbx, headers: dict[str, str], wanted: str) -> None:
    assert answer(pbx, **headers) == wanted


def test_a_member_is_added_changed_and_removed(pbx: Pbx) -> None:
    queue = pbx.switch.queues["support"]
    answer(pbx, **ADD, MemberName="Žofie", Penalty="3", Paused="yes", Reason="Late")
    member = queue.members["PJSIP/101"]

    assert (member.name, member.penalty, member.paused, member.paused_reason) == ("Žofie", 3, True, "Late")
    assert answer(pbx, **ADD) == "Error: Unable to add interface: Already there"
    assert answer(pbx, **PAUSE, Paused="no") == "Success: Interface unpaused successfully"
    assert not member.paused
    penalty = PAUSE | {"Action": "QueuePenalty", "Penalty": "7", "Queue": ""}
    assert answer(pbx, **penalty) == "Success: Interface penalty set successfully"
    ring = PAUSE | {"Action": "QueueMemberRingInUse", "RingInUse": "1"}
    assert answer(pbx, **ring) == "Success: Interface ringinuse set successfully"
    assert (member.penalty, member.ring_in_use) == (7, True)
    assert answer(pbx, **ADD | {"Action": "QueueRemove"}) == "Success: Removed interface from queue"
    assert queue.members == {}


def test_a_pause_without_a_queue_is_in_all_queues(pbx: Pbx) -> None:
    for name in ("support", "sales"):
        answer(pbx, **ADD | {"Queue": name})

    assert answer(pbx, **PAUSE | {"Queue": ""}, Paused="1") == "Success: Interface paused successfully"
    assert [pbx.switch.queues[name].members["PJSIP/101"].paused for name in ("support", "sales")] == [
        True,
        True,
    ]


def test_originate_rings_the_agent_then_the_destination_with_its_own_ids(pbx: Pbx) -> None:
    events: list[AmiEvent] = []
    pbx.switch.sinks.append(events.append)
    ask(pbx, **CALL, ChannelId="mine-1", CallerID='"Click" <555>', Variable="A=1,__B=2", ActionID="o-1")
    run(pbx)
    leg = newest(pbx, "PJSIP/101")

    assert leg.uniqueid == "mine-1"
    assert leg.variables == {"A": "1", "B": "2"}
    assert (leg.caller_num, leg.caller_name) == ("555", "Click")
    pbx.answer(leg)
    pbx.answer(newest(pbx, "PJSIP/102"))
    assert leg.peer is newest(pbx, "PJSIP/102")
    (response,) = (e for e in events if e.name == "OriginateResponse")
    assert (response.get("ActionID"), response.get("Uniqueid")) == ("o-1", "mine-1")


def test_a_channel_id_that_is_taken_rings_no_second_phone(pbx: Pbx) -> None:
    events: list[AmiEvent] = []
    pbx.switch.sinks.append(events.append)
    for action_id in ("o-1", "o-2"):
        ask(pbx, **CALL, ChannelId="mine-1", ActionID=action_id)
        run(pbx)

    (failure,) = (e for e in events if e.name == "OriginateResponse")
    assert [failure.get(name) for name in ("ActionID", "Response", "Reason", "Uniqueid")] == [
        "o-2",
        "Failure",
        "0",
        "mine-1",
    ]
    assert len(pbx.switch.devices["PJSIP/101"].channels) == 1
    pbx.hang_up(newest(pbx, "PJSIP/101"))
    ask(pbx, **CALL, ChannelId="mine-1")
    run(pbx)
    assert newest(pbx, "PJSIP/101").uniqueid == "mine-1"
    too_long = answer(pbx, **CALL, ChannelId="x" * 150)
    assert too_long == "Error: Uniqueid length exceeds maximum of 149"


def test_a_synchronous_originate_answers_when_the_phone_has(pbx: Pbx) -> None:
    replies: list[str] = []
    for destination, act in (("102", pbx.answer), ("103", pbx.hang_up)):
        data = bytearray()
        request = Request(list((CALL | {"Async": "", "Exten": destination, "Timeout": "3000"}).items()))
        HANDLERS["originate"](pbx, request, Reply("", data.extend))
        run(pbx)
        assert data == b""
        leg = newest(pbx, "PJSIP/101")
        act(leg)
        replies.append(parse(bytes(data))[0]["Message"])
        pbx.hang_up(leg)

    assert replies == ["Originate successfully queued", "Originate failed"]


def test_a_call_is_redirected_by_channel_name_in_any_case_or_by_uniqueid(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    redirect = {"Action": "Redirect", "Context": "default", "Priority": "1"}

    assert answer(pbx, **redirect, Channel=caller.name.lower(), Exten="102") == "Success: Redirect successful"
    assert leg.gone
    assert answer(pbx, **redirect, Channel=caller.uniqueid, Exten="103") == "Success: Redirect successful"
    assert newest(pbx, "PJSIP/103").state is ChannelState.RINGING
    ringing = newest(pbx, "PJSIP/103").name
    assert answer(pbx, **redirect, Channel=ringing, Exten="103") == "Error: Redirect failed"
    assert (
        answer(pbx, **redirect, Channel=caller.name, ExtraChannel="x", Exten="103")
        == "Error: ExtraChannel does not exist: x"
    )


def test_both_channels_are_redirected_with_extra_channel(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    both = {"Action": "Redirect", "Context": "default", "Priority": "1", "Exten": "102", "ExtraExten": "103"}

    assert answer(pbx, **both, Channel=caller.name, ExtraChannel=leg.name) == (
        "Success: Dual Redirect successful"
    )
    assert (caller.exten, leg.exten) == ("102", "103")


def test_a_blind_transfer_moves_the_other_party(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    transfer = {"Action": "BlindTransfer", "Channel": leg.name, "Context": "default"}

    assert answer(pbx, **transfer, Exten="102") == "Success: Transfer succeeded"
    assert leg.gone
    ringing = newest(pbx, "PJSIP/102").name
    assert answer(pbx, Action="BlindTransfer", Channel=ringing, Exten="103") == "Error: Transfer invalid"
    assert not caller.gone


def test_a_blind_transfer_to_no_extension_succeeds_and_loses_both(pbx: Pbx) -> None:
    caller, leg = talk(pbx)

    transfer = {"Action": "BlindTransfer", "Channel": leg.name, "Exten": "999"}
    assert answer(pbx, **transfer) == "Success: Transfer succeeded"
    assert (caller.gone, leg.gone) == (True, True)


def test_park_answers_with_a_bare_line_feed_and_tells_the_agent_first(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    data = bytearray()
    request = Request(
        [("Action", "Park"), ("Channel", caller.name), ("TimeoutChannel", leg.name), ("Timeout", "30500")]
    )
    HANDLERS["park"](pbx, request, Reply("", data.extend))

    assert bytes(data) == b"Response: Success\r\nMessage: Park successful\n\r\n\r\n"
    (stay,) = pbx.lot.stays.values()
    assert stay.parker == "PJSIP/101"
    assert dict(stay.headers())["ParkingTimeout"] == "31"
    assert not leg.gone
    run(pbx, 3)
    assert leg.gone
    assert answer(pbx, Action="Park", Channel=caller.name, Parkinglot="nosuch") == "Error: Park action failed"


def test_hangup_takes_a_name_or_a_pattern(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    other = pbx.call_in("600", "01632960999", "")

    assert answer(pbx, Action="Hangup", Channel=leg.name) == "Success: Channel Hungup"
    assert caller.gone
    assert not other.gone
    listed = ask(pbx, Action="Hangup", Channel="/^PJSIP.trunk/")
    assert [m["Event"] for m in listed] == ["", "ChannelHungup", "ChannelsHungupListComplete"]
    assert listed[1]["Channel"] == other.name
    assert not pbx.switch.channels


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MIXMONITOR_FILENAME", ""),
        ("CRM", "42"),
        ("EXTEN", "101"),
        ("DEVICE_STATE(PJSIP/101)", "INUSE"),
        ("DEVICE_STATE(PJSIP/999)", "INVALID"),
        ("LEN(x)", ""),
    ],
)
def test_getvar_reads_variables_and_device_states(pbx: Pbx, variable: str, value: str) -> None:
    caller, _ = talk(pbx)
    caller.variables["CRM"] = "42"
    (message,) = ask(pbx, Action="Getvar", Channel=caller.name, Variable=variable)

    assert (message["Variable"], message["Value"]) == (variable, value)


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("default,600,1", "1"),
        ("default,101,1", "1"),
        ("default,01632960111,1", "1"),
        ("default,700,1", "1"),
        ("default,705,1", "1"),
        ("default,503,1", "1"),
        ("default,0,1", "0"),
        ("default,999,1", "0"),
        ("default,600,2", "0"),
        ("nosuch,600,1", "0"),
        ("default,600", "1"),
        ("default", "1"),
        ("nosuch", "0"),
    ],
)
def test_the_dialplan_can_be_asked_for_an_extension(pbx: Pbx, asked: str, value: str) -> None:
    (message,) = ask(pbx, Action="Getvar", Variable=f"DIALPLAN_EXISTS({asked})")

    assert (message["Response"], message["Value"]) == ("Success", value)


def test_getvar_needs_no_channel_for_a_device_state(pbx: Pbx) -> None:
    assert ask(pbx, Action="Getvar", Variable="DEVICE_STATE(PJSIP/101)")[0]["Value"] == "NOT_INUSE"
    assert ask(pbx, Action="Getvar", Variable="CRM")[0]["Value"] == ""


def test_extension_state_of_no_hint_is_a_success_with_minus_one(pbx: Pbx) -> None:
    (known,) = ask(pbx, Action="ExtensionState", Exten="140", Context="hint")
    (unknown,) = ask(pbx, Action="ExtensionState", Exten="140", Context="nosuch")

    assert (known["Status"], known["Hint"]) == ("4", "PJSIP/140")
    assert (unknown["Response"], unknown["Status"], unknown["Hint"]) == ("Success", "-1", "")


def test_queue_status_can_be_of_one_queue_and_one_member(pbx: Pbx) -> None:
    answer(pbx, **ADD)
    answer(pbx, **ADD | {"Interface": "PJSIP/102"})
    pbx.call_in("600", "", "")
    one = ask(pbx, Action="QueueStatus", Queue="SUPPORT", Member="PJSIP/102")

    assert [m["Event"] for m in one[1:]] == [
        "QueueParams",
        "QueueMember",
        "QueueEntry",
        "QueueStatusComplete",
    ]
    assert (one[3]["CallerIDNum"], one[4]["ListItems"]) == ("unknown", "3")
    unknown = ask(pbx, Action="QueueStatus", Queue="nosuch")
    assert [m["ListItems"] for m in unknown] == ["", "0"]


def test_reset_of_all_queues_zeroes_them() -> None:
    pbx = busy_centre(1_800_000_000.0, 1)
    answer(pbx, Action="QueueReset")

    assert {queue.completed for queue in pbx.switch.queues.values()} == {0}


def test_parked_calls_are_listed_with_the_action_id_last(pbx: Pbx) -> None:
    pbx.call_in("700", "01632960999", "")
    listed = ask(pbx, Action="ParkedCalls")

    assert [m["Event"] for m in listed] == ["", "ParkedCall", "ParkedCallsComplete"]
    assert listed[1].headers[-1] == ("ActionID", "a1")
    assert (listed[2]["ListItems"], listed[2]["Total"]) == ("1", "1")
    assert ask(pbx, Action="ParkedCalls", ParkingLot="nosuch")[-1]["Total"] == "0"


def test_bridge_info_lists_the_channels(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    assert caller.bridge is not None
    listed = ask(pbx, Action="BridgeInfo", BridgeUniqueid=caller.bridge.uniqueid)

    assert [m["Channel"] for m in listed if m["Event"] == "BridgeInfoChannel"] == [leg.name, caller.name]
    assert listed[-1]["BridgeNumChannels"] == "2"
    assert len(ask(pbx, Action="BridgeList", BridgeType="parking")) == 2


def test_status_of_one_channel_can_show_variables(pbx: Pbx) -> None:
    caller, _ = talk(pbx)
    listed = ask(pbx, Action="Status", Channel=caller.name, Variables="A,B")

    assert [value for name, value in listed[1].headers if name == "Variable"] == ["A=", "B="]
    assert listed[-1]["Items"] == "1"

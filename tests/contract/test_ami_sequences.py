"""The demo PBX says what a real Asterisk said: the same assertions on both.

Header lists are taken from the recordings in tests/fixtures/ami, not written down here.
"""

from collections.abc import Callable

import pytest

from services.demo_pbx.core.simulation import quiet_centre
from tests.contract.ami_sequences.answers import ASKED, recorded_answers, simulated_answers
from tests.contract.ami_sequences.simulated import SCENARIOS, simulated
from tests.contract.ami_sequences.transcript import Message, Transcript, recorded

NOT_SIMULATED = frozenset(
    {
        "Cdr",
        "ChallengeSent",
        "ContactStatus",
        "FullyBooted",  # sent by the connection, not by the switch: tests of the AMI port see it
        "Newexten",
        "PeerStatus",
        "RTCPSent",
        "SuccessfulAuth",
        "TestEvent",
        "VarSet",  # only MIXMONITOR_FILENAME is simulated
    }
)
"""What the demo leaves out: dialplan, registration, accounting and test events."""

Source = Callable[[str], Transcript]


@pytest.fixture(params=[recorded, simulated], ids=["asterisk", "demo"])
def play(request: pytest.FixtureRequest) -> Source:
    source: Source = request.param
    return source


# --- the demo against the recording -----------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_event_has_the_headers_of_the_recorded_one_in_the_same_order(name: str) -> None:
    real, demo = recorded(name).shapes(), simulated(name).shapes()

    assert {event: shapes - real.get(event, set()) for event, shapes in demo.items()} == {
        event: set[tuple[str, ...]]() for event in demo
    }
    missing = {event: real[event] - shapes for event, shapes in demo.items() if real[event] != shapes}
    assert missing == {}


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_event_type_of_the_recording_is_missing(name: str) -> None:
    real, demo = set(recorded(name).shapes()), set(simulated(name).shapes())

    assert real - NOT_SIMULATED == demo - NOT_SIMULATED


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_channel_lives_the_recorded_life(name: str) -> None:
    real, demo = recorded(name), simulated(name)
    if name == "park_variants":
        # The recorded retriever still heard the tone when the call was parked again.
        real, demo = (
            Transcript([m for m in each.events if m["Channel"] != each.channels()[2]])
            for each in (real, demo)
        )

    assert [demo.lifeline(c) for c in demo.channels()] == [real.lifeline(c) for c in real.channels()]


@pytest.mark.parametrize("name", SCENARIOS)
def test_device_states_of_phones_run_through_the_recorded_values(name: str) -> None:
    def states(transcript: Transcript) -> list[list[str]]:
        phones: dict[str, list[str]] = {}
        for message in transcript.all("DeviceStateChange"):
            if message["Device"].startswith("PJSIP/") and message["Device"] != "PJSIP/trunk":
                phones.setdefault(message["Device"], []).append(message["State"])
        # The recorded phones register first, which is no part of the call.
        lines = [line[1:] if line[0] == "NOT_INUSE" else line for line in phones.values()]
        return sorted(line for line in lines if line)

    assert states(simulated(name)) == states(recorded(name))


def test_what_cannot_be_done_is_refused_in_the_recorded_words() -> None:
    real, demo = recorded_answers(), simulated_answers(quiet_centre(1_800_000_000.0))

    for name in ASKED:
        assert demo[name].headers == real[name].headers


# --- relations that hold on both --------------------------------------------------------------


def test_an_answered_caller_leaves_the_queue_before_the_agent_connects(play: Source) -> None:
    call = play("queue_caller_completes")
    connect = call.one("AgentConnect")

    assert call.in_order(
        call.one("QueueCallerJoin", Channel=connect["Channel"], Count="1"),
        call.one("AgentCalled", DestChannel=connect["DestChannel"]),
        call.one("DialEnd", DestChannel=connect["DestChannel"], DialStatus="ANSWER"),
        call.one("QueueCallerLeave", Channel=connect["Channel"], Count="0"),
        connect,
        call.one("BridgeEnter", Channel=connect["DestChannel"], BridgeNumChannels="1"),
        call.one("BridgeEnter", Channel=connect["Channel"], BridgeNumChannels="2"),
    )


@pytest.mark.parametrize(
    ("name", "reason"), [("queue_caller_completes", "caller"), ("queue_agent_completes", "agent")]
)
def test_agent_complete_names_who_hung_up(play: Source, name: str, reason: str) -> None:
    call = play(name)
    complete, connect = call.one("AgentComplete"), call.one("AgentConnect")
    who = complete["Channel" if reason == "caller" else "DestChannel"]

    assert complete["Reason"] == reason
    assert (complete["Uniqueid"], complete["Interface"]) == (connect["Uniqueid"], connect["Interface"])
    assert complete["HoldTime"] == connect["HoldTime"]
    assert call.in_order(call.one("HangupRequest", Channel=who), complete, call.one("Hangup", Channel=who))


@pytest.mark.parametrize("name", ["queue_caller_completes", "queue_agent_completes"])
def test_a_finished_call_counts_for_the_member_when_he_is_free_again(play: Source, name: str) -> None:
    statuses = play(name).all("QueueMemberStatus")

    assert [(m["Status"], m["CallsTaken"]) for m in statuses] == [("6", "0"), ("2", "0"), ("1", "1")]
    assert int(statuses[-1]["LastCall"]) > 0


def test_the_recording_is_named_before_it_starts(play: Source) -> None:
    call = play("queue_caller_completes")
    name = call.one("VarSet", Variable="MIXMONITOR_FILENAME")

    assert call.in_order(name, call.one("MixMonitorStart"))
    assert name["Uniqueid"] in name["Value"]


@pytest.mark.parametrize("name", ["queue_abandon_no_agents", "queue_abandon_while_ringing"])
def test_an_abandon_is_told_before_the_caller_leaves(play: Source, name: str) -> None:
    call = play(name)
    abandon = call.one("QueueCallerAbandon")

    assert call.in_order(
        call.one("QueueCallerJoin"),
        abandon,
        call.one("QueueCallerLeave", Count="0"),
        call.one("Hangup", Channel=abandon["Channel"]),
    )
    assert (abandon["Position"], abandon["OriginalPosition"]) == ("1", "1")
    assert call.all("AgentConnect") == call.all("AgentComplete") == []


def test_a_phone_that_rang_for_an_abandoned_call_is_cancelled_twice(play: Source) -> None:
    call = play("queue_abandon_while_ringing")
    leg = call.one("AgentCalled")["DestChannel"]

    assert [m["DialStatus"] for m in call.all("DialEnd", DestChannel=leg)] == ["CANCEL", "CANCEL"]
    assert call.all("AgentRingNoAnswer") == []
    assert call.one("Hangup", Channel=leg)["Cause"] == "0"


def test_ring_no_answer_comes_in_milliseconds_before_the_next_phone_rings(play: Source) -> None:
    call = play("queue_ring_no_answer_next")
    first, second = call.all("AgentCalled")
    missed = call.one("AgentRingNoAnswer")

    assert missed["RingTime"] == "5000"
    assert [m["DialStatus"] for m in call.all("DialEnd", DestChannel=first["DestChannel"])] == [
        "NOANSWER",
        "CANCEL",
    ]
    assert call.in_order(
        first, missed, call.one("Hangup", Channel=first["DestChannel"]), second, call.one("AgentConnect")
    )
    assert call.one("AgentComplete")["Interface"] == second["Interface"] != first["Interface"]


def test_a_pause_carries_its_reason_and_its_end_none(play: Source) -> None:
    pauses = play("member_lifecycle").all("QueueMemberPause")

    assert [(m["Paused"], m["PausedReason"]) for m in pauses] == [
        ("1", "Lunch, back at 2"),
        ("1", "Again"),
        ("0", ""),
        ("1", "all queues"),
        ("1", "all queues"),
        ("0", ""),
        ("0", ""),
    ]
    assert all(int(m["LastPause"]) > 0 for m in pauses)


def test_login_and_logout_carry_the_whole_member(play: Source) -> None:
    life = play("member_lifecycle")
    added, removed = life.all("QueueMemberAdded")[0], life.all("QueueMemberRemoved")[0]

    assert added.shape[2:] == removed.shape[2:]
    assert (added["Queue"], added["Interface"]) == (removed["Queue"], removed["Interface"])
    assert life.in_order(added, life.one("QueueMemberPenalty", Penalty="7"), removed)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("park_retrieve", ["UnParkedCall"]),
        ("park_giveup", ["ParkedCallGiveUp"]),
        ("park_variants", ["UnParkedCall", "ParkedCallTimeOut"]),
    ],
)
def test_each_parking_ends_with_exactly_one_event(play: Source, name: str, ends: list[str]) -> None:
    call = play(name)
    ended = [m for m in call.events if m.event in {"UnParkedCall", "ParkedCallTimeOut", "ParkedCallGiveUp"}]
    parked = call.all("ParkedCall")

    assert [m.event for m in ended] == ends
    for start, end in zip(parked, ended, strict=True):
        assert (start["ParkingSpace"], start["ParkeeUniqueid"]) == (
            end["ParkingSpace"],
            end["ParkeeUniqueid"],
        )
        assert call.in_order(start, end)
        assert start["ParkingDuration"] == "0"


def test_the_parker_is_only_in_the_dial_string(play: Source) -> None:
    call = play("park_giveup")
    parked = call.one("ParkedCall")

    assert parked["ParkerDialString"] == call.one("AgentConnect")["Interface"]
    assert parked["ParkeeUniqueid"] == call.one("QueueCallerJoin")["Uniqueid"]
    assert parked["Channel"] == parked["CallerIDNum"] == ""


@pytest.mark.parametrize("name", ["park_retrieve", "park_giveup", "park_variants"])
def test_parked_channels_sit_in_a_holding_bridge(play: Source, name: str) -> None:
    call = play(name)
    parkee = call.first("ParkedCall")["ParkeeChannel"]
    (entered, *_) = call.all("BridgeEnter", Channel=parkee, BridgeTechnology="holding_bridge")

    assert entered["BridgeType"] == "parking"
    assert call.in_order(call.first("BridgeLeave", Channel=parkee, BridgeType="basic"), entered)


def test_an_agent_who_parked_is_free_before_agent_complete_comes_without_his_channel(play: Source) -> None:
    call = play("park_retrieve")
    leg = call.one("AgentConnect")["DestChannel"]
    complete = call.one("AgentComplete")

    assert call.in_order(call.one("Hangup", Channel=leg), complete)
    assert (complete["DestChannel"], complete["Reason"]) == ("", "caller")
    assert complete["Interface"] == call.one("AgentConnect")["Interface"]


def test_who_fetches_a_parked_call_sees_its_number_only_after_entering(play: Source) -> None:
    call = play("park_retrieve")
    fetched = call.one("UnParkedCall")
    entered = call.one("BridgeEnter", Channel=fetched["RetrieverChannel"])
    seen = call.one("NewConnectedLine", Channel=fetched["RetrieverChannel"])

    assert (entered["ConnectedLineNum"], seen["ConnectedLineNum"]) == (
        "<unknown>",
        fetched["ParkeeCallerIDNum"],
    )
    assert call.in_order(fetched, entered, seen)


def test_a_parking_that_ran_out_leaves_zero_seconds(play: Source) -> None:
    call = play("park_variants")
    out = call.one("ParkedCallTimeOut")

    assert (out["ParkingTimeout"], out["ParkingDuration"]) == ("0", "5")
    assert call.in_order(
        out,
        call.all("BridgeLeave", Channel=out["ParkeeChannel"], BridgeType="parking")[-1],
        call.one("AgentComplete"),
        call.one("Hangup", Channel=out["ParkeeChannel"]),
    )


@pytest.mark.parametrize("name", ["transfer_blind_sip", "transfer_blind_action"])
def test_a_blind_transfer_frees_the_agent_at_once(play: Source, name: str) -> None:
    call = play(name)
    transfer, complete = call.one("BlindTransfer"), call.one("AgentComplete")
    agent, caller = transfer["TransfererChannel"], transfer["TransfereeChannel"]

    assert (transfer["Result"], complete["Reason"]) == ("Success", "transfer")
    assert (complete["DestChannel"], complete["Channel"]) == (agent, caller)
    assert call.in_order(transfer, complete, call.one("Hangup", Channel=agent))
    ringing = call.all("DialBegin", Channel=caller)[-1]
    assert (ringing["DialString"], ringing["DestExten"]) == (transfer["Extension"], transfer["Extension"])
    assert call.in_order(transfer, ringing, call.one("Hangup", Channel=caller))


def test_hold_names_who_pressed_it_and_shows_on_the_other_phone(play: Source) -> None:
    call = play("hold_unhold")
    caller, callee = call.channels()
    held = [m["Exten"] for m in call.all("ExtensionStatus", Status="16")]

    assert [m["Channel"] for m in call.all("Hold")] == [caller, callee]
    assert [m["Channel"] for m in call.all("Unhold")] == [caller, callee]
    assert held == [_exten(callee), _exten(caller)]
    assert len(call.all("BridgeEnter")) == len(call.all("BridgeLeave")) == 2


@pytest.mark.parametrize("name", ["direct_call", "outbound_by_agent", "inbound_direct"])
def test_both_parties_of_a_call_see_each_other(play: Source, name: str) -> None:
    call = play(name)
    begin = call.one("DialBegin")
    callee, caller = call.all("BridgeEnter")

    assert (callee["Channel"], caller["Channel"]) == (begin["DestChannel"], begin["Channel"])
    assert callee["ConnectedLineNum"] == caller["CallerIDNum"] == begin["CallerIDNum"]
    assert caller["ConnectedLineNum"] == callee["CallerIDNum"] == begin["DestCallerIDNum"]
    assert begin["DestLinkedid"] == begin["Linkedid"] == begin["Uniqueid"]


def test_an_outgoing_call_shows_another_number_than_the_agents_own(play: Source) -> None:
    call = play("outbound_by_agent")
    new = call.first("Newchannel")

    assert new["CallerIDNum"] == _exten(new["Channel"])
    assert call.one("DialBegin")["CallerIDNum"] != new["CallerIDNum"]


@pytest.mark.parametrize("name", ["originate_ok", "originate_outside"])
def test_originate_answers_for_the_agents_leg_before_the_destination_rings(play: Source, name: str) -> None:
    call = play(name)
    response = call.one("OriginateResponse")
    first, second = call.all("DialBegin")

    assert (first["Channel"], first["DestChannel"]) == ("", response["Channel"])
    assert second["Channel"] == response["Channel"]
    assert (response["Response"], response["Reason"]) == ("Success", "4")
    assert call.in_order(first, call.first("DialEnd", DialStatus="ANSWER"), response, second)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("originate_agent_busy", "0"),
        ("originate_agent_no_answer", "3"),
        ("originate_agent_unregistered", "0"),
    ],
)
def test_a_failed_originate_names_the_dial_string(play: Source, name: str, reason: str) -> None:
    for response in play(name).all("OriginateResponse"):
        assert (response["Response"], response["Reason"]) == ("Failure", reason)
        assert "-" not in response["Channel"]
        assert response["Uniqueid"] == response["CallerIDNum"] == "<unknown>"


@pytest.mark.parametrize(
    ("name", "reason", "dial_end", "cause"),
    [
        ("originate_agent_rejects_busy", "0", "BUSY", "17"),
        ("originate_agent_declined", "0", "NOANSWER", "21"),
        ("originate_agent_rings_out", "3", "", "19"),
        ("originate_hung_up", "0", "NOANSWER", "0"),
        ("originate_agent_not_there", "0", "", ""),
    ],
)
def test_why_the_agent_did_not_take_an_originated_call_is_told_by_his_leg(
    play: Source, name: str, reason: str, dial_end: str, cause: str
) -> None:
    call = play(f"actions/{name}")
    response = call.one("OriginateResponse", Response="Failure", Reason=reason)
    channel_id = response["ActionID"]

    assert (response["Uniqueid"], response["Channel"].count("-")) == (channel_id, 0)
    assert [m["DialStatus"] for m in call.all("DialEnd", DestUniqueid=channel_id)] == (
        [dial_end] if dial_end else []
    )
    assert [m["Cause"] for m in call.all("Hangup", Uniqueid=channel_id)] == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("name", "dial_end", "cause"),
    [
        ("originate_destination_busy", "BUSY", "17"),
        ("originate_destination_declined", "NOANSWER", "21"),
        ("originate_destination_no_answer", "NOANSWER", "16"),
        ("originate_destination_unregistered", "", "3"),
        ("originate_destination_busy_tone", "", "0"),
        ("originate_destination_congestion", "", "0"),
        ("originate_agent_hangs_up", "CANCEL", "0"),
    ],
)
def test_why_the_destination_was_not_reached_is_told_after_the_agent_answered(
    play: Source, name: str, dial_end: str, cause: str
) -> None:
    call = play(f"actions/{name}")
    response = call.one("OriginateResponse", Response="Success", Reason="4")
    channel_id = response["ActionID"]
    ended = call.one("Hangup", Uniqueid=channel_id)

    assert [m["DialStatus"] for m in call.all("DialEnd", Uniqueid=channel_id)] == (
        [dial_end] if dial_end else []
    )
    assert ended["Cause"] == cause
    assert call.in_order(response, *call.all("DialEnd", Uniqueid=channel_id), ended)
    assert call.all("BridgeEnter") == []


@pytest.mark.parametrize("name", ["originate_hung_up", "hangup_ringing_direct", "hangup_ringing_queue"])
def test_a_phone_that_is_hung_up_while_it_rings_gives_no_cause_and_no_busy(play: Source, name: str) -> None:
    call = play(f"actions/{name}")
    leg = call.first("DialBegin")["DestChannel"]

    assert [m["DialStatus"] for m in call.all("DialEnd", DestChannel=leg)] == ["NOANSWER"]
    assert call.all("HangupRequest", Channel=leg) == []
    assert call.one("Hangup", Channel=leg)["Cause"] == "0"


def test_all_events_of_an_originated_call_carry_its_id(play: Source) -> None:
    call = play("actions/originate_channel_id")
    channel_id = call.one("OriginateResponse")["ActionID"]
    legs = call.all("Newchannel")

    assert legs[0]["Uniqueid"] == channel_id
    assert {leg["Linkedid"] for leg in legs} == {channel_id}
    assert call.first("DialBegin")["DestUniqueid"] == channel_id
    assert [m["Cause"] for m in call.all("Hangup", Linkedid=channel_id)] == ["16", "16"]


def test_a_blind_transfer_to_nowhere_is_said_to_succeed_and_loses_both(play: Source) -> None:
    call = play("actions/transfer_blind_unknown_extension")
    transfer = call.one("BlindTransfer")

    assert (transfer["Result"], call.one("AgentComplete")["Reason"]) == ("Success", "transfer")
    for channel in (transfer["TransfererChannel"], transfer["TransfereeChannel"]):
        assert call.in_order(transfer, call.one("Hangup", Channel=channel, Cause="16"))


def test_a_waiting_caller_who_is_redirected_counts_as_abandoned(play: Source) -> None:
    call = play("actions/redirect_waiting_caller")
    caller = call.one("QueueCallerJoin")["Channel"]

    assert call.in_order(
        call.one("QueueCallerAbandon", Channel=caller, Exten="501"),
        call.one("QueueCallerLeave", Channel=caller, Count="0"),
        call.one("Hangup", Channel=caller),
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_channel_begins_once_and_ends_once(play: Source, name: str) -> None:
    call = play(name)

    assert sorted(m["Channel"] for m in call.all("Hangup")) == sorted(call.channels())
    for message in call.events:
        if message["Channel"] and message.event not in NOT_SIMULATED | {"OriginateResponse"}:
            assert _alive(call, message), f"{message.event} outside the life of {message['Channel']}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_bridges_count_their_channels(play: Source, name: str) -> None:
    counts: dict[str, int] = {}
    for message in play(name).events:
        if message.event in ("BridgeEnter", "BridgeLeave"):
            bridge = message["BridgeUniqueid"]
            counts[bridge] = counts.get(bridge, 0) + (1 if message.event == "BridgeEnter" else -1)
            assert message["BridgeNumChannels"] == str(counts[bridge])
    assert set(counts.values()) <= {0}


def _alive(call: Transcript, message: Message) -> bool:
    born = call.one("Newchannel", Channel=message["Channel"])
    died = call.one("Hangup", Channel=message["Channel"])
    return call.at(born) <= call.at(message) and call.at(message) <= call.at(died)


def _exten(channel: str) -> str:
    return channel.removeprefix("PJSIP/").rpartition("-")[0]

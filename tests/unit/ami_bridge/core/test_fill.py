"""What the core learns from the lists of a PBX that was busy before the bridge came."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.snapshot import Snapshot
from shared.events import AgentName, PhoneNumber, QueueCallers, QueueMemberStatus, QueueSummary, State
from tests.support.transcripts import listing
from tests.unit.ami_bridge.core.messages import (
    Message,
    channel,
    entry,
    hint,
    listed_member,
    message,
    params,
    summary,
)
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay, story, talks

AGENT = channel("PJSIP/148-0000000b", "10.1", "10.0", ConnectedLineNum="0991")
CALLER = channel("PJSIP/trunk-0000000a", "10.0", CallerIDNum="0991")


def _status(who: Message, **headers: str) -> Message:
    told = {"ChannelState": "6", "Seconds": "5", "BridgeID": "", "Application": ""}
    return {"Event": "Status", **told, **who, **headers}


def _states(lists: Snapshot, known: tuple[State, ...] = ()) -> list[State]:
    centre = CallCentre("hq")
    centre.restore(known)
    return [event for event in events_of(centre.resync(lists, [], NOON)) if isinstance(event, State)]


def _call(
    *channels: Message, bridges: tuple[Message, ...] = (), known: tuple[State, ...] = ()
) -> PhoneNumber:
    lists = Snapshot(queue_status=[], channels=channels, bridges=bridges)
    found = [each for each in _states(lists, known) if isinstance(each, PhoneNumber)]
    assert len(found) == 1
    return found[0]


def _word(phone: PhoneNumber) -> str:
    call = phone.calls[0]
    return f"{call.state} {call.direction} {call.number}"


@pytest.mark.parametrize("kind", ["Status", "CoreShowChannel"])
def test_the_recorded_lists_give_the_state_of_the_call_centre(kind: str) -> None:
    centre = CallCentre("hq")
    lists = Snapshot(
        queue_status=listing("listings", "QueueParams", "QueueMember", "QueueEntry"),
        queue_summary=listing("listings", "QueueSummary"),
        extension_states=listing("listings", "ExtensionStatus"),
        channels=listing("listings", kind),
        bridges=listing("listings", "BridgeListItem"),
    )
    lines = story(centre.resync(lists, [], NOON))

    assert centre.rejected == []
    assert {line for line in lines if line.startswith(("148 ", "146 ", "support", "vip.es-en"))} == {
        "148 in support inuse",
        "148 is called Agent 148",
        "148 phone inuse",
        "148 connected inbound 0991234567 by support",
        "146 in linear paused (Training), unavailable behind",
        "146 is called Static Agent 146",
        "146 phone unavailable",
        "support: 0 waiting",
        "support: nobody",
        "support: 1 logged in, 2 completed",
        "support: members 148",
        "vip.es-en: 1 waiting",
        "vip.es-en: 0992222222",
        "vip.es-en: 0 logged in, 0 completed",
        "vip.es-en: members ",
    }
    assert talks(centre, "148") == [("PJSIP/148-0000000b", "PJSIP/trunk-0000000a", "0991234567")]


def test_a_queue_has_its_callers_in_order_and_since_when_they_wait() -> None:
    lists = Snapshot(queue_status=[params(calls=2), entry("2", position=2, wait=5), entry("1", wait=60)])
    callers = next(each for each in _states(lists) if isinstance(each, QueueCallers)).callers

    assert [(one.unique_id, one.position, one.since) for one in callers] == [
        ("1", 1, NOON - 60_000),
        ("2", 2, NOON - 5_000),
    ]


def test_an_entry_of_a_queue_that_is_not_listed_is_left_out() -> None:
    assert _states(Snapshot(queue_status=[entry("1")], queue_summary=[summary()])) == []


def test_a_queues_figures_are_joined_of_both_lists() -> None:
    lists = Snapshot(queue_status=[params()], queue_summary=[summary()])

    assert [each for each in _states(lists) if isinstance(each, QueueSummary)] == [
        QueueSummary(
            pbx="hq",
            queue="support",
            available=1,
            hold_time=3,
            logged_in=1,
            longest_hold_time=0,
            talk_time=60,
            abandoned=2,
            completed=7,
            service_level=10,
            service_level_perf=87.5,
            calls=0,
        )
    ]


def test_the_list_tells_when_a_pause_began() -> None:
    lists = Snapshot(queue_status=[params(), listed_member(paused=True, LastPause="1794999000")])

    members = [each for each in _states(lists) if isinstance(each, QueueMemberStatus)]
    assert [each.since for each in members] == [1_794_999_000_000]


def test_a_listed_member_without_a_name_is_called_by_his_number() -> None:
    told = _states(Snapshot(queue_status=[params(), listed_member(name="")]))

    assert [each.name for each in told if isinstance(each, AgentName)] == ["148"]


def test_what_older_versions_do_not_send_may_be_missing() -> None:
    told = listed_member(paused=True)
    for header in ("LastPause", "LoginTime", "Wrapuptime", "Membership", "PausedReason", "StateInterface"):
        del told[header]
    centre = CallCentre("hq")
    centre.resync(Snapshot(queue_status=[params(), told]), [], NOON)

    assert centre.rejected == []
    assert len(centre.documents) == 5


def test_an_item_that_cannot_be_read_is_left_out_and_reported() -> None:
    centre = CallCentre("hq")
    broken = {**listed_member(interface="PJSIP/149"), "Status": "?"}
    hints = [{**hint("149", 0), "Status": "?"}, hint("148", 0), hint("9", 0, context="other")]
    channels = [{**_status(AGENT), "Uniqueid": ""}, {**_status(AGENT), "Seconds": "?"}]
    lists = Snapshot(
        queue_status=[params(), broken, listed_member()], extension_states=hints, channels=channels
    )
    lines = story(centre.resync(lists, [{"Event": "Hangup"}], NOON))

    assert "148 in support not_inuse" in lines
    assert "148 phone not_inuse" in lines
    assert not [line for line in lines if line.startswith("149")]
    assert len(centre.rejected) == 6


def test_the_events_that_end_a_list_are_no_items() -> None:
    ends = [message("QueueStatusComplete", ListItems="0")]
    lists = Snapshot(
        queue_status=ends,
        queue_summary=[message("QueueSummaryComplete")],
        extension_states=[message("ExtensionStateListComplete")],
        channels=[message("StatusComplete")],
        bridges=[message("BridgeListComplete")],
    )
    centre = CallCentre("hq")

    assert centre.resync(lists, [], NOON) == []
    assert centre.rejected == []


def test_a_call_that_is_up_is_connected_since_its_channel_began() -> None:
    phone = _call(
        _status(AGENT, BridgeID="b1", Application="AppQueue"),
        _status(CALLER, BridgeID="b1", Application="Queue", Data="sales,tT,,,120"),
    )

    assert _word(phone) == "connected inbound 0991"
    assert (phone.queue, phone.unique_id, phone.since) == ("sales", "10.0", NOON - 5_000)


def test_the_agent_of_a_call_that_is_up_completes_it() -> None:
    centre = CallCentre("hq")
    up = [
        _status(AGENT, BridgeID="b1", Application="AppQueue"),
        _status(CALLER, BridgeID="b1", Application="Queue", Data="sales"),
    ]
    centre.resync(Snapshot(queue_status=[], channels=up), [], NOON)
    late = message(
        "AgentComplete", Queue="sales", Interface="PJSIP/148", HoldTime="0", TalkTime="9", Reason="caller"
    )

    assert [getattr(event, "unique_id", None) for event in events_of(replay([late], centre))] == ["10.0"]


@pytest.mark.parametrize(
    ("who", "word"),
    [
        (_status(AGENT, ChannelState="5", Application="AppQueue"), "ringing inbound 0991"),
        (_status(AGENT, ChannelState="5", Application="AppDial2"), "ringing outbound 0991"),
        (_status(AGENT, ChannelState="6", Application="AppDial"), "connected inbound 0991"),
        (_status(AGENT, ChannelState="6", Application="Dial"), "dialing outbound 0991"),
        (_status(AGENT, ChannelState="4", Application="Dial"), "dialing outbound 0991"),
        (_status(AGENT, ChannelState="0", Application="AppDial"), "ringing inbound 0991"),
        (
            _status(AGENT, Application="Echo", ConnectedLineNum="<unknown>", Exten="500"),
            "dialing outbound 500",
        ),
        (
            _status(AGENT, Application="Echo", ConnectedLineNum="<unknown>", Exten="s"),
            "dialing outbound anonymous",
        ),
    ],
)
def test_what_a_channel_does_is_told_by_its_state_and_application(who: Message, word: str) -> None:
    assert _word(_call(who)) == word


def test_an_unknown_number_is_the_partners() -> None:
    phone = _call(_status(AGENT, BridgeID="b1", ConnectedLineNum="<unknown>"), _status(CALLER, BridgeID="b1"))

    assert phone.number == "0991"


def test_an_agent_in_a_parking_lot_is_held() -> None:
    lot = message("BridgeListItem", BridgeUniqueid="lot", BridgeType="parking")

    assert _word(_call(_status(AGENT, BridgeID="lot"), bridges=(lot,))) == "held outbound 0991"


def test_a_duration_is_read_in_both_spellings() -> None:
    of_list = {**_status(AGENT), "Duration": "01:00:02"}
    del of_list["Seconds"]

    assert _call(of_list).since == NOON - 3_602_000
    assert _call({**of_list, "Duration": "?"}).since == NOON


def test_a_channel_without_a_linkedid_is_its_own_call() -> None:
    alone = _status(AGENT, Linkedid="", Application="AppDial")
    caller = _status(CALLER, Linkedid="", Application="Queue", Data="sales")

    assert _call(alone, caller).unique_id == "10.1"


def test_a_queue_application_without_data_is_no_queue() -> None:
    phone = _call(_status(AGENT, Application="AppQueue"), _status(CALLER, Application="Queue", Data=""))

    assert phone.queue is None


def test_a_ringing_queue_call_is_not_served_yet() -> None:
    centre = CallCentre("hq")
    up = [
        _status(AGENT, ChannelState="5", Application="AppQueue"),
        _status(CALLER, Application="Queue", Data="sales"),
    ]
    lines = story(centre.resync(Snapshot(queue_status=[], channels=up), [], NOON))

    assert lines == ["148 ringing inbound 0991 by sales"]
    assert centre.in_progress == 1


def test_trunks_and_halves_of_local_channels_are_no_calls() -> None:
    half = _status(channel("Local/148@agents-00000000;1", "10.5"), Application="Dial")
    lists = Snapshot(queue_status=[], extension_states=[hint("148", 0)], channels=[half, _status(CALLER)])

    assert [each for each in _states(lists) if isinstance(each, PhoneNumber)] == []


def test_what_no_list_tells_is_taken_from_what_was_published() -> None:
    up = (_status(AGENT, BridgeID="b1", Application="AppDial"), _status(CALLER, BridgeID="b1"))
    before = _call(*up)
    held = PhoneNumber(
        pbx="hq",
        agent="148",
        number="0991",
        calls=tuple(
            type(call)(
                unique_id=call.unique_id,
                number=call.number,
                name=None,
                queue=None,
                direction="inbound",
                state="held",
                since=NOON - 999,
            )
            for call in before.calls
        ),
    )

    after = _call(*up, known=(held,))
    assert (after.calls[0].state, after.calls[0].since) == ("held", NOON - 999)
    ended = PhoneNumber(pbx="hq", agent="149", number="0992", calls=held.calls)
    assert _states(Snapshot(queue_status=[]), (ended,)) == [PhoneNumber(pbx="hq", agent="149", number=None)]


def test_a_call_that_changed_meanwhile_has_its_own_time() -> None:
    ringing = _call(_status(AGENT, ChannelState="5", Application="AppDial"))
    other = _call(_status({**AGENT, "Linkedid": "9.9"}, ChannelState="5", Application="AppDial"))
    connected = _status(AGENT, BridgeID="b1", Application="AppDial", Seconds="9")

    assert _call(connected, known=(ringing,)).since == NOON - 9_000
    assert _call(connected, known=(other,)).since == NOON - 9_000

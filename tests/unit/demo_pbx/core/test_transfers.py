"""Moving calls, whatever they are in the middle of."""

import pytest

from services.demo_pbx.core import transfers
from services.demo_pbx.core.channels import Channel, ChannelState
from services.demo_pbx.core.devices import DeviceState
from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.simulation import quiet_centre


@pytest.fixture
def pbx() -> Pbx:
    return quiet_centre(1_800_000_000.0)


@pytest.fixture
def events(pbx: Pbx) -> list[AmiEvent]:
    seen: list[AmiEvent] = []
    pbx.switch.sinks.append(seen.append)
    return seen


def run(pbx: Pbx, seconds: float) -> None:
    pbx.schedule.run_until(pbx.schedule.now + seconds)


def names(events: list[AmiEvent], *wanted: str) -> list[str]:
    return [event.name for event in events if event.name in wanted]


def talk(pbx: Pbx) -> tuple[Channel, Channel]:
    """A queue caller and agent 101 in conversation."""
    pbx.membership.add(pbx.switch.queues["support"], "PJSIP/101")
    caller = pbx.call_in("600", "01632960999", "Customer")
    run(pbx, 1)
    leg = pbx.switch.devices["PJSIP/101"].channels[0]
    pbx.answer(leg)
    run(pbx, 5)
    return caller, leg


def ring(pbx: Pbx, exten: str) -> Channel:
    (leg,) = pbx.switch.devices[f"PJSIP/{exten}"].channels
    assert leg.state is ChannelState.RINGING
    return leg


def test_a_redirected_caller_frees_the_agent_and_completes_when_he_hangs_up(
    pbx: Pbx, events: list[AmiEvent]
) -> None:
    caller, leg = talk(pbx)

    assert transfers.redirect(pbx, caller, "default", "102")
    assert leg.gone
    assert pbx.switch.devices["PJSIP/101"].state is DeviceState.NOT_INUSE
    assert pbx.switch.queues["support"].members["PJSIP/101"].calls_taken == 1
    assert names(events, "AgentComplete") == []
    pbx.answer(ring(pbx, "102"))
    run(pbx, 5)
    pbx.hang_up(caller)

    (complete,) = (e for e in events if e.name == "AgentComplete")
    assert (complete.get("TalkTime"), complete.get("DestChannel")) == ("10", None)
    assert pbx.switch.queues["support"].completed == 1
    assert not pbx.switch.channels


def test_a_waiting_caller_who_is_redirected_abandons_the_queue(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller = pbx.call_in("600", "01632960999", "")
    run(pbx, 5)

    assert transfers.redirect(pbx, caller, "default", "102")
    assert names(events, "QueueCallerAbandon", "QueueCallerLeave", "DialBegin", "Hangup") == [
        "QueueCallerAbandon",
        "QueueCallerLeave",
        "DialBegin",
    ]
    assert pbx.switch.queues["support"].waiting == []


def test_a_caller_may_be_redirected_into_another_queue(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller, _ = talk(pbx)
    pbx.membership.add(pbx.switch.queues["sales"], "PJSIP/102")

    assert transfers.redirect(pbx, caller, "default", "601")
    run(pbx, 1)
    pbx.answer(ring(pbx, "102"))
    run(pbx, 1)
    pbx.hang_up(caller)

    completed = [e.get("Queue") for e in events if e.name == "AgentComplete"]
    assert sorted(filter(None, completed)) == ["sales", "support"]


def test_an_unknown_extension_drops_the_caller(pbx: Pbx) -> None:
    caller, leg = talk(pbx)

    assert transfers.redirect(pbx, caller, "default", "999")
    assert caller.gone
    assert leg.gone


def test_the_agents_own_leg_can_be_redirected_and_the_caller_goes(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller, leg = talk(pbx)

    assert transfers.redirect(pbx, leg, "default", "103")
    assert caller.gone
    assert [e.get("Reason") for e in events if e.name == "AgentComplete"] == ["agent"]
    pbx.answer(ring(pbx, "103"))
    run(pbx, 1)
    assert leg.peer is not None


def test_a_phone_that_only_rings_cannot_be_redirected(pbx: Pbx) -> None:
    pbx.call_in("101", "01632960999", "")

    assert not transfers.redirect(pbx, ring(pbx, "101"), "default", "102")


def test_a_redirect_to_the_parking_extension_parks_with_the_callers_own_device(
    pbx: Pbx, events: list[AmiEvent]
) -> None:
    caller, leg = talk(pbx)

    assert transfers.redirect(pbx, caller, "default", "700")
    assert leg.gone
    (parked,) = (e for e in events if e.name == "ParkedCall")
    assert (parked.get("ParkerDialString"), parked.get("ParkingSpace")) == ("PJSIP/trunk", "701")


def test_a_parked_call_that_is_redirected_gives_up_its_space(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller, leg = talk(pbx)
    transfers.park(pbx, caller, told=leg)

    assert transfers.redirect(pbx, caller, "default", "102")
    assert names(events, "ParkedCallGiveUp", "ParkedCallTimeOut", "UnParkedCall") == ["ParkedCallGiveUp"]
    assert pbx.lot.stays == {}


def test_both_parties_can_be_sent_away(pbx: Pbx) -> None:
    caller, leg = talk(pbx)

    assert transfers.redirect_both(pbx, caller, leg, ("default", "102"), ("default", "103"))
    assert not caller.gone
    assert not leg.gone
    assert ring(pbx, "102").connected_num == "01632960999"
    assert ring(pbx, "103").connected_num == "101"
    assert not transfers.redirect_both(pbx, caller, caller, ("default", "102"), ("default", "102"))


def test_a_blind_transfer_needs_somebody_to_transfer(pbx: Pbx) -> None:
    pbx.call_in("101", "01632960999", "")

    assert not transfers.blind_transfer(pbx, ring(pbx, "101"), "default", "102", by_phone=True)


def test_a_parking_that_runs_out_rings_the_parker_and_then_gives_up(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller, leg = talk(pbx)
    transfers.park(pbx, caller, told=leg, timeout_s=10)
    run(pbx, 9)
    assert leg.gone

    run(pbx, 1.5)
    assert names(events, "ParkedCallTimeOut") == ["ParkedCallTimeOut"]
    assert caller.exten == "PJSIP_101"
    assert ring(pbx, "101").connected_num == "01632960999"
    run(pbx, 15)
    assert caller.gone
    assert names(events, "AgentComplete") == ["AgentComplete"]


def test_spaces_are_counted_on_and_a_full_lot_refuses(pbx: Pbx) -> None:
    spaces = [pbx.lot.settings.first + n for n in range(20)]
    callers = [pbx.call_in("700", "01632960999", "") for _ in spaces]

    assert list(pbx.lot.stays) == spaces
    pbx.hang_up(callers[3])
    extra, refused = (pbx.call_in("600", "01632960999", "") for _ in range(2))
    assert transfers.park(pbx, extra, told=None)
    assert pbx.lot.stays[spaces[3]].channel is extra
    assert not transfers.park(pbx, refused, told=None)


def test_a_chosen_free_space_is_given(pbx: Pbx) -> None:
    caller, leg = talk(pbx)

    assert transfers.park(pbx, caller, told=leg, space=715)
    assert list(pbx.lot.stays) == [715]


def test_a_fetched_call_can_be_transferred_by_who_fetched_it(pbx: Pbx) -> None:
    caller, leg = talk(pbx)
    transfers.park(pbx, caller, told=leg)
    run(pbx, 3)
    fetcher = pbx.call_from(pbx.switch.devices["PJSIP/102"], "701")
    assert caller.peer is fetcher

    assert transfers.blind_transfer(pbx, fetcher, "default", "103", by_phone=False)
    assert fetcher.gone
    assert ring(pbx, "103").connected_num == "01632960999"


def test_a_call_to_a_busy_or_missing_phone_is_lost(pbx: Pbx, events: list[AmiEvent]) -> None:
    talk(pbx)
    busy = pbx.call_in("101", "01632960998", "")
    missing = pbx.call_in("140", "01632960997", "")
    run(pbx, 1)

    assert busy.gone
    assert missing.gone
    assert [e.get("DialStatus") for e in events if e.name == "DialEnd"][-1] == "BUSY"


def test_an_unanswered_direct_call_ends_after_its_time(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller = pbx.call_in("101", "01632960998", "")
    run(pbx, 21)

    assert caller.gone
    assert [e.get("DialStatus") for e in events if e.name == "DialEnd"] == ["NOANSWER"]


def test_a_rejected_queue_call_counts_as_no_answer_with_cause_17(pbx: Pbx, events: list[AmiEvent]) -> None:
    pbx.membership.add(pbx.switch.queues["support"], "PJSIP/101")
    caller = pbx.call_in("600", "01632960998", "")
    run(pbx, 0.5)
    pbx.reject(ring(pbx, "101"))

    assert [e.get("RingTime") for e in events if e.name == "AgentRingNoAnswer"] == ["0"]
    assert [e.get("Cause") for e in events if e.name == "Hangup"] == ["17"]
    assert not caller.gone
    run(pbx, 2)
    pbx.hang_up(ring(pbx, "101"))
    assert not caller.gone


def test_a_caller_who_hangs_up_while_a_phone_rings_cancels_it(pbx: Pbx) -> None:
    caller = pbx.call_in("101", "01632960998", "")
    leg = ring(pbx, "101")
    pbx.hang_up(caller)

    assert caller.gone
    assert leg.gone
    pbx.hang_up(caller)


def test_moving_a_held_party_ends_its_music(pbx: Pbx, events: list[AmiEvent]) -> None:
    caller, leg = talk(pbx)
    pbx.hold(leg)
    events.clear()

    transfers.redirect(pbx, caller, "default", "102")

    assert names(events, "MusicOnHoldStop", "BridgeLeave")[0] == "MusicOnHoldStop"
    assert not caller.held

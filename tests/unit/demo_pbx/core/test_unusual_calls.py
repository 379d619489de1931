"""Calls that end at odd moments: nothing may be left behind, whatever a client does."""

import random

import pytest

from services.demo_pbx.core import transfers
from services.demo_pbx.core.channels import Channel, ChannelState
from services.demo_pbx.core.devices import Device, DeviceState
from services.demo_pbx.core.originating import OriginatedCall, OriginateOrder
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.schedule import Schedule
from services.demo_pbx.core.simulation import quiet_centre
from services.demo_pbx.core.switch import Nobody, Switch

NOW = 1_800_000_000.0


def run(pbx: Pbx, seconds: float) -> None:
    pbx.schedule.run_until(pbx.schedule.now + seconds)


def leg_of(pbx: Pbx, exten: str) -> Channel:
    return pbx.switch.devices[f"PJSIP/{exten}"].channels[-1]


def connected(pbx: Pbx) -> tuple[Channel, Channel]:
    caller = pbx.call_from(pbx.switch.devices["PJSIP/101"], "102")
    callee = leg_of(pbx, "102")
    pbx.answer(callee)
    return caller, callee


def originated(pbx: Pbx) -> tuple[Channel, list[bool]]:
    ended: list[bool] = []
    OriginatedCall(pbx, OriginateOrder("PJSIP/101", "default", "102"), ended.append).start()
    return leg_of(pbx, "101"), ended


def nothing_left(pbx: Pbx) -> bool:
    run(pbx, 120)
    devices = pbx.switch.devices.values()
    kinds = {bridge.kind for bridge in pbx.switch.bridges.values()}
    return not pbx.switch.channels and not any(d.channels for d in devices) and kinds <= {"parking"}


def test_a_called_phone_may_refuse_by_hanging_up() -> None:
    pbx = quiet_centre(NOW)
    pbx.call_from(pbx.switch.devices["PJSIP/101"], "102")
    pbx.hang_up(leg_of(pbx, "102"))

    assert nothing_left(pbx)


def test_a_refusal_that_comes_late_changes_nothing() -> None:
    pbx = quiet_centre(NOW)
    connected(pbx)
    third = pbx.call_from(pbx.switch.devices["PJSIP/103"], "102")
    pbx.hang_up(third)

    assert not pbx.switch.devices["PJSIP/103"].channels
    run(pbx, 1)
    assert len(pbx.switch.channels) == 2


def test_a_dialled_party_can_be_moved_while_the_other_leg_rings() -> None:
    pbx = quiet_centre(NOW)
    caller = pbx.call_in("101", "01632960999", "")

    assert transfers.redirect(pbx, caller, "default", "103")
    assert not pbx.switch.devices["PJSIP/101"].channels
    assert leg_of(pbx, "103").state is ChannelState.RINGING
    pbx.hang_up(caller)
    assert nothing_left(pbx)


def test_an_originated_call_may_be_refused_or_hung_up_before_it_is_answered() -> None:
    pbx = quiet_centre(NOW)
    leg, ended = originated(pbx)
    pbx.reject(leg)

    assert ended == [False]
    leg, ended = originated(pbx)
    pbx.hang_up(leg)
    assert ended == [False]
    assert nothing_left(pbx)


def test_originating_to_a_phone_in_a_call_is_refused_once() -> None:
    pbx = quiet_centre(NOW)
    connected(pbx)
    leg, ended = originated(pbx)
    pbx.hang_up(leg)
    run(pbx, 1)

    assert ended == [False]


def test_originating_to_what_is_no_phone_fails_without_a_channel() -> None:
    pbx = quiet_centre(NOW)
    ended: list[bool] = []
    for dial_string in ("PJSIP/140", "PJSIP/999", "PJSIP/trunk"):
        OriginatedCall(pbx, OriginateOrder(dial_string, "default", "102"), ended.append).start()

    assert ended == [False] * 3
    assert pbx.switch.channels == {}


def test_an_originated_call_that_nobody_answers_ends_after_its_time() -> None:
    pbx = quiet_centre(NOW)
    leg, ended = originated(pbx)
    run(pbx, 31)

    assert (leg.gone, ended) == (True, [False])


def test_a_full_parking_lot_leaves_a_call_as_it_is_and_drops_who_dials_it() -> None:
    pbx = quiet_centre(NOW)
    for _ in range(20):
        pbx.call_in("700", "01632960999", "")
    caller, callee = connected(pbx)

    assert not transfers.park(pbx, caller, told=callee)
    assert caller.peer is callee
    assert pbx.call_in("700", "01632960999", "").gone


def test_the_trunk_as_a_queue_member_is_never_rung() -> None:
    pbx = quiet_centre(NOW)
    pbx.membership.add(pbx.switch.queues["support"], "PJSIP/trunk")
    caller = pbx.call_in("600", "01632960999", "")
    run(pbx, 5)

    assert list(pbx.switch.channels.values()) == [caller]


def test_a_trunk_call_to_an_outside_number_keeps_its_own_number() -> None:
    pbx = quiet_centre(NOW)
    caller = pbx.call_in("600", "01632960999", "")
    transfers.redirect(pbx, caller, "default", "01632960111")
    far = pbx.switch.devices["PJSIP/trunk"].channels[-1]

    assert (caller.caller_num, far.connected_num) == ("01632960999", "01632960999")


def test_a_ringing_leg_is_not_taken_out_of_its_call() -> None:
    pbx = quiet_centre(NOW)
    pbx.membership.add(pbx.switch.queues["support"], "PJSIP/102")
    pbx.call_in("101", "01632960999", "")
    pbx.call_in("600", "01632960999", "")
    run(pbx, 1)
    for leg in (leg_of(pbx, "101"), leg_of(pbx, "102")):
        task = leg.task
        assert task is not None
        assert task.detach(leg) is None
        assert leg.task is task


def test_a_caller_of_a_missing_phone_may_be_moved_before_he_is_told() -> None:
    pbx = quiet_centre(NOW)
    caller = pbx.call_in("140", "01632960999", "")

    assert transfers.redirect(pbx, caller, "default", "101")
    run(pbx, 1)
    assert leg_of(pbx, "101").state is ChannelState.RINGING


def test_a_queue_call_for_which_nothing_rings_cannot_be_refused() -> None:
    pbx = quiet_centre(NOW)
    caller = pbx.call_in("600", "01632960999", "")

    assert caller.task is not None
    with pytest.raises(RuntimeError, match="no phone rings"):
        caller.task.rejected(caller)


def test_redirecting_both_parties_hangs_up_a_third_and_takes_what_rings_not_at_all() -> None:
    pbx = quiet_centre(NOW)
    caller, callee = connected(pbx)
    ringing = pbx.call_in("103", "01632960999", "")
    waiting = pbx.call_in("600", "01632960998", "")

    place = ("default", "104")
    assert not transfers.redirect_both(pbx, caller, leg_of(pbx, "103"), place, place)
    assert transfers.redirect_both(pbx, caller, waiting, place, ("default", "999"))
    assert (callee.gone, waiting.gone, ringing.gone) == (True, True, False)


def test_a_switch_of_its_own_tells_nobody_that_a_phone_is_free() -> None:
    switch = Switch(Schedule(NOW), random.Random(1))
    device = Device("PJSIP/1", "1", "", registered=False, state=DeviceState.UNAVAILABLE)
    switch.register(device, True)

    assert device.free


def test_an_originated_leg_that_rings_cannot_be_moved() -> None:
    pbx = quiet_centre(NOW)
    leg, _ = originated(pbx)

    assert not transfers.redirect(pbx, leg, "default", "103")
    assert leg.task is not None
    assert leg.task.detach(leg) is None


def test_the_originating_phone_may_hang_up_while_the_destination_rings() -> None:
    pbx = quiet_centre(NOW)
    leg, ended = originated(pbx)
    pbx.answer(leg)
    pbx.hang_up(leg)

    assert ended == [True]
    assert nothing_left(pbx)


def test_answering_or_refusing_what_does_not_ring_does_nothing() -> None:
    pbx = quiet_centre(NOW)
    caller, callee = connected(pbx)
    for channel in (caller, callee):
        pbx.answer(channel)
        pbx.reject(channel)

    assert caller.peer is callee


def test_hold_needs_a_partner_and_happens_once() -> None:
    pbx = quiet_centre(NOW)
    waiting = pbx.call_in("600", "01632960999", "")
    seen: list[str] = []
    pbx.switch.sinks.append(lambda event: seen.append(event.name))
    pbx.hold(waiting)
    pbx.unhold(waiting)
    caller, _ = connected(pbx)
    pbx.hold(caller)
    pbx.hold(caller)
    pbx.unhold(caller)
    pbx.unhold(caller)

    assert [name for name in seen if name in ("Hold", "Unhold")] == ["Hold", "Unhold"]


def test_who_dials_an_empty_space_is_told_and_may_be_moved_meanwhile() -> None:
    pbx = quiet_centre(NOW)
    told = pbx.call_from(pbx.switch.devices["PJSIP/101"], "705")
    moved = pbx.call_from(pbx.switch.devices["PJSIP/102"], "706")
    impatient = pbx.call_from(pbx.switch.devices["PJSIP/103"], "707")
    pbx.hang_up(impatient)

    assert transfers.redirect(pbx, moved, "default", "104")
    run(pbx, 3)
    assert (told.gone, moved.gone, impatient.gone) == (True, False, True)
    pbx.hang_up(moved)
    assert nothing_left(pbx)


def test_a_parked_call_whose_parker_is_outside_is_lost_when_it_runs_out() -> None:
    pbx = quiet_centre(NOW)
    caller = pbx.call_in("700", "01632960999", "")
    run(pbx, 44)
    assert not caller.gone

    assert nothing_left(pbx)


def test_a_parked_or_fetched_call_does_not_answer_or_refuse() -> None:
    pbx = quiet_centre(NOW)
    parked = pbx.call_in("700", "01632960999", "")
    for channel in (parked, pbx.call_from(pbx.switch.devices["PJSIP/101"], "701")):
        assert channel.task is not None
        channel.task.answered(channel)
        channel.task.rejected(channel)
    fetcher = leg_of(pbx, "101")

    assert parked.peer is fetcher
    pbx.hang_up(fetcher)
    assert nothing_left(pbx)


def test_an_agent_who_hears_the_space_may_hang_up_or_be_moved() -> None:
    for moved in (False, True):
        pbx = quiet_centre(NOW)
        caller = pbx.call_in("101", "01632960999", "")
        agent = leg_of(pbx, "101")
        pbx.answer(agent)
        assert transfers.park(pbx, caller, told=agent)
        assert agent.task is not None
        agent.task.answered(agent)
        agent.task.rejected(agent)
        if moved:
            assert transfers.redirect(pbx, agent, "default", "102")
            run(pbx, 3)
            assert not agent.gone
            pbx.hang_up(agent)
        else:
            pbx.hang_up(agent)
            assert agent.gone
        assert nothing_left(pbx)


def test_a_channel_in_nothing_can_be_hung_up() -> None:
    pbx = quiet_centre(NOW)
    lone = pbx.switch.new_channel(pbx.switch.devices["PJSIP/101"], state=ChannelState.UP, exten="s")
    pbx.hang_up(lone)
    pbx.switch.end(lone)
    pbx.switch.leave(lone)
    pbx.switch.dismiss(lone)

    assert nothing_left(pbx)


def test_nobody_does_nothing() -> None:
    pbx = quiet_centre(NOW)
    caller, callee = connected(pbx)
    people = Nobody()
    people.phone_rings(callee)
    people.connected(caller, callee)
    people.waits(caller)
    people.parked(caller, 701)

    assert caller.peer is callee


def test_a_trunk_phone_in_the_dialplan_is_only_reached_by_number() -> None:
    pbx = quiet_centre(NOW)

    assert pbx.find("default", "trunk") is None
    assert pbx.find("default", "01") is None
    assert pbx.find("default", "") is None
    assert pbx.find("nosuch", "101") is None
    assert pbx.find("default", "+441632960999") is not None


def test_a_redirected_agent_leg_of_an_outgoing_call_drops_the_far_end() -> None:
    pbx = quiet_centre(NOW)
    agent = pbx.call_from(pbx.switch.devices["PJSIP/101"], "01632960111")
    far = pbx.switch.devices["PJSIP/trunk"].channels[-1]
    pbx.answer(far)

    assert transfers.redirect(pbx, agent, "default", "102")
    assert far.gone
    pbx.hang_up(agent)
    assert nothing_left(pbx)


def test_a_number_that_plays_a_tone_ends_the_call_after_it() -> None:
    for exten, application in (("503", "Busy"), ("504", "Congestion")):
        pbx = quiet_centre(NOW)
        caller = pbx.call_from(pbx.switch.devices["PJSIP/101"], exten)
        assert (caller.application, caller.state) == (application, ChannelState.UP)
        run(pbx, 4)
        assert not caller.gone

        run(pbx, 2)
        assert nothing_left(pbx)


def test_the_number_that_stays_stays_until_somebody_hangs_up() -> None:
    pbx = quiet_centre(NOW)
    caller = pbx.call_from(pbx.switch.devices["PJSIP/101"], "501")
    run(pbx, 600)
    assert not caller.gone

    pbx.hang_up(caller)
    assert nothing_left(pbx)

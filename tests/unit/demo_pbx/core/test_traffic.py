"""What the demo's people do when a client acts: it must not be left to luck."""

import pytest

from services.demo_pbx.core.channels import ChannelState
from services.demo_pbx.core.devices import DeviceState
from services.demo_pbx.core.originating import OriginatedCall, OriginateOrder
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.roster import SPARE, UNPLUGGED, demo_agents
from services.demo_pbx.core.simulation import busy_centre, quiet_centre
from services.demo_pbx.core.traffic import Load

NOW = 1_800_000_000.0


def run(pbx: Pbx, seconds: float) -> None:
    pbx.schedule.run_until(pbx.schedule.now + seconds)


def click_to_call(pbx: Pbx, exten: str) -> list[bool]:
    ended: list[bool] = []
    OriginatedCall(pbx, OriginateOrder("PJSIP/138", "default", exten), ended.append).start()
    return ended


@pytest.mark.parametrize("seed", range(5))
def test_who_clicked_to_call_answers_and_gets_his_party(seed: int) -> None:
    for exten in ("139", "01632960111"):
        pbx = busy_centre(NOW, seed)
        ended = click_to_call(pbx, exten)
        run(pbx, 13)

        assert ended == [True]
        (leg,) = pbx.switch.devices["PJSIP/138"].channels
        assert leg.peer is not None
        assert leg.connected_num == exten


@pytest.mark.parametrize("seed", range(3))
def test_a_phone_with_call_waiting_takes_a_second_call_and_holds_the_first(seed: int) -> None:
    pbx = busy_centre(NOW, seed)
    phone = pbx.switch.devices["PJSIP/139"]
    click_to_call(pbx, "139")
    run(pbx, 10)
    (first,) = phone.channels
    OriginatedCall(pbx, OriginateOrder("PJSIP/139", "default", "01632960111"), lambda answered: None).start()
    assert phone.state is DeviceState.RINGINUSE
    run(pbx, 2)

    assert phone.channels[0] is first
    assert first.peer is not None
    assert first.peer.held
    run(pbx, 10)
    assert [channel.peer is not None for channel in phone.channels] == [True, True]


def test_a_third_call_finds_call_waiting_busy_and_a_second_one_any_other_phone() -> None:
    pbx = quiet_centre(NOW)
    for exten, taken in (("139", 2), ("138", 1)):
        phone = pbx.switch.devices[f"PJSIP/{exten}"]
        for caller in ("101", "102", "103"):
            pbx.call_from(pbx.switch.devices[f"PJSIP/{caller}"], exten)
            run(pbx, 1)

        assert [leg.state for leg in phone.channels] == [ChannelState.RINGING] * taken
        run(pbx, 60)


def test_a_phone_with_call_waiting_that_does_not_want_to_be_disturbed_is_busy() -> None:
    pbx = quiet_centre(NOW)
    pbx.switch.devices["PJSIP/139"].state = DeviceState.BUSY
    caller = pbx.call_from(pbx.switch.devices["PJSIP/101"], "139")
    run(pbx, 1)

    assert caller.gone


def test_numbers_ending_in_17_are_busy_and_in_19_never_answer() -> None:
    pbx = busy_centre(NOW, 1)
    click_to_call(pbx, "01632960117")
    run(pbx, 6)
    assert not pbx.switch.devices["PJSIP/138"].channels

    click_to_call(pbx, "01632960119")
    run(pbx, 15)
    (leg,) = pbx.switch.devices["PJSIP/138"].channels
    assert leg.bridge is None
    run(pbx, 10)
    assert leg.gone


def test_spare_and_unplugged_phones_are_left_alone() -> None:
    pbx = busy_centre(NOW, 2)
    for _ in range(120):
        run(pbx, 30)
        for exten in SPARE | UNPLUGGED:
            assert not pbx.switch.devices[f"PJSIP/{exten}"].channels
            assert all(f"PJSIP/{exten}" not in queue.members for queue in pbx.switch.queues.values())


def test_there_are_forty_agents_with_a_name_each_and_some_in_several_queues() -> None:
    agents = demo_agents()

    assert [agent.exten for agent in agents] == [str(n) for n in range(101, 141)]
    assert len({agent.name for agent in agents}) == 40
    assert {len(agent.queues) for agent in agents} == {1, 2, 3}
    assert not all(agent.name.isascii() for agent in agents)


def test_somebody_rests_at_the_first_look_even_if_nobody_felt_like_it() -> None:
    pbx = busy_centre(NOW, 1, Load(pause_every_s=1e9))
    members = [m for queue in pbx.switch.queues.values() for m in queue.members.values()]

    assert len({m.interface for m in members if m.paused}) == 2


def test_people_plan_nothing_for_a_conversation_that_is_none() -> None:
    pbx = busy_centre(NOW, 1)
    waiting = [call.caller for queue in pbx.switch.queues.values() for call in queue.waiting]
    due = pbx.schedule.next_due()
    pbx.switch.people.connected(waiting[0], waiting[1])

    assert pbx.schedule.next_due() == due

"""What the demo's people do when a client acts: it must not be left to luck."""

import pytest

from services.demo_pbx.core.originating import OriginatedCall, OriginateOrder
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.roster import SPARE, UNPLUGGED, demo_agents
from services.demo_pbx.core.simulation import busy_centre
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

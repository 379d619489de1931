"""Each command at most once, and always with an outcome."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.order import Order
from services.ami_bridge.core.plans import AmiRequest, Check, Plan, Steps
from services.ami_bridge.executor import REMEMBERED_S, Executor
from shared.commands import Command, FindCalls, Hangup, Outcome
from tests.support.command_fakes import NOW_MS, FakePbx, FakeSession, FakeTime
from tests.support.waiting import until

HANGUP = Hangup(agent_or_channel="148")


def order(command_id: str = "pbxis-1") -> Order:
    return Order(command_id, NOW_MS + 5000, "wall board")


class Rig:
    def __init__(self) -> None:
        self.session = FakeSession()
        self.pbx = FakePbx(self.session)
        self.now_s = 0.0
        self.executor = Executor(self.pbx, FakeTime(), monotonic=lambda: self.now_s)

    def start(self, command: Command = HANGUP, command_id: str = "pbxis-1") -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.executor.execute(order(command_id), command))

    async def held(self) -> asyncio.Task[Outcome]:
        """A command that waits for Asterisk."""
        self.session.answers["Hangup"] = None
        running = self.start()
        await until(lambda: self.session.sent, what="it is sent")
        return running


async def test_an_order_that_comes_again_gets_the_outcome_of_the_first() -> None:
    rig = Rig()
    first = await rig.executor.execute(order(), HANGUP)
    rig.pbx.absence, rig.pbx.session = "offline: gone", None

    assert await rig.executor.execute(order(), HANGUP) == first
    assert first.result == "done"
    assert len(rig.session.sent) == 1


async def test_an_order_that_comes_again_while_the_first_is_under_way_waits_for_it() -> None:
    rig = Rig()
    first = await rig.held()
    second = rig.start()
    await asyncio.sleep(0)

    rig.session.hold.set()

    assert await first is await second
    assert len(rig.session.sent) == 1


async def test_who_waits_for_the_first_and_gives_up_does_not_end_it() -> None:
    rig = Rig()
    first = await rig.held()
    second = rig.start()
    await asyncio.sleep(0)
    second.cancel()

    rig.session.hold.set()

    assert (await first).result == "done"


async def test_when_the_first_is_cancelled_who_waits_for_it_ends_too() -> None:
    rig = Rig()
    first = await rig.held()
    second = rig.start()
    await asyncio.sleep(0)

    first.cancel()

    with pytest.raises(asyncio.CancelledError):
        await second


async def test_other_orders_are_carried_out_side_by_side() -> None:
    rig = Rig()
    first = await rig.held()
    rig.session.answers.clear()

    assert (await rig.start(command_id="pbxis-2")).result == "done"
    assert not first.done()
    rig.session.hold.set()
    await first


async def test_an_order_is_remembered_beyond_any_deadline_and_then_forgotten() -> None:
    rig = Rig()
    await rig.executor.execute(order(), HANGUP)
    rig.now_s = REMEMBERED_S - 1
    await rig.executor.execute(order("pbxis-2"), HANGUP)
    await rig.executor.execute(order(), HANGUP)
    assert len(rig.session.sent) == 2

    rig.now_s = REMEMBERED_S
    await rig.executor.execute(order(), HANGUP)

    assert len(rig.session.sent) == 3


async def test_a_query_is_answered_anew_each_time() -> None:
    rig = Rig()
    answers = iter([Outcome(result="done", message="first"), Outcome(result="done", message="second")])
    rig.pbx.plan = lambda command: next(answers)

    told = [await rig.executor.execute(order(), FindCalls(agent="148")) for _ in range(2)]

    assert [outcome.message for outcome in told] == ["first", "second"]


async def test_what_is_given_up_is_unknown_when_it_was_sent() -> None:
    rig = Rig()
    running = await rig.held()

    rig.executor.give_up()

    outcome = await running
    assert (outcome.result, outcome.code) == ("unknown", "no_answer")
    assert "stopped" in outcome.message


def goes_on(answer: AmiMessage) -> Outcome | None:
    return None


async def test_what_is_given_up_during_its_lookup_is_not_sent() -> None:
    rig = Rig()
    look = Check(AmiRequest("Look", {}, acts=False), goes_on)
    rig.pbx.plan = lambda command: Steps(look, (AmiRequest("Hangup", {}),))
    rig.session.answers["Look"] = None
    running = rig.start()
    await until(lambda: rig.session.sent, what="the lookup is sent")

    rig.executor.give_up()
    rig.executor.give_up()

    assert (await running).result == "not_sent"
    assert rig.pbx.sent == ["Look"]


async def test_a_bug_before_anything_is_sent_is_logged_and_answered_not_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()

    def broken(command: Command) -> Plan:
        raise KeyError("bug")

    rig.pbx.plan = broken

    assert (await rig.executor.execute(order(), HANGUP)).result == "not_sent"
    assert "KeyError: 'bug'" in caplog.text


async def test_a_bug_after_something_was_sent_is_logged_and_answered_unknown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.session.answers["Hangup"] = TimeoutError("bug")

    assert (await rig.executor.execute(order(), HANGUP)).result == "unknown"
    assert "TimeoutError: bug" in caplog.text


async def test_each_command_leaves_one_line_in_a_log_that_tells_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="pbxis.bridge.commands")
    rig = Rig()

    await rig.executor.execute(order(), Hangup(agent_or_channel="PJSIP/148-00000001"))

    [record] = caplog.records
    assert record.levelno == logging.DEBUG
    assert msgspec.json.decode(record.getMessage()) == {
        "id": "pbxis-1",
        "caller": "wall board",
        "action": "hangup",
        "outcome": "done",
        "code": "",
        "ms": 0.0,
    }

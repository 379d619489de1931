"""The action desk: each action at most once, written down, with an end."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from services.gateway.action_desk import MAX_UNDER_WAY, ActionDesk, Order, Reply
from services.gateway.core.principal import OPEN, Principal
from services.gateway.errors import (
    BadParameterError,
    BusAwayError,
    KeyReusedError,
    TooManyRequestsError,
)
from services.gateway.ports import Running
from shared.commands import AddMember, Candidate, Command, Hangup, Originate, Outcome, ReadQueues
from tests.support.action_fakes import DONE, FakeAudit, FakeBus, FakeOnceStore
from tests.support.gateway_fakes import FakeClock
from tests.support.waiting import until

ADD = AddMember(queue="q1", agent="148")
CALL = Originate(action_id="", agent="148", destination="149", variables={"PIN": "4711"})
NOT_SENT = Outcome(result="not_sent", code="no_bridge", message="no bridge")
UNKNOWN = Outcome(result="unknown", code="no_answer", message="no answer")
ANOTHER = Principal(id="k2", name="crm", roles=frozenset({"call"}))


class Desk:
    """A desk, and what is around it. ``once`` may be another desk's."""

    def __init__(self, once: FakeOnceStore | None = None, outcome: Outcome = DONE) -> None:
        self.clock = FakeClock()
        self.bus = FakeBus(outcome)
        self.once = once or FakeOnceStore()
        self.audit = FakeAudit()
        self.server_now: int | None = 50_000
        self._numbers = itertools.count(1)
        self.desk = ActionDesk(
            self.bus,
            self.once,
            self.audit,
            self.clock,
            server_now=lambda: self.server_now,
            timeout_s=5,
            random=lambda length: next(self._numbers).to_bytes(length, "big"),
            look_every_s=0.001,
        )

    async def run(self, key: str | None = None, command: Command = ADD, **changed: Any) -> Reply:
        return await self.desk.run(order(key, command, **changed))


def order(key: str | None = None, command: Command = ADD, **changed: Any) -> Order:
    values: dict[str, Any] = {"pbx": "hq", "principal": OPEN, "address": "127.0.0.1", **changed}
    return Order(command=command, idempotency_key=key, **values)


async def test_action_is_sent_with_its_id_its_caller_and_the_time_it_has() -> None:
    rig = Desk()

    reply = await rig.run()

    (asked,) = rig.bus.asked
    assert reply == Reply(asked.command_id, DONE)
    assert asked.command_id == "pbxis-" + 31 * "0" + "1"
    assert (asked.pbx, asked.command, asked.caller, asked.within_s) == ("hq", ADD, "local", 5)


async def test_originate_gets_the_id_of_the_command_as_its_action_id() -> None:
    rig = Desk()

    reply = await rig.run(command=CALL)

    (asked,) = rig.bus.asked
    assert isinstance(asked.command, Originate)
    assert asked.command.action_id == reply.command_id


@pytest.mark.parametrize("outcome", [DONE, UNKNOWN, Outcome(result="refused", code="no_queue")])
async def test_the_same_key_gives_the_same_answer_and_acts_once(outcome: Outcome) -> None:
    rig = Desk(outcome=outcome)

    replies = [await rig.run("k"), await rig.run("k"), await Desk(rig.once).run("k")]

    assert len(rig.bus.asked) == 1
    assert replies == [Reply(rig.bus.asked[0].command_id, outcome)] * 3


async def test_originates_with_the_same_key_are_the_same_though_their_ids_differ() -> None:
    rig = Desk()

    assert await rig.run("k", CALL) == await rig.run("k", CALL)
    assert len(rig.bus.asked) == 1


async def test_what_was_not_sent_gives_its_key_back() -> None:
    rig = Desk(outcome=NOT_SENT)
    assert (await rig.run("k")).outcome == NOT_SENT

    rig.bus.outcome = DONE
    assert (await rig.run("k")).outcome == DONE
    assert len(rig.bus.asked) == 2


async def test_key_of_another_request_is_refused_and_written_down() -> None:
    rig = Desk()
    await rig.run("k")

    for other in (order("k", Hangup(agent_or_channel="148")), order("k", ADD, pbx="branch")):
        with pytest.raises(KeyReusedError):
            await rig.desk.run(other)
        assert rig.audit.records[-1].code == "idempotency_key_reused"
        assert rig.audit.records[-1].result == "refused"
    assert len(rig.bus.asked) == 1


async def test_keys_of_different_callers_have_nothing_to_do_with_each_other() -> None:
    rig = Desk()
    await rig.run("k")
    await rig.run("k", principal=ANOTHER)

    assert len(rig.bus.asked) == 2


async def test_who_comes_while_it_is_under_way_waits_for_its_end() -> None:
    rig = Desk()
    other = Desk(rig.once)
    rig.bus.let_go.clear()
    first = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.bus.asked)
    second = asyncio.create_task(other.run("k"))
    await until(lambda: other.desk.under_way == 1)

    rig.bus.let_go.set()

    assert await second == await first
    assert other.bus.asked == []


async def test_who_waits_tries_itself_when_the_other_was_not_sent() -> None:
    rig = Desk(outcome=NOT_SENT)
    other = Desk(rig.once)
    rig.bus.let_go.clear()
    first = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.bus.asked)
    second = asyncio.create_task(other.run("k"))
    await until(lambda: other.desk.under_way == 1)
    rig.bus.let_go.set()

    assert (await first).outcome == NOT_SENT
    assert (await second).outcome == DONE


async def test_key_of_a_gateway_that_died_is_unknown_after_it_must_have_given_up() -> None:
    rig = Desk()
    dead = Desk(rig.once)
    dead.bus.let_go.clear()
    waiting = asyncio.create_task(dead.run("k"))
    await until(lambda: dead.bus.asked)

    asking = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.desk.under_way == 1)
    rig.clock.go(6.4)
    assert not asking.done()
    rig.clock.go(0.2)
    reply = await asking

    assert (reply.outcome.result, reply.outcome.code) == ("unknown", "no_answer")
    assert reply.command_id == dead.bus.asked[0].command_id
    assert rig.bus.asked == []
    waiting.cancel()


async def test_nobody_waits_for_a_gateway_that_died_long_ago() -> None:
    rig = Desk()
    dead = Desk(rig.once)
    dead.bus.let_go.clear()
    waiting = asyncio.create_task(dead.run("k"))
    await until(lambda: dead.bus.asked)

    rig.server_now = (dead.server_now or 0) + 6_600
    reply = await rig.run("k")

    assert reply.outcome.result == "unknown"
    assert reply.command_id == dead.bus.asked[0].command_id
    waiting.cancel()


async def test_who_waits_goes_on_while_the_store_is_away() -> None:
    rig = Desk()
    other = Desk(rig.once)
    rig.bus.let_go.clear()
    first = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.bus.asked)
    second = asyncio.create_task(other.run("k"))
    await until(lambda: other.desk.under_way == 1)
    rig.once.away = True
    rig.bus.let_go.set()
    reply = await first
    rig.once.back()

    assert await second == reply


async def test_no_one_waits_for_a_give_up_time_that_a_wrong_clock_wrote() -> None:
    rig = Desk()
    rig.server_now = None
    await rig.once.begin("x", "y", "pbxis-0", 10**15)
    assert isinstance(await rig.once.look("x"), Running)
    rig.server_now = 10**9
    dead = Desk(rig.once)
    dead.server_now = 10**12
    dead.bus.let_go.clear()
    waiting = asyncio.create_task(dead.run("k"))
    await until(lambda: dead.bus.asked)
    asking = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.desk.under_way == 1)

    rig.clock.go(63)

    assert (await asking).outcome.result == "unknown"
    waiting.cancel()


@pytest.mark.parametrize("clock_known", [True, False])
async def test_with_a_key_nothing_is_sent_while_keys_cannot_be_read(*, clock_known: bool) -> None:
    rig = Desk()
    rig.once.away = clock_known
    rig.server_now = 1 if clock_known else None

    with pytest.raises(BusAwayError):
        await rig.run("k")

    assert rig.bus.asked == []
    (record,) = rig.audit.records
    assert (record.phase, record.result, record.code) == ("ended", "not_sent", "bus_unavailable")


async def test_what_has_no_time_left_after_waiting_is_not_sent() -> None:
    rig = Desk(outcome=NOT_SENT)
    other = Desk(rig.once)
    rig.bus.let_go.clear()
    first = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.bus.asked)
    second = asyncio.create_task(other.run("k"))
    await until(lambda: other.desk.under_way == 1)
    other.clock.go(4.9)
    rig.bus.let_go.set()
    await first

    assert ((await second).outcome.result, (await second).outcome.code) == ("not_sent", "late")
    assert other.bus.asked == []


async def test_action_whose_client_is_gone_goes_on_to_its_end() -> None:
    rig = Desk()
    rig.bus.let_go.clear()
    task = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.bus.asked)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert rig.desk.under_way == 1

    rig.bus.let_go.set()
    await rig.desk.finish(5)

    assert rig.desk.under_way == 0
    assert [record.result for record in rig.audit.of("ended")] == ["done"]
    assert (await rig.run("k")).command_id == rig.bus.asked[0].command_id
    assert len(rig.bus.asked) == 1


async def test_end_waits_for_what_is_under_way_and_not_longer_than_it_may(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Desk()
    await rig.desk.finish(5)
    rig.bus.let_go.clear()
    task = asyncio.create_task(rig.run())
    await until(lambda: rig.bus.asked)

    await rig.desk.finish(0.01)

    assert "1 actions had no end yet" in caplog.text
    rig.bus.let_go.set()
    await task


async def test_more_actions_at_once_than_the_limit_are_refused() -> None:
    rig = Desk()
    rig.bus.let_go.clear()
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(rig.run()) for _ in range(MAX_UNDER_WAY - 1)]
    tasks.append(asyncio.create_task(rig.desk.ask("hq", ReadQueues(), OPEN)))
    await until(lambda: len(rig.bus.asked) == MAX_UNDER_WAY)

    with pytest.raises(TooManyRequestsError):
        await rig.run()
    with pytest.raises(TooManyRequestsError):
        await rig.desk.ask("hq", ReadQueues(), OPEN)

    rig.bus.let_go.set()
    await asyncio.gather(*tasks)
    assert len(rig.bus.asked) == MAX_UNDER_WAY
    assert rig.desk.under_way == 0


async def test_query_is_asked_and_not_written_down() -> None:
    rig = Desk()

    assert await rig.desk.ask("hq", ReadQueues(queue="q1"), ANOTHER) == DONE
    assert (rig.bus.asked[0].caller, rig.bus.asked[0].within_s) == ("crm", 5)
    assert rig.audit.records == []


async def test_who_did_what_is_written_down_before_and_after() -> None:
    rig = Desk(outcome=Outcome(result="refused", code="no_queue", message="no q1"))
    rig.bus.let_go.clear()
    task = asyncio.create_task(rig.run(command=CALL, principal=ANOTHER))
    await until(lambda: rig.bus.asked)
    (begun,) = rig.audit.records
    rig.clock.go(0.25)
    rig.bus.let_go.set()
    reply = await task

    ended = rig.audit.records[1]
    assert (begun.phase, begun.id, begun.at) == ("begun", reply.command_id, 1_000_000)
    assert (begun.caller, begun.caller_id, begun.address) == ("crm", "k2", "127.0.0.1")
    assert (begun.action, begun.pbx, begun.parameters["variables"]) == ("originate", "hq", ["PIN"])
    assert (begun.result, begun.code, begun.message, begun.duration_ms) == (None, None, None, None)
    assert (ended.phase, ended.id, ended.at) == ("ended", reply.command_id, 1_000_250)
    assert (ended.result, ended.code, ended.message) == ("refused", "no_queue", "no q1")
    assert ended.duration_ms == 250
    assert ended.parameters == begun.parameters


async def test_the_audit_tells_that_several_calls_fitted_and_nothing_was_done() -> None:
    rig = Desk(outcome=Outcome(result="done", candidates=(Candidate(agent_channel="a"),) * 2))

    await rig.run()

    ended = rig.audit.records[1]
    assert (ended.result, ended.code) == ("refused", "several_calls")
    assert ended.message == "2 calls fit; nothing was done."


async def test_what_asterisk_says_is_written_down_without_raw_control_characters() -> None:
    rig = Desk(outcome=Outcome(result="refused", code="refused", message="no \x1b[31m\u2028\ud800"))

    await rig.run()

    assert rig.audit.records[1].message == r"no \u001b[31m\u2028\ud800"


def test_what_was_refused_is_written_down_without_values_of_variables() -> None:
    rig = Desk()

    rig.desk.note_refused(
        ANOTHER,
        "originate",
        None,
        {"variables": {"PIN": "4711"}, "timeout": "x"},
        "10.0.0.9",
        BadParameterError("timeout", "it must be a number"),
    )

    (record,) = rig.audit.records
    assert (record.phase, record.result, record.code) == ("ended", "refused", "bad_parameter")
    assert record.parameters == {"variables": ["PIN"], "timeout": "x"}
    assert (record.caller, record.address, record.pbx) == ("crm", "10.0.0.9", None)


async def test_a_defect_is_logged_also_when_nobody_waits_for_it(caplog: pytest.LogCaptureFixture) -> None:
    rig = Desk()

    async def fail(*_: object, **__: object) -> Outcome:
        raise ZeroDivisionError

    rig.bus.ask = fail
    with pytest.raises(ZeroDivisionError):
        await rig.run()
    assert "an action failed" in caplog.text

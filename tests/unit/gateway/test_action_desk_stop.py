"""The action desk of a gateway that stops: nothing new, and an end for all that was sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.gateway import action_desk
from services.gateway.core.principal import OPEN
from services.gateway.errors import BusAwayError
from services.gateway.ports import Settled
from shared.audit import AuditRecord
from shared.commands import Outcome, ReadQueues
from tests.support.action_fakes import FakeOnceStore
from tests.support.waiting import until
from tests.unit.gateway.test_action_desk import NOT_SENT, Desk


class _Stuck(FakeOnceStore):
    """Does not answer what is named; ``asked`` is what was."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        for name in names:
            setattr(self, name, self._never(name))

    def _never(self, name: str) -> Any:
        async def wait(*_: object) -> None:
            self.asked.append(name)
            await asyncio.Future()

        return wait


async def under_way(rig: Desk, key: str | None = "k") -> asyncio.Task[Any]:
    """An action that has been sent and has no answer."""
    rig.bus.let_go.clear()
    task = asyncio.create_task(rig.run(key))
    await until(lambda: rig.bus.asked)
    return task


async def test_what_was_sent_and_has_no_answer_is_unknown_to_all_who_wait_for_it() -> None:
    rig = Desk()
    first = await under_way(rig)
    second = asyncio.create_task(rig.run("k"))
    query = asyncio.create_task(rig.desk.ask("hq", ReadQueues(), OPEN))
    await until(lambda: rig.desk.under_way == 3)

    rig.desk.stop(0)
    await rig.desk.finish(5)

    reply = await first
    assert (reply.outcome.result, reply.outcome.code) == ("unknown", "no_answer")
    assert (await second).command_id == reply.command_id
    assert (await second).outcome.result == "unknown"
    assert (await query).result == "unknown"
    (ended,) = rig.audit.of("ended")
    assert (ended.id, ended.result, ended.code) == (reply.command_id, "unknown", "outcome_unknown")
    assert await Desk(rig.once).run("k") == reply
    assert rig.desk.under_way == 0


async def test_an_answer_that_comes_in_time_is_the_outcome() -> None:
    rig = Desk()
    task = await under_way(rig)

    rig.desk.stop(60)
    rig.bus.let_go.set()

    assert (await task).outcome.result == "done"


async def test_what_comes_after_it_began_is_not_sent_and_written_down() -> None:
    rig = Desk()
    rig.desk.stop(60)

    reply = await rig.run("k")

    assert reply.outcome.result == "not_sent"
    assert rig.bus.asked == []
    (record,) = rig.audit.records
    assert (record.id, record.phase, record.result) == (reply.command_id, "ended", "not_sent")
    assert (await Desk(rig.once).run("k")).outcome.result == "done"


async def test_query_that_comes_when_no_answer_is_waited_for_is_not_sent() -> None:
    rig = Desk()
    await _over(rig)

    assert (await rig.desk.ask("hq", ReadQueues(), OPEN)).result == "not_sent"
    assert rig.bus.asked == []


async def test_action_that_waited_for_a_key_which_was_given_back_is_not_sent() -> None:
    rig = Desk(outcome=NOT_SENT)
    first = await under_way(rig)
    second = asyncio.create_task(rig.run("k"))
    await until(lambda: rig.desk.under_way == 2)

    rig.desk.stop(60)
    rig.bus.let_go.set()

    assert (await first).outcome == NOT_SENT
    assert (await second).outcome.result == "not_sent"
    assert len(rig.bus.asked) == 1
    assert (await Desk(rig.once).run("k")).outcome.result == "done"


async def test_action_that_has_not_been_sent_when_the_stop_begins_is_not() -> None:
    rig = Desk()
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def begin(record: AuditRecord) -> None:
        writing.set()
        await go_on.wait()

    rig.audit.begin = begin
    task = asyncio.create_task(rig.run("k"))
    await writing.wait()
    rig.desk.stop(60)
    go_on.set()

    assert (await task).outcome.result == "not_sent"
    assert rig.bus.asked == []


async def test_action_whose_key_gets_no_answer_is_not_sent_and_its_key_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(action_desk, "_KEEP_WITHIN_S", 60)
    rig = Desk(_Stuck("begin", "release"))
    task = asyncio.create_task(rig.run("k"))
    await until(lambda: _asked(rig) == ["begin"])

    rig.desk.stop(0)
    await until(lambda: _asked(rig) == ["begin", "release"])
    monkeypatch.setattr(action_desk, "_KEEP_WITHIN_S", 0)
    rig.desk.stop(0)  # the time for this is over, too

    with pytest.raises(BusAwayError):
        await task
    assert _asked(rig) == ["begin", "release"]
    assert rig.bus.asked == []
    assert rig.audit.records[0].result == "not_sent"


@pytest.mark.parametrize("outcome", [Outcome(result="done"), NOT_SENT])
async def test_answer_does_not_wait_for_ever_for_a_store_that_does_not_take_the_end(
    outcome: Outcome, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_desk, "_KEEP_WITHIN_S", 0.01)
    rig = Desk(_Stuck("settle", "release"), outcome)
    task = asyncio.create_task(rig.run("k"))
    await until(lambda: _asked(rig))

    rig.desk.stop(0)

    assert (await task).outcome == outcome
    assert "stopped before NATS took the end" in caplog.text


async def test_an_end_that_the_store_takes_slowly_is_kept() -> None:
    rig = Desk()
    task = await under_way(rig)
    settle = rig.once.settle

    async def slowly(key: str, revision: int, fingerprint: str, settled: Settled) -> None:
        await asyncio.sleep(0)
        await settle(key, revision, fingerprint, settled)

    rig.once.settle = slowly
    rig.desk.stop(0)

    reply = await task
    assert await Desk(rig.once).run("k") == reply


def _asked(rig: Desk) -> list[str]:
    assert isinstance(rig.once, _Stuck)
    return rig.once.asked


async def _over(rig: Desk) -> None:
    """It stops, and waits for no answer any more."""
    rig.bus.let_go.clear()
    waiting = asyncio.create_task(rig.desk.ask("hq", ReadQueues(), OPEN))
    await until(lambda: rig.bus.asked)
    rig.desk.stop(0)
    await waiting
    rig.bus.let_go.set()
    rig.bus.asked.clear()

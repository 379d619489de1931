"""Commands over a real NATS: each outcome, and what becomes of them when NATS is killed or frozen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from services.gateway.adapters.command_bus import NatsCommandBus
from services.jetstream.connection import Connection
from shared import commands
from shared.commands import AddMember, Command, Originate, Outcome
from tests.support.action_fakes import DONE, FakeBridge
from tests.support.nats import NatsServer
from tests.support.waiting import until

ADD = AddMember(queue="q1", agent="148", member_name="Žarko")


def server_now() -> int:
    return 1_700_000_000_000


@asynccontextmanager
async def bus_over(connection: Connection) -> AsyncGenerator[NatsCommandBus]:
    bus = NatsCommandBus(connection, server_now)
    try:
        yield bus
    finally:
        await bus.close()


@pytest.fixture
async def bus(gateway_connection: Connection) -> AsyncGenerator[NatsCommandBus]:
    async with bus_over(gateway_connection) as found:
        yield found


async def ask(
    bus: NatsCommandBus,
    *,
    within_s: float = 5,
    command: Command = ADD,
    pbx: str = "hq",
    command_id: str = "pbxis-1",
) -> Outcome:
    return await bus.ask(pbx, command, command_id=command_id, caller="crm", within_s=within_s)


async def test_command_comes_with_its_headers_and_its_outcome_goes_back(
    bus: NatsCommandBus, bridge_connection: Connection
) -> None:
    refused = Outcome(result="refused", code="already_member", message="Unable to add interface")
    async with FakeBridge(refused).serving(bridge_connection) as bridge:
        assert await ask(bus) == refused

    (message,) = bridge.messages
    assert message.subject == "pbxis.v1.cmd.hq.queue-add"
    assert commands.decode("queue-add", message.data) == ADD
    assert message.headers == {
        "Pbxis-Cmd-Id": "pbxis-1",
        "Pbxis-Deadline": "1700000005000",
        "Pbxis-Caller": "crm",
    }


async def test_many_at_once_get_each_its_own_answer(
    bus: NatsCommandBus, bridge_connection: Connection
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection), FakeBridge().serving(bridge_connection, "branch"):
        held = [asyncio.create_task(ask(bus, command_id=f"pbxis-{n}")) for n in range(50)]
        await until(lambda: len(bridge.messages) == 50)
        quick = [ask(bus, pbx="branch", command_id=f"pbxis-b{n}") for n in range(50)]

        assert await asyncio.gather(*quick) == [DONE] * 50
        assert not any(task.done() for task in held)
        bridge.let_go.set()
        assert await asyncio.gather(*held) == [DONE] * 50


async def test_no_bridge_is_said_at_once(bus: NatsCommandBus) -> None:
    outcome = await asyncio.wait_for(ask(bus, within_s=60), 15)

    assert (outcome.result, outcome.code) == ("not_sent", "no_bridge")
    assert "hq" in outcome.message


async def test_bridge_that_does_not_answer_in_time_leaves_the_outcome_unknown(
    bus: NatsCommandBus, bridge_connection: Connection
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        outcome = await ask(bus, within_s=0.05)

        assert (outcome.result, outcome.code) == ("unknown", "no_answer")
        bridge.let_go.set()
        assert await ask(bus) == DONE  # a late answer belongs to nobody


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"result":"perhaps"}', b"\xff"])
async def test_answer_that_is_no_outcome_leaves_it_unknown_and_is_logged(
    bus: NatsCommandBus, bridge_connection: Connection, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeBridge(answer).serving(bridge_connection):
        outcome = await ask(bus)

    assert (outcome.result, outcome.code) == ("unknown", "no_answer")
    assert "no outcome" in caplog.text


async def test_command_larger_than_nats_takes_is_not_sent(
    bus: NatsCommandBus, bridge_connection: Connection
) -> None:
    huge = Originate(action_id="pbxis-1", agent="148", destination="149", variables={"X": "x" * 9_000_000})
    async with FakeBridge().serving(bridge_connection) as bridge:
        outcome = await ask(bus, command=huge)

    assert outcome.result == "not_sent"
    assert bridge.messages == []


async def test_without_natss_clock_nothing_is_sent(
    gateway_connection: Connection, bridge_connection: Connection
) -> None:
    bus = NatsCommandBus(gateway_connection, lambda: None)
    async with FakeBridge().serving(bridge_connection) as bridge:
        outcome = await ask(bus)

    assert (outcome.result, outcome.code) == ("not_sent", "bus_away")
    assert bridge.messages == []
    await bus.close()


async def test_killed_nats_leaves_what_was_sent_unknown_and_sends_nothing_more(
    bus: NatsCommandBus,
    nats_server: NatsServer,
    bridge_connection: Connection,
    gateway_connection: Connection,
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        waiting = asyncio.create_task(ask(bus, within_s=30))
        await until(lambda: bridge.messages)
        nats_server.kill()
        outcome = await asyncio.wait_for(waiting, 15)
        assert (outcome.result, outcome.code) == ("unknown", "no_answer")

        away = [await asyncio.wait_for(ask(bus, within_s=60), 15) for _ in range(20)]
        assert {(one.result, one.code) for one in away} == {("not_sent", "bus_away")}

        await asyncio.to_thread(nats_server.start)
        await until(lambda: gateway_connection.connected and bridge_connection.connected)
        bridge.let_go.set()
        assert await ask(bus, command_id="pbxis-2") == DONE
    ids = [(message.headers or {})["Pbxis-Cmd-Id"] for message in bridge.messages]
    assert ids == ["pbxis-1", "pbxis-2"]


async def test_what_nats_had_not_taken_when_it_was_lost_is_never_sent_later(
    bus: NatsCommandBus,
    nats_server: NatsServer,
    bridge_connection: Connection,
    gateway_connection: Connection,
) -> None:
    """A hung server fills the socket; what is behind that lies in nats-py until it gives up."""
    client = gateway_connection.client
    filling = Originate(action_id="", agent="148", destination="149", variables={"X": "x" * 500_000})
    tasks: list[asyncio.Task[Outcome]] = []
    async with FakeBridge().serving(bridge_connection) as bridge:
        assert await ask(bus, command_id="first") == DONE
        nats_server.freeze()
        while client.pending_data_size < 1_000_000 and len(tasks) < 200:
            tasks.append(asyncio.create_task(ask(bus, command=filling, within_s=60)))
            for _ in range(3):  # nats-py hands it to the socket meanwhile, as long as that takes it
                await asyncio.sleep(0)
        assert client.pending_data_size >= 1_000_000
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks), 15)

        assert {one.result for one in outcomes} <= {"unknown", "not_sent"}
        assert client.pending_data_size < 100_000
        nats_server.kill()
        await asyncio.to_thread(nats_server.start)
        await until(lambda: gateway_connection.connected and bridge_connection.connected)
        await until(lambda: bridge.messages)
        bridge.messages.clear()
        assert await ask(bus, command_id="last") == DONE
    ids = [(message.headers or {})["Pbxis-Cmd-Id"] for message in bridge.messages]
    assert ids == ["last"]


async def test_frozen_nats_is_noticed_before_the_time_is_over(
    bus: NatsCommandBus, nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with FakeBridge().serving(bridge_connection):
        assert await ask(bus) == DONE
        nats_server.freeze()
        try:
            outcome = await asyncio.wait_for(ask(bus, within_s=60), 15)
        finally:
            nats_server.thaw()

    assert (outcome.result, outcome.code) == ("unknown", "no_answer")


async def test_client_that_goes_away_leaves_nothing_waiting(
    bus: NatsCommandBus, bridge_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    with caplog.at_level(logging.WARNING):
        async with bridge.serving(bridge_connection):
            task = asyncio.create_task(ask(bus))
            await until(lambda: bridge.messages)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            bridge.let_go.set()
            assert await ask(bus) == DONE
    assert caplog.text == ""

"""One idempotency key, two gateways on a real NATS: the bridge gets one request."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from services.gateway.action_desk import ActionDesk, Order, Reply
from services.gateway.adapters.audit_stream import AuditStream
from services.gateway.adapters.clock import SystemClock
from services.gateway.adapters.command_bus import NatsCommandBus
from services.gateway.adapters.once_store import NatsOnceStore
from services.gateway.core.principal import OPEN
from services.gateway.errors import BusAwayError, KeyReusedError
from services.jetstream.connection import Connection
from services.jetstream.log import ensure_log
from services.jetstream.server_clock import ServerClock
from shared.commands import AddMember, Command, Hangup, Outcome
from tests.support.action_fakes import DONE, FakeBridge
from tests.support.nats import NatsServer, connected
from tests.support.waiting import until

ADD = AddMember(queue="q1", agent="148")
TIMEOUT_S = 1.5


@dataclass
class Site:
    """The action side of one gateway."""

    connection: Connection
    desk: ActionDesk
    once: NatsOnceStore
    tasks: list[asyncio.Task[None]]

    async def run(self, key: str | None = "k", command: Command = ADD) -> Reply:
        order = Order(pbx="hq", command=command, principal=OPEN, address=None, idempotency_key=key)
        return await self.desk.run(order)


@asynccontextmanager
async def gateway(server: NatsServer) -> AsyncGenerator[Site]:
    async with connected(server, "gateway") as connection:
        clock = ServerClock(connection)
        once = NatsOnceStore(connection, replicas=1)
        audit = AuditStream(connection, max_age_s=3600, replicas=1)
        desk = ActionDesk(
            NatsCommandBus(connection, clock.now_ms),
            once,
            audit,
            SystemClock(),
            server_now=clock.now_ms,
            timeout_s=TIMEOUT_S,
            random=secrets.token_bytes,
        )
        tasks = [asyncio.create_task(one.run()) for one in (clock, once, audit)]
        try:
            await until(lambda: not once.not_ready and not audit.not_ready and clock.now_ms() is not None)
            yield Site(connection, desk, once, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def sites(nats_server: NatsServer, bridge_connection: Connection) -> AsyncGenerator[tuple[Site, Site]]:
    await ensure_log(bridge_connection, nats_server.section())
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(gateway(nats_server)),
            await stack.enter_async_context(gateway(nats_server)),
        )


async def test_of_many_with_one_key_at_two_gateways_one_is_sent_and_all_get_its_answer(
    sites: tuple[Site, Site], bridge_connection: Connection
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        tasks = [asyncio.create_task(site.run()) for site in sites * 10]
        await until(lambda: bridge.messages)
        bridge.let_go.set()
        replies = await asyncio.gather(*tasks)

    assert len(bridge.messages) == 1
    assert len(set(replies)) == 1
    assert replies[0].outcome == DONE


async def test_what_was_not_sent_may_be_tried_again_with_its_key(
    sites: tuple[Site, Site], bridge_connection: Connection
) -> None:
    for site in sites:
        assert (await site.run()).outcome.code == "no_bridge"

    async with FakeBridge().serving(bridge_connection) as bridge:
        assert (await sites[0].run()).outcome == DONE
    assert len(bridge.messages) == 1


async def test_another_request_with_the_key_is_refused_by_the_other_gateway(
    sites: tuple[Site, Site], bridge_connection: Connection
) -> None:
    async with FakeBridge().serving(bridge_connection) as bridge:
        await sites[0].run()
        with pytest.raises(KeyReusedError):
            await sites[1].run(command=Hangup(agent_or_channel="148"))
    assert len(bridge.messages) == 1


async def test_a_gateway_that_dies_in_between_leaves_the_outcome_unknown_and_nobody_sends_again(
    sites: tuple[Site, Site], bridge_connection: Connection
) -> None:
    dying, other = sites
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        asyncio.create_task(dying.run()).add_done_callback(lambda task: task.cancelled() or task.exception())
        await until(lambda: bridge.messages)
        for task in [*dying.tasks, *_actions_under_way()]:
            task.cancel()
        replies = await asyncio.wait_for(asyncio.gather(other.run(), other.run()), 10)

    assert {reply.outcome.result for reply in replies} == {"unknown"}
    assert len(bridge.messages) == 1


def _actions_under_way() -> list[asyncio.Task[object]]:
    """What only the end of its process ends."""
    return [task for task in asyncio.all_tasks() if "ActionDesk._run" in repr(task.get_coro())]


async def test_unanswered_request_is_unknown_for_all_with_its_key_and_sent_once(
    sites: tuple[Site, Site], bridge_connection: Connection
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        replies = await asyncio.gather(*(site.run() for site in sites))
        again = await sites[1].run()

    assert {reply.outcome.result for reply in [*replies, again]} == {"unknown"}
    assert len(bridge.messages) == 1


async def test_nats_killed_on_the_way_leaves_no_key_without_its_end(
    sites: tuple[Site, Site], bridge_connection: Connection, nats_server: NatsServer
) -> None:
    bridge = FakeBridge()
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        first = asyncio.create_task(sites[0].run())
        await until(lambda: bridge.messages)
        nats_server.kill()
        assert (await asyncio.wait_for(first, 5)).outcome.result == "unknown"
        with pytest.raises(BusAwayError):
            await sites[0].run("another")
        assert (await sites[0].run(None)).outcome.code == "bus_away"

        await asyncio.to_thread(nats_server.start)
        await until(lambda: sites[0].once.later == 0)
        async with asyncio.timeout(10):
            reply = await _when_back(sites[1])
        assert reply.outcome.result == "unknown"
        assert reply.command_id == (await first).command_id
    assert len(bridge.messages) == 1


async def test_two_at_one_gateway_while_nats_is_frozen_leave_the_key_free(
    sites: tuple[Site, Site], bridge_connection: Connection, nats_server: NatsServer
) -> None:
    site = sites[0]
    nats_server.freeze()
    told = await asyncio.gather(site.run(), site.run(), return_exceptions=True)
    assert [type(one) for one in told] == [BusAwayError, BusAwayError]
    assert site.once.later == 2

    nats_server.thaw()
    await until(lambda: not site.once.later and site.connection.connected and bridge_connection.connected)
    async with FakeBridge().serving(bridge_connection) as bridge, asyncio.timeout(10):
        assert (await _when_back(site)).outcome == DONE
    assert len(bridge.messages) == 1


async def _when_back(site: Site) -> Reply:
    while True:
        try:
            return await site.run()
        except BusAwayError:
            await asyncio.sleep(0.05)


async def test_outcome_is_the_same_for_the_one_who_waited_at_the_other_gateway(
    sites: tuple[Site, Site], bridge_connection: Connection
) -> None:
    refused = Outcome(result="refused", code="already_member", message="Unable to add interface")
    bridge = FakeBridge(refused)
    bridge.let_go.clear()
    async with bridge.serving(bridge_connection):
        first = asyncio.create_task(sites[0].run())
        await until(lambda: bridge.messages)
        second = asyncio.create_task(sites[1].run())
        await until(lambda: sites[1].desk.under_way)
        bridge.let_go.set()

        assert (await second).outcome == refused
        assert await second == await first

"""What every store of idempotency keys does: the fake, and the bucket of a real NATS server."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

import pytest
from nats.js.errors import APIError

from services.gateway.adapters.once_store import KEPT_S, LATER_LIMIT, NatsOnceStore
from services.gateway.errors import BusAwayError, KeyReusedError
from services.gateway.ports import OnceStore, Running, Settled
from services.jetstream.connection import Connection, connect
from shared.commands import Candidate, Outcome
from shared.config import NatsSection
from tests.support.action_fakes import DONE, FakeOnceStore
from tests.support.nats import NatsServer, admin, connected
from tests.support.nats_proxy import NatsProxy, nats_proxy
from tests.support.waiting import until

KEY = "a" * 64
OTHER = "b" * 64
PRINT = "c" * 64
SETTLED = Settled("pbxis-1", DONE)


def started_server(folder: str) -> NatsServer:
    server = NatsServer(Path(folder))
    server.start()
    return server


@pytest.fixture
async def server() -> AsyncGenerator[NatsServer]:
    with tempfile.TemporaryDirectory(prefix="pbxis-test-nats-") as folder:
        found = await asyncio.to_thread(started_server, folder)
        try:
            yield found
        finally:
            found.kill()


@pytest.fixture
async def connection(server: NatsServer) -> AsyncGenerator[Connection]:
    async with connected(server, "gateway") as found:
        yield found


@contextlib.asynccontextmanager
async def running(connection: Connection) -> AsyncGenerator[NatsOnceStore]:
    store = NatsOnceStore(connection, replicas=1)
    task = asyncio.create_task(store.run())
    try:
        await until(lambda: not store.not_ready)
        yield store
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def real(connection: Connection) -> AsyncGenerator[NatsOnceStore]:
    async with running(connection) as store:
        yield store


@pytest.fixture(params=["fake", "real"])
def store(request: pytest.FixtureRequest) -> OnceStore:
    if request.param == "fake":
        return FakeOnceStore()
    return request.getfixturevalue("real")


class Outage(Protocol):
    """A store, and what can happen to NATS behind it."""

    store: FakeOnceStore | NatsOnceStore

    def freeze(self) -> None:
        """It takes what is sent from now on, and does not answer."""
        ...

    def lose(self) -> None:
        """It goes away with what it took."""
        ...

    async def back(self, *, late: bool = False) -> None:
        """It is there again, and what waited is written.

        What it took is acted on before, or after if ``late``.
        """
        ...


class FakeOutage:
    """Of the fake."""

    def __init__(self) -> None:
        self.store: FakeOnceStore | NatsOnceStore = FakeOnceStore()
        self.freeze, self.lose = self.store.freeze, self.store.lose
        self._back = self.store.back

    async def back(self, *, late: bool = False) -> None:
        self._back(late=late)


class RealOutage:
    """Of a real store, whose connection goes through a proxy."""

    def __init__(self, store: NatsOnceStore, connection: Connection, proxy: NatsProxy) -> None:
        self.store: FakeOnceStore | NatsOnceStore = store
        self._connection = connection
        self._proxy = proxy

    def freeze(self) -> None:
        self._proxy.hold()

    def lose(self) -> None:
        self._proxy.lose()

    async def back(self, *, late: bool = False) -> None:
        if not late:
            await self._proxy.deliver()
        await until(lambda: self._connection.connected and not self.store.later)
        if late:
            await self._proxy.deliver()


@contextlib.asynccontextmanager
async def real_outage(server: NatsServer) -> AsyncGenerator[Outage]:
    async with nats_proxy(server.port) as proxy:
        section = NatsSection(url=proxy.url, username="gateway", password="gateway")
        connection = await connect(section, "gateway", within_s=10)
        try:
            async with running(connection) as store:
                yield RealOutage(store, connection, proxy)
        finally:
            await connection.close()


@pytest.fixture(params=["fake", "real"])
async def outage(request: pytest.FixtureRequest) -> AsyncGenerator[Outage]:
    if request.param == "fake":
        yield FakeOutage()
        return
    with tempfile.TemporaryDirectory(prefix="pbxis-test-nats-") as folder:
        server = await asyncio.to_thread(started_server, folder)
        try:
            async with real_outage(server) as found:
                yield found
        finally:
            server.kill()


async def begun_in_vain(store: OnceStore, command_id: str) -> None:
    with pytest.raises(BusAwayError):
        await begun(store, command_id=command_id)


async def begun(store: OnceStore, key: str = KEY, command_id: str = "pbxis-1") -> int:
    revision = await store.begin(key, PRINT, command_id, 5000)
    assert isinstance(revision, int)
    return revision


async def test_key_is_taken_once_and_then_says_that_it_runs(store: OnceStore) -> None:
    await begun(store)

    assert await store.begin(KEY, PRINT, "pbxis-2", 9000) == Running("pbxis-1", 5000)
    assert await store.look(KEY) == Running("pbxis-1", 5000)
    assert await store.look(OTHER) is None


async def test_of_many_that_begin_at_once_one_may(store: OnceStore) -> None:
    found = await asyncio.gather(*(store.begin(KEY, PRINT, f"pbxis-{n}", 5000) for n in range(10)))

    assert sum(isinstance(one, int) for one in found) == 1
    assert len({one for one in found if isinstance(one, Running)}) == 1


async def test_the_end_is_kept_whole(store: OnceStore) -> None:
    candidate = Candidate(agent_channel="PJSIP/148-1", bridged_channel="PJSIP/149-2", caller_id="555")
    outcome = Outcome(result="refused", code="refused", message="Žarko \u2028", candidates=(candidate,))
    await store.settle(KEY, await begun(store), PRINT, Settled("pbxis-1", outcome))

    assert await store.begin(KEY, PRINT, "pbxis-2", 9000) == Settled("pbxis-1", outcome)
    assert await store.look(KEY) == Settled("pbxis-1", outcome)


async def test_key_of_another_request_is_refused_while_it_runs_and_after(store: OnceStore) -> None:
    revision = await begun(store)
    with pytest.raises(KeyReusedError):
        await store.begin(KEY, "d" * 64, "pbxis-2", 9000)

    await store.settle(KEY, revision, PRINT, SETTLED)
    with pytest.raises(KeyReusedError):
        await store.begin(KEY, "d" * 64, "pbxis-2", 9000)


async def test_released_key_may_be_taken_again_also_for_another_request(store: OnceStore) -> None:
    for number in range(3):
        await begun(store, command_id=f"pbxis-{number}")
        await store.release(KEY, f"pbxis-{number}")
        assert await store.look(KEY) is None

    assert isinstance(await store.begin(KEY, "d" * 64, "pbxis-9", 9000), int)


async def test_an_attempt_releases_only_what_is_its_own_and_has_no_end(store: OnceStore) -> None:
    revision = await begun(store)
    await store.release(KEY, "pbxis-2")
    assert await store.look(KEY) == Running("pbxis-1", 5000)

    await store.settle(KEY, revision, PRINT, SETTLED)
    await store.release(KEY, "pbxis-1")
    assert await store.look(KEY) == SETTLED


async def test_an_end_comes_only_to_the_attempt_that_began(store: OnceStore) -> None:
    revision = await begun(store)
    await store.release(KEY, "pbxis-1")
    await begun(store, command_id="pbxis-2")

    await store.settle(KEY, revision, PRINT, SETTLED)

    assert await store.look(KEY) == Running("pbxis-2", 5000)


async def test_key_for_which_several_asked_in_vain_is_free_when_nats_is_back(outage: Outage) -> None:
    outage.freeze()
    await asyncio.gather(*(begun_in_vain(outage.store, f"pbxis-{n}") for n in range(3)))
    assert outage.store.later == 3

    await outage.back()

    await begun(outage.store, command_id="pbxis-9")


async def test_an_end_that_waits_is_written_also_when_another_asks_in_vain(outage: Outage) -> None:
    store = outage.store
    revision = await begun(store)
    outage.freeze()
    ended = asyncio.create_task(store.settle(KEY, revision, PRINT, SETTLED))
    again = asyncio.create_task(begun_in_vain(store, "pbxis-2"))
    await asyncio.sleep(0)  # both are sent
    outage.lose()
    await asyncio.gather(ended, again)
    assert store.later == 2

    await outage.back()

    assert await store.look(KEY) == SETTLED


async def test_question_that_arrives_after_the_key_was_given_back_does_not_take_it(outage: Outage) -> None:
    outage.freeze()
    await begun_in_vain(outage.store, "pbxis-1")

    await outage.back(late=True)

    await begun(outage.store, command_id="pbxis-2")


async def test_nor_does_it_once_the_key_was_taken_and_given_back_by_another(outage: Outage) -> None:
    store = outage.store
    await begun(store, command_id="pbxis-1")
    await store.release(KEY, "pbxis-1")
    outage.freeze()
    await begun_in_vain(store, "pbxis-2")

    await outage.back(late=True)

    await begun(store, command_id="pbxis-3")


async def test_giving_back_bars_also_a_question_that_knew_the_key_was_given_back_before(
    real: NatsOnceStore, server: NatsServer
) -> None:
    await begun(real, command_id="pbxis-1")
    await real.release(KEY, "pbxis-1")
    async with admin(server) as client:
        subject = f"$KV.PBXIS_ACTIONS.{KEY}"
        known = (await client.jetstream().get_last_msg("KV_PBXIS_ACTIONS", subject)).seq

        await real.release(KEY, "pbxis-2")

        with pytest.raises(APIError, match="wrong last sequence"):
            await client.jetstream().publish(
                subject, b"{}", headers={"Nats-Expected-Last-Subject-Sequence": str(known)}
            )


async def test_gateways_share_their_keys(real: NatsOnceStore, server: NatsServer) -> None:
    async with connected(server, "gateway") as connection, running(connection) as other:
        revision = await begun(real)
        assert await other.begin(KEY, PRINT, "pbxis-2", 9000) == Running("pbxis-1", 5000)

        await real.settle(KEY, revision, PRINT, SETTLED)
        assert await other.begin(KEY, PRINT, "pbxis-2", 9000) == SETTLED


async def test_key_that_runs_and_one_that_ended_survive_a_crash_of_the_server(
    real: NatsOnceStore, server: NatsServer, connection: Connection
) -> None:
    await begun(real)
    await real.settle(OTHER, await begun(real, OTHER), PRINT, SETTLED)
    server.kill()
    await until(lambda: not connection.connected)
    await asyncio.to_thread(server.start)
    await until(lambda: connection.connected)

    assert await real.look(KEY) == Running("pbxis-1", 5000)
    assert await real.look(OTHER) == SETTLED


async def test_store_that_is_away_is_said_to_be_at_once(real: NatsOnceStore, server: NatsServer) -> None:
    server.kill()

    with pytest.raises(BusAwayError):
        await real.look(KEY)
    with pytest.raises(BusAwayError):
        await begun(real)


async def test_ends_that_came_while_the_store_was_away_are_written_when_it_is_back(
    real: NatsOnceStore, server: NatsServer, connection: Connection
) -> None:
    revision = await begun(real)
    await begun(real, OTHER)
    server.kill()
    await until(lambda: not connection.connected)
    await real.settle(KEY, revision, PRINT, SETTLED)
    await real.release(OTHER, "pbxis-1")
    assert real.later == 2

    await asyncio.to_thread(server.start)
    await until(lambda: real.later == 0)

    assert await real.look(KEY) == SETTLED
    assert await real.look(OTHER) is None


async def test_key_that_was_taken_though_no_answer_came_is_given_back(
    real: NatsOnceStore, server: NatsServer, connection: Connection
) -> None:
    server.freeze()  # it takes the bytes, and acts on them when it goes on
    with pytest.raises(BusAwayError):
        await begun(real)
    assert real.later == 1

    server.thaw()
    await until(lambda: real.later == 0)
    await until(lambda: connection.connected)

    assert await real.look(KEY) is None


async def test_what_waits_for_the_store_is_bounded(
    real: NatsOnceStore, server: NatsServer, connection: Connection
) -> None:
    server.kill()
    await until(lambda: not connection.connected)
    for number in range(LATER_LIMIT + 10):
        await real.release(f"{number}", "pbxis-1")

    assert real.later == LATER_LIMIT


async def test_bucket_is_made_anew_when_the_server_has_lost_it(
    real: NatsOnceStore, server: NatsServer
) -> None:
    server.kill()
    server.wipe()
    await asyncio.to_thread(server.start)

    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(BusAwayError):
                await begun(real)
                break
            await asyncio.sleep(0.02)
    assert await real.look(KEY) == Running("pbxis-1", 5000)


@pytest.mark.usefixtures("real")
async def test_bucket_keeps_files_for_a_day(server: NatsServer) -> None:
    async with admin(server) as client:
        config = (await client.jetstream().stream_info("KV_PBXIS_ACTIONS")).config

        assert config.max_age == KEPT_S
        assert config.storage == "file"
        assert config.max_msgs_per_subject == 1

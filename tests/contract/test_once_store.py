"""What every store of idempotency keys does: the fake, and the bucket of a real NATS server."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.gateway.adapters.once_store import KEPT_S, LATER_LIMIT, NatsOnceStore
from services.gateway.errors import BusAwayError, KeyReusedError
from services.gateway.ports import OnceStore, Running, Settled
from services.jetstream.connection import Connection
from shared.commands import Candidate, Outcome
from tests.support.action_fakes import DONE, FakeOnceStore
from tests.support.nats import NatsServer, admin, connected
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

"""What every ticket store does: the fake that the unit tests use, and the buckets of a real NATS server."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.gateway.adapters.ticket_store import NatsTicketStore
from services.gateway.core.position import MalformedPositionError, parse_position
from services.gateway.core.tickets import Ticket, key_of
from services.gateway.errors import BusAwayError
from services.gateway.ports import StoredTicket, TicketStore
from services.jetstream.connection import Connection
from tests.support.gateway_fakes import FakeTicketStore
from tests.support.nats import NatsServer, admin, connected
from tests.support.waiting import until

KEY = key_of("one")
OTHER = key_of("other")
TICKET = Ticket(agents=("148@hq", "Žarko"), queues=("*",), callers=True, pbx=("hq",), created=5, key="k1")


class Watch:
    """A running watch and what it told."""

    def __init__(self, store: TicketStore) -> None:
        self.revoked: list[str] = []
        self.began = 0
        self._task = asyncio.create_task(store.watch(self.revoked.append, self._watching))

    def _watching(self) -> None:
        self.began += 1

    async def __aenter__(self) -> Watch:
        await until(lambda: self.began)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


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


@pytest.fixture
async def real(connection: Connection) -> AsyncGenerator[NatsTicketStore]:
    store = NatsTicketStore(connection, ttl_s=100, replicas=1)
    async with Watch(store):  # which makes the buckets
        yield store


@pytest.fixture(params=["fake", "real"])
def store(request: pytest.FixtureRequest) -> TicketStore:
    if request.param == "fake":
        return FakeTicketStore()
    return request.getfixturevalue("real")


async def test_created_ticket_is_read_as_it_was(store: TicketStore) -> None:
    await store.create(KEY, TICKET, 7)

    assert await store.read(KEY) == StoredTicket(TICKET, 7)
    assert await store.read(OTHER) is None


async def test_touch_notes_the_time_and_leaves_the_ticket_alone(store: TicketStore) -> None:
    await store.create(KEY, TICKET, 7)

    assert await store.touch(KEY, 9)
    assert await store.read(KEY) == StoredTicket(TICKET, 9)


async def test_touch_brings_no_ticket_back(store: TicketStore) -> None:
    assert not await store.touch(KEY, 9)
    await store.create(KEY, TICKET, 7)
    await store.revoke(KEY)

    assert not await store.touch(KEY, 9)
    assert await store.read(KEY) is None


async def test_touches_at_the_same_time_all_find_the_ticket_alive(store: TicketStore) -> None:
    await store.create(KEY, TICKET, 7)

    assert all(await asyncio.gather(*(store.touch(KEY, 8 + number) for number in range(5))))


async def test_revoked_ticket_is_gone_with_its_cursor(store: TicketStore) -> None:
    await store.create(KEY, TICKET, 7)
    await store.move_cursor(KEY, "g-1", None)
    cursor = await store.read_cursor(KEY)

    assert await store.revoke(KEY)
    assert await store.read(KEY) is None
    assert await store.read_cursor(KEY) is None
    assert not await store.move_cursor(KEY, "g-2", cursor)
    assert not await store.move_cursor(KEY, "g-2", None)
    assert not await store.revoke(KEY)


async def test_revocation_is_told_to_who_watches(store: TicketStore) -> None:
    await store.create(KEY, TICKET, 7)
    await store.create(OTHER, TICKET, 7)
    async with Watch(store) as watch:
        await store.touch(OTHER, 8)
        await store.revoke(KEY)
        await until(lambda: watch.revoked)

    assert watch.revoked == [KEY]


async def test_cursor_moves_only_from_where_it_is(store: TicketStore) -> None:
    assert await store.read_cursor(KEY) is None
    assert await store.move_cursor(KEY, "g-1", None)
    assert not await store.move_cursor(KEY, "g-2", None)
    cursor = await store.read_cursor(KEY)
    assert cursor is not None
    assert cursor.position == "g-1"

    assert await store.move_cursor(KEY, "g-2", cursor)
    assert not await store.move_cursor(KEY, "g-3", cursor)


async def test_touch_does_not_hinder_the_cursor_from_moving(store: TicketStore) -> None:
    await store.create(KEY, TICKET, 7)
    await store.move_cursor(KEY, "g-1", None)
    cursor = await store.read_cursor(KEY)
    await store.touch(KEY, 8)

    assert await store.move_cursor(KEY, "g-2", cursor)


async def test_of_many_that_move_a_cursor_at_once_one_does(store: TicketStore) -> None:
    moved = await asyncio.gather(*(store.move_cursor(KEY, f"g-{number}", None) for number in range(5)))

    assert sum(moved) == 1


async def test_touches_keep_the_cursor_of_a_ticket_as_long_as_the_ticket(connection: Connection) -> None:
    store = NatsTicketStore(connection, ttl_s=2, replicas=1)
    async with Watch(store), asyncio.timeout(30):
        await store.create(KEY, TICKET, 7)
        for key in (KEY, OTHER):
            await store.move_cursor(key, "g-1", None)
        while await store.read_cursor(OTHER) is not None:
            assert await store.touch(KEY, 8)
        kept = await store.read_cursor(KEY)

    assert kept is not None
    assert kept.position == "g-1"


async def test_cursor_that_was_lost_is_made_anew(real: NatsTicketStore, server: NatsServer) -> None:
    await real.move_cursor(KEY, "g-1", None)
    cursor = await real.read_cursor(KEY)
    async with admin(server) as client:
        await client.jetstream().purge_stream("KV_PBXIS_CURSORS")

    assert await real.move_cursor(KEY, "g-2", cursor)
    assert not await real.move_cursor(KEY, "g-3", cursor)


@pytest.mark.parametrize(
    "spoilt", [b"", b"\xff", b"{}", b'{"ticket":{"created":"x"},"touched_ms":1}', b"[1]"]
)
async def test_ticket_that_cannot_be_read_is_as_none_and_said_in_the_log(
    real: NatsTicketStore, server: NatsServer, caplog: pytest.LogCaptureFixture, spoilt: bytes
) -> None:
    async with admin(server) as client:
        await client.jetstream().publish(f"$KV.PBXIS_TICKETS.{KEY}", spoilt)

    assert await real.read(KEY) is None
    assert not await real.touch(KEY, 8)
    assert "cannot be read and counts as none" in caplog.text
    assert KEY not in caplog.text


async def test_cursor_that_cannot_be_read_is_no_position_and_may_move(
    real: NatsTicketStore, server: NatsServer
) -> None:
    async with admin(server) as client:
        await client.jetstream().publish(f"$KV.PBXIS_CURSORS.{KEY}", b"\xff-1")
    cursor = await real.read_cursor(KEY)
    assert cursor is not None

    with pytest.raises(MalformedPositionError):
        parse_position(cursor.position)
    assert await real.move_cursor(KEY, "g-1", cursor)


async def test_ticket_is_good_on_another_gateway_at_once(real: NatsTicketStore, server: NatsServer) -> None:
    async with connected(server, "gateway") as connection:
        other = NatsTicketStore(connection, ttl_s=100, replicas=1)
        await real.create(KEY, TICKET, 7)

        assert await other.read(KEY) == StoredTicket(TICKET, 7)


async def test_ticket_survives_a_crash_of_the_server(
    real: NatsTicketStore, server: NatsServer, connection: Connection
) -> None:
    await real.create(KEY, TICKET, 7)
    server.kill()
    await until(lambda: not connection.connected)
    await asyncio.to_thread(server.start)

    await until(lambda: connection.connected)

    assert await real.read(KEY) == StoredTicket(TICKET, 7)


async def test_server_that_is_away_is_said_to_be(real: NatsTicketStore, server: NatsServer) -> None:
    server.kill()

    with pytest.raises(BusAwayError):
        await real.read(KEY)
    with pytest.raises(BusAwayError):
        await real.create(KEY, TICKET, 7)


async def test_watch_begins_anew_after_the_server_was_away(real: NatsTicketStore, server: NatsServer) -> None:
    async with Watch(real) as watch:
        server.kill()
        server.wipe()
        await asyncio.to_thread(server.start)
        await until(lambda: watch.began == 2)
        await real.create(KEY, TICKET, 7)
        await real.revoke(KEY)
        await until(lambda: watch.revoked)

    assert watch.revoked == [KEY]


async def test_buckets_keep_files_and_forget_after_the_time_to_live(
    connection: Connection, server: NatsServer
) -> None:
    for ttl_s in (100, 200):
        async with Watch(NatsTicketStore(connection, ttl_s=ttl_s, replicas=1)), admin(server) as client:
            for name in ("KV_PBXIS_TICKETS", "KV_PBXIS_CURSORS"):
                config = (await client.jetstream().stream_info(name)).config

                assert config.max_age == ttl_s
                assert config.storage == "file"
                assert not config.allow_direct

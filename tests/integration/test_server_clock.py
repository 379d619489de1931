"""NATS's time, from a real server, with the permissions of each service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

import pytest

from services.jetstream.connection import Connection, Role
from services.jetstream.log import ensure_log
from services.jetstream.server_clock import ServerClock
from tests.support.nats import NatsServer, connected
from tests.support.waiting import until


@contextlib.asynccontextmanager
async def running(connection: Connection, wall_ahead_ms: float = 0) -> AsyncGenerator[ServerClock]:
    clock = ServerClock(connection, wall_ms=lambda: time.time_ns() / 1e6 + wall_ahead_ms)
    work = asyncio.create_task(clock.run())
    try:
        yield clock
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


@pytest.mark.parametrize("role", ["bridge", "gateway"])
async def test_each_service_may_read_the_time_and_it_is_right(nats_server: NatsServer, role: Role) -> None:
    async with connected(nats_server, "bridge") as bridge, connected(nats_server, role) as connection:
        await ensure_log(bridge, nats_server.section())
        async with running(connection) as clock:
            await until(lambda: clock.offset_ms is not None, what="the time is known")

            # The server is on this machine; half of the slowest round trip that counts is allowed.
            assert abs(clock.offset_ms or 0) <= 500
            assert abs((clock.now_ms() or 0) - time.time_ns() / 1e6) <= 500


async def test_a_machine_whose_clock_is_wrong_still_knows_the_time(
    nats_server: NatsServer, bridge_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    async with running(bridge_connection, wall_ahead_ms=90_000) as clock:
        await until(lambda: clock.offset_ms is not None, what="the time is known")

        assert abs((clock.offset_ms or 0) + 90_000) <= 500
        assert abs((clock.now_ms() or 0) - time.time_ns() / 1e6) <= 500
    assert "ahead of NATS's" in caplog.text


async def test_before_there_is_a_log_the_time_is_not_known_and_then_it_is(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with running(gateway_connection) as clock:
        await bridge_connection.client.flush()
        assert clock.now_ms() is None

        await ensure_log(bridge_connection, nats_server.section())

        await until(lambda: clock.now_ms(), what="the time is known")


async def test_while_nats_is_away_the_time_is_not_known(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    async with running(bridge_connection) as clock:
        await until(lambda: clock.now_ms(), what="the time is known")

        nats_server.kill()
        await until(lambda: clock.now_ms() is None, what="it is not known any more")
        nats_server.start()

        await until(lambda: clock.now_ms(), what="it is known again")

"""The connection to NATS over a long time of trouble."""

from __future__ import annotations

import asyncio
import os

import pytest
from nats.errors import FlushTimeoutError

from services.jetstream.connection import Connection, connect
from tests.support.nats import NatsServer, connected
from tests.support.waiting import until


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


async def test_attempts_to_come_back_to_a_server_that_hangs_leave_no_sockets_open(
    nats_server: NatsServer, gateway_connection: Connection
) -> None:
    def attempts() -> int:
        return sum(server.reconnects for server in gateway_connection.client.server_pool)

    nats_server.freeze()
    await until(lambda: not gateway_connection.connected and attempts() >= 1, 20)
    before = open_files()
    await until(lambda: attempts() >= 3, 20)

    assert open_files() <= before
    nats_server.thaw()
    await until(lambda: gateway_connection.connected)


async def test_connection_that_is_closed_while_it_is_made_anew_stays_closed(
    nats_server: NatsServer,
) -> None:
    before = open_files()
    async with connected(nats_server, "gateway") as connection:
        nats_server.kill()
        await until(lambda: not connection.connected)
        await asyncio.to_thread(nats_server.start)
        await connection.close()

    assert connection.client.is_closed
    await until(lambda: open_files() <= before)


async def test_first_connection_is_tried_until_there_is_a_server(nats_server: NatsServer) -> None:
    nats_server.kill()
    connecting = asyncio.create_task(connect(nats_server.section("gateway"), "gateway", within_s=20))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(connecting), 0.6)  # longer than a failed attempt and a pause
    await asyncio.to_thread(nats_server.start)

    connection = await connecting
    assert connection.connected
    await connection.close()


async def test_connection_hears_on_after_the_answer_to_who_gave_up_waiting(
    nats_server: NatsServer, gateway_connection: Connection
) -> None:
    client = gateway_connection.client
    nats_server.freeze()
    with pytest.raises(FlushTimeoutError):
        await client.flush(1)
    nats_server.thaw()

    await asyncio.wait_for(client.flush(), 5)
    assert client.stats["reconnects"] == 0

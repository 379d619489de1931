"""The connection to NATS over a long time of trouble."""

from __future__ import annotations

import os

from services.jetstream.connection import Connection
from tests.support.nats import NatsServer
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

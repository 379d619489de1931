"""The log, read back page by page from a real NATS."""

from __future__ import annotations

import pytest

from services.gateway.adapters.log_history import NatsLogHistory
from services.gateway.errors import BusAwayError, HistoryGoneError
from services.jetstream.connection import Connection
from services.jetstream.log import LOG, ensure_log
from shared.subjects import Subject, build
from tests.support.nats import NatsServer, admin
from tests.support.waiting import until

SUBJECT = build(Subject("state", "hq", "queueCount", "q1", None))


async def _generation(connection: Connection, server: NatsServer) -> str:
    found = await ensure_log(connection, server.section())
    for number in range(1, 11):
        await connection.jetstream.publish(SUBJECT, b"%d" % number)
    return found.generation


async def test_pages_follow_each_other_to_the_end(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    generation = await _generation(bridge_connection, nats_server)
    history = NatsLogHistory(gateway_connection)

    first, second = await history.page(generation, 2, 5), await history.page(generation, 7, 5)

    assert [one.payload for one in (*first, *second)] == [b"%d" % number for number in range(3, 11)]
    assert [one.sequence for one in first] == [3, 4, 5, 6, 7]
    assert await history.page(generation, 10, 5) == []


async def test_what_the_log_has_dropped_is_gone(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    generation = await _generation(bridge_connection, nats_server)
    history = NatsLogHistory(gateway_connection)
    with pytest.raises(HistoryGoneError):
        await history.page("another", 2, 5)
    async with admin(nats_server) as client:
        await client.jetstream().purge_stream(LOG, seq=6)

    assert [one.sequence for one in await history.page(generation, 5, 2)] == [6, 7]
    with pytest.raises(HistoryGoneError):
        await history.page(generation, 4, 2)


async def test_nothing_is_read_while_nats_is_away(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    generation = await _generation(bridge_connection, nats_server)
    nats_server.kill()
    await until(lambda: not gateway_connection.connected)

    with pytest.raises(BusAwayError):
        await NatsLogHistory(gateway_connection).page(generation, 2, 5)

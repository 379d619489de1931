"""Gateways that were told different times to live do not end each other's tickets."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.adapters.ticket_store import NatsTicketStore
from services.gateway.core.tickets import Ticket, key_of
from services.jetstream.connection import Connection
from tests.support.nats import NatsServer, connected
from tests.support.waiting import until


async def _watched(store: NatsTicketStore) -> asyncio.Task[None]:
    ready = asyncio.Event()
    watching = asyncio.create_task(store.watch(lambda _: None, ready.set))
    await asyncio.wait_for(ready.wait(), 10)
    return watching


@pytest.mark.parametrize("later", [1, 86_400])
async def test_the_longest_time_to_live_counts(
    nats_server: NatsServer, gateway_connection: Connection, later: int
) -> None:
    key = key_of("A" * 32)
    async with connected(nats_server, "gateway") as other:
        first = NatsTicketStore(gateway_connection, ttl_s=100, replicas=1)
        second = NatsTicketStore(other, ttl_s=later, replicas=1)
        tasks = [await _watched(first)]
        await first.create(key, Ticket(created=1), 1)
        tasks.append(await _watched(second))
        info = await gateway_connection.jetstream.stream_info("KV_PBXIS_TICKETS")
        found = await second.read(key)
        for task in tasks:
            task.cancel()
        await until(lambda: all(task.done() for task in tasks))

    assert info.config.max_age == max(100, later)
    assert found is not None

"""What a client may take of the gateway by a WebSocket. The clock is the test's."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from services.gateway.lanes.deadlines import FLUSH_WITHIN_S, LOOK_EVERY_S
from services.gateway.lanes.head_meter import HEAD_BYTES
from services.gateway.lanes.lane import LOW_WATER
from services.gateway.lanes.websocket_protocol import MOST_PONGS, WebSocketProtocol
from tests.support.gateway_fakes import count, phone
from tests.support.gateway_rig import LANE, Rig, running
from tests.support.raw_client import RawClient, raw_client
from tests.support.waiting import until

MASK = b"\0\0\0\0"
PING = bytes((0x89, 0x80 | 125)) + MASK + b"x" * 125
PONG = bytes((0x8A, 125)) + b"x" * 125
TEXT_BEGINS = bytes((0x01, 0x80)) + MASK
GOES_ON = bytes((0x00, 0x80)) + MASK
GOES_ON_WITH_A_BYTE = bytes((0x00, 0x81)) + MASK + b"x"
MASKED_CLOSE = bytes((0x88, 0x82)) + MASK + (1000).to_bytes(2, "big")


@pytest.fixture(params=["raw", "asgi", "tls"], autouse=True)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here is run with each kind of connection."""
    monkeypatch.setenv(LANE, request.param)
    return request.param


def connections(rig: Rig) -> list[WebSocketProtocol]:
    found = cast("list[Any]", list(rig.server.server_state.connections))
    return [one for one in found if isinstance(one, WebSocketProtocol)]


async def opened(rig: Rig, client: RawClient) -> None:
    """A client whose stream has begun."""
    ticket = await rig.ticket(queues=["q1"])
    await client.send(client.handshake(ticket))
    await client.until(b'"type":"ready"')
    await client.until(b"}")


async def test_client_that_pings_and_reads_nothing_is_cut_off() -> None:
    async with running() as rig, raw_client(rig) as client:
        await opened(rig, client)

        assert await client.flood(PING * 500, 64 * MOST_PONGS)
        await until(lambda: rig.gateway.hub.clients == 0)
        assert rig.gateway.hub.counters.closed_too_slow == 1


async def test_client_that_reads_may_ping_as_much_as_it_likes() -> None:
    async with running() as rig, raw_client(rig) as client:
        await opened(rig, client)
        for _ in range(2 * MOST_PONGS // len(PONG * 100) + 1):
            await client.send(PING * 100)
            for _ in range(100):
                await client.until(PONG)
        rig.log.write(count(7))

        await client.until(b'"count":7')
        assert rig.gateway.hub.counters.closed_too_slow == 0


@pytest.mark.parametrize("piece", [GOES_ON, GOES_ON_WITH_A_BYTE])
async def test_fragments_are_not_kept(piece: bytes) -> None:
    async with running() as rig, raw_client(rig) as client:
        await opened(rig, client)
        await client.send(TEXT_BEGINS + piece * 10_000 + PING)
        await client.until(PONG)
        assert [one.frames for one in connections(rig)] == [[]]
        rig.log.write(count(7))

        await client.until(b'"count":7')


async def test_message_in_fragments_beyond_the_limit_ends_the_stream() -> None:
    async with running() as rig, raw_client(rig) as client:
        await opened(rig, client)
        await client.send(TEXT_BEGINS + GOES_ON_WITH_A_BYTE * (64 * 1024 + 1))

        assert (1009).to_bytes(2, "big") in await client.rest()


async def test_text_that_is_none_is_ignored_as_any_other(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as rig, raw_client(rig) as client:
        await opened(rig, client)
        await client.send(bytes((0x81, 0x81)) + MASK + b"\xff" + PING)
        await client.until(PONG)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


# Over TLS asyncio gives it up itself, after as long.
@pytest.mark.parametrize("lane", ["raw", "asgi"], indirect=True)
async def test_client_that_says_goodbye_and_reads_nothing_is_given_up() -> None:
    async with running() as rig, raw_client(rig) as client:
        agents = [str(number) for number in range(100)]
        rig.log.write(*(phone(agent, "x" * 100_000) for agent in agents))
        await client.send(client.handshake(await rig.ticket(agents=agents)))
        await client.until(b"\r\n\r\n")
        [left] = connections(rig)
        await until(lambda: left.transport.get_write_buffer_size() > LOW_WATER)
        await client.send(MASKED_CLOSE)
        await until(lambda: rig.gateway.hub.clients == 0)
        assert left.transport.is_closing()

        now = asyncio.get_running_loop().time()
        for passed in range(0, round(FLUSH_WITHIN_S + LOOK_EVERY_S), round(LOOK_EVERY_S)):
            rig.server.end_overdue(now + passed)
        await until(lambda: not connections(rig))
        assert rig.gateway.hub.counters.closed_too_slow == 1


@pytest.mark.parametrize("size", [8 * 1024, HEAD_BYTES - 1000])
async def test_handshake_with_a_long_field_is_taken(size: int) -> None:
    async with running() as rig, raw_client(rig) as client:
        ticket = await rig.ticket(queues=["q1"])
        await client.send(client.handshake(ticket, "Cookie: a=" + "a" * size))

        await client.until(b'"type":"ready"')


async def test_handshake_beyond_the_limit_is_refused() -> None:
    async with running() as rig, raw_client(rig) as client:
        ticket = await rig.ticket(queues=["q1"])
        await client.send(client.handshake(ticket, "Cookie: a=" + "a" * HEAD_BYTES))

        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_handshake_with_too_many_fields_is_answered_and_ends_the_connection() -> None:
    async with running() as rig, raw_client(rig) as client:
        ticket = await rig.ticket(queues=["q1"])
        await client.send(client.handshake(ticket, *[f"X-{number}: a" for number in range(200)]))

        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")

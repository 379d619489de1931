"""Clients that send requests without waiting for the answers, and leave: nothing of theirs stays."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.lanes.http_protocol import MOST_PIPELINED
from tests.support.gateway_fakes import count
from tests.support.gateway_rig import LANE, Rig, running
from tests.support.raw_client import RawClient, raw_client
from tests.support.waiting import until

ALIVE = "GET /health/live"
STREAMS = pytest.mark.parametrize("transport", ["sse", "long-poll"])


@pytest.fixture(params=["raw", "asgi", "tls"], autouse=True)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here is run with each kind of connection."""
    monkeypatch.setenv(LANE, request.param)
    return request.param


async def opened(rig: Rig, client: RawClient, transport: str, behind: bytes = b"") -> str:
    """A client that has begun to wait for events, with more behind its request; its ticket."""
    ticket = await rig.ticket(queues=["q1"])
    if transport == "long-poll":
        await rig.poll(ticket)
    await client.send(client.head(f"GET /{ticket}/{transport}") + behind)
    if transport == "sse":
        await client.until(b"event: ready")
    await until(lambda: rig.gateway.hub.clients == 1)
    return ticket


async def nothing_is_left(rig: Rig, tasks: int) -> None:
    await until(lambda: rig.gateway.hub.clients == 0)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


async def test_requests_that_are_pipelined_are_answered_one_after_the_other() -> None:
    async with running() as rig, raw_client(rig) as client:
        requests = client.head(ALIVE) * MOST_PIPELINED + client.head(ALIVE, "Connection: close")
        await client.send(requests)

        assert (await client.rest()).count(b"HTTP/1.1 200 OK") == MOST_PIPELINED + 1


@STREAMS
async def test_client_that_leaves_is_forgotten_whatever_it_has_pipelined(transport: str) -> None:
    async with running(poll_timeout_s=1000) as rig, raw_client(rig) as client:
        tasks = len(asyncio.all_tasks())
        await opened(rig, client, transport, client.head(ALIVE) * 3)
        client.leave()

        await nothing_is_left(rig, tasks)


async def test_stream_that_waits_behind_a_poll_never_begins_when_the_client_has_left() -> None:
    async with running(poll_timeout_s=1000) as rig, raw_client(rig) as client:
        tasks, openings = len(asyncio.all_tasks()), rig.gateway.hub.counters.openings
        ticket = await rig.ticket(queues=["q1"])
        await opened(rig, client, "long-poll", client.head(f"GET /{ticket}/sse"))
        client.leave()

        await nothing_is_left(rig, tasks)
        assert rig.gateway.hub.counters.openings == openings + 2  # the first poll and the one that was left


async def test_poll_whose_client_has_left_has_not_moved_the_cursor() -> None:
    async with running(poll_timeout_s=1000) as rig, raw_client(rig) as client:
        ticket = await opened(rig, client, "long-poll", client.head(ALIVE))
        client.leave()
        await until(lambda: rig.gateway.hub.clients == 0)
        rig.log.write(count(7))

        assert [event["count"] for event in await rig.poll(ticket)] == [7]


@STREAMS
@pytest.mark.parametrize(
    "what", ["too many", "a large body", "a WebSocket", "a head without an end", "no HTTP"]
)
async def test_what_may_not_follow_a_request_ends_its_connection(transport: str, what: str) -> None:
    async with running(poll_timeout_s=1000) as rig, raw_client(rig) as client:
        tasks = len(asyncio.all_tasks())
        ticket = await opened(rig, client, transport)
        if what == "too many":
            await client.send(client.head(ALIVE) * (MOST_PIPELINED + 1))
        elif what == "a large body":
            body = b" " * 100_000
            await client.send(client.head("POST /ticket", f"Content-Length: {len(body)}") + body)
        elif what == "a WebSocket":
            await client.send(client.handshake(ticket))
        elif what == "no HTTP":
            await client.send(b"\x16\x03\x01\r\n\r\n")
        else:
            await client.flood(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, 1024 * 1024)

        await client.is_cut()
        await nothing_is_left(rig, tasks)


@pytest.mark.parametrize("what", [b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\na b: c\r\n\r\n"])
async def test_nothing_is_written_into_the_answer_to_another_request(what: bytes) -> None:
    async with running() as rig, raw_client(rig) as client:
        await opened(rig, client, "sse")
        await client.send(what)
        try:
            rest = await client.rest()
        except ConnectionError:
            rest = b""

    assert b"HTTP/1.1" not in rest

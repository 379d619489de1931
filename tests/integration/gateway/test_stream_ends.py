"""Streams whose server, client and ticket end at the same moment, played by hand; clients that hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from services.gateway.lanes.connection import EXTENSION, Connection
from services.gateway.routes import long_poll, sse, websocket
from services.gateway.routes.streams import Streams
from tests.support.gateway_fakes import count, place
from tests.support.gateway_rig import Rig, running
from tests.support.waiting import until

Message = dict[str, Any]


class StandingTransport:
    """Takes everything."""

    def write(self, data: bytes) -> None:
        """Into the void."""

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        """There are none."""


class Peer:
    """Server and client of one request, as ASGI shows them. ``fails``: what sending a message raises."""

    def __init__(self, fails: Callable[[Message], Exception | None] = lambda _: None) -> None:
        self.sent: list[str] = []
        self.said: asyncio.Queue[Message] = asyncio.Queue()
        self._fails = fails

    async def send(self, message: Message) -> None:
        self.sent.append(message["type"])
        error = self._fails(message)
        if error is not None:
            raise error

    async def receive(self) -> Message:
        return await self.said.get()


def streams_of(rig: Rig) -> Streams:
    return Streams(rig.gateway.settings, rig.gateway.hub, rig.gateway.desk, lambda: 100)


def scope(rig: Rig, kind: str, connection: Connection | None = None) -> Message:
    return {
        "type": kind,
        "http_version": "1.1",
        "query_string": b"",
        "headers": [(b"host", rig.url.split("/")[2].encode())],
        "client": ("127.0.0.1", 1),
        "extensions": {} if connection is None else {EXTENSION: connection},
    }


def connection_of(lane: str) -> Connection | None:
    """What a server shows that allows the lane."""
    return None if lane == "asgi" else Connection(cast("asyncio.Transport", StandingTransport()))


def nothing_is_left(rig: Rig) -> bool:
    return rig.gateway.hub.clients == 0


AFTER_CLOSE = RuntimeError("Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.")
BY_HAND = pytest.mark.parametrize("lane", ["raw", "asgi"])


@BY_HAND
async def test_response_begins_once_also_when_its_ticket_is_revoked_meanwhile(lane: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        peer = Peer()

        async def send(message: Message) -> None:
            await peer.send(message)
            if len(peer.sent) == 1:
                await rig.gateway.desk.revoke(ticket)

        await sse.handle(streams_of(rig), scope(rig, "http", connection_of(lane)), peer.receive, send, ticket)

    assert peer.sent == ["http.response.start", "http.response.body", "http.response.body"]


@BY_HAND
async def test_stream_whose_connection_the_server_has_closed_first_is_forgotten(lane: str) -> None:
    def closed(message: Message) -> Exception | None:
        return AFTER_CLOSE if "closed" in message.get("text", "") else None

    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        peer = Peer(closed)
        peer.said.put_nowait({"type": "websocket.connect"})
        connection = connection_of(lane)
        serving = asyncio.create_task(
            websocket.handle(
                streams_of(rig), scope(rig, "websocket", connection), peer.receive, peer.send, ticket
            )
        )
        await until(lambda: rig.gateway.hub.clients)
        already = len(peer.sent)
        await rig.gateway.desk.revoke(ticket)
        await until(lambda: len(peer.sent) > already)
        peer.said.put_nowait({"type": "websocket.disconnect"})
        await serving

        assert nothing_is_left(rig)


async def take_part(rig: Rig, transport: str, ticket: str) -> None:
    """Receive until cancelled; then hang up, without a word where the transport has one."""
    if transport == "websocket":
        async with rig.websocket(ticket) as stream:
            try:
                await asyncio.Event().wait()
            finally:
                stream.connection.transport.abort()
    elif transport == "sse":
        async with rig.sse(ticket):
            await asyncio.Event().wait()
    else:
        await rig.poll(ticket, place(rig.gateway.hub, 1))


@pytest.mark.usefixtures("each_lane")
@pytest.mark.parametrize("transport", ["websocket", "sse", "long-poll"])
async def test_client_that_hangs_up_is_forgotten_and_a_silent_one_beside_it_is_not(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with rig.websocket(ticket) as staying:
            await staying.until("ready")
            leaving = asyncio.create_task(take_part(rig, transport, ticket))
            await until(lambda: rig.gateway.hub.clients == 2)
            leaving.cancel()
            await until(lambda: rig.gateway.hub.clients == 1)
            rig.log.write(count(1))

            assert (await staying.next())["count"] == 1


@pytest.mark.parametrize("error", [OSError("gone"), AFTER_CLOSE], ids=["gone", "closed"])
async def test_client_that_goes_while_it_is_written_to_is_no_error(error: Exception) -> None:
    complaints: list[str] = []

    def gone(message: Message) -> Exception | None:
        return error if message["type"] == "websocket.send" else None

    async with running() as rig:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about["message"]))
        ticket = await rig.ticket(queues=["q1"])
        peer = Peer(gone)
        peer.said.put_nowait({"type": "websocket.connect"})
        await websocket.handle(streams_of(rig), scope(rig, "websocket"), peer.receive, peer.send, ticket)

        assert nothing_is_left(rig)
    assert complaints == []


async def test_poll_whose_client_has_gone_when_something_comes_has_not_moved_the_cursor() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        rig.log.write(count(7))
        peer = Peer()
        peer.said.put_nowait({"type": "http.disconnect"})
        await long_poll.handle(streams_of(rig), scope(rig, "http"), peer.receive, peer.send, ticket)

        assert peer.sent == []
        assert [event["count"] for event in await rig.poll(ticket)] == [7]

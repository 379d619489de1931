"""What a connection waits for when its client pipelines and does not read; the transport is the test's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from services.gateway.lanes.deadlines import FLUSH_BYTES, Wait, flush
from services.gateway.lanes.http_protocol import HttpProtocol
from tests.support.waiting import until

HIGH = 64 * 1024
JUST_BELOW = HIGH - 100
PADDING = (b"x-padding", b"x" * 400)


class Unread(asyncio.Transport):
    """The transport of a client that takes what it is told to."""

    def __init__(self, protocol: HttpProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._size = 0
        self._paused = False
        self._closing = False

    def write(self, data: Any) -> None:
        self._size += len(data)
        if self._size > HIGH and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def take_all(self) -> None:
        self._size, self._paused = 0, False
        self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self._size

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self._closing = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An answer with as many bytes as the query says; an endless one without a query."""
    size = int(scope["query_string"] or b"0")
    length = [(b"content-length", b"%d" % size)] if size else []
    await send({"type": "http.response.start", "status": 200, "headers": [*length, PADDING]})
    await send({"type": "http.response.body", "body": b"x" * size, "more_body": not size})
    while not size and (await receive())["type"] != "http.disconnect":
        pass


@contextlib.asynccontextmanager
async def connection() -> AsyncGenerator[tuple[HttpProtocol, Unread, list[None]]]:
    """A connection, its transport, and how often its client was found too slow; then the client leaves."""
    config, state = uvicorn.Config(app, log_config=None), ServerState()
    config.load()
    slow: list[None] = []
    protocol = HttpProtocol(
        too_slow=lambda: slow.append(None), config=config, server_state=state, app_state={}
    )
    transport = Unread(protocol)
    protocol.connection_made(transport)
    yield protocol, transport, slow
    protocol.connection_lost(None)
    await until(lambda: not state.tasks)


def get(*sizes: int) -> bytes:
    return b"".join(b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n" % size for size in sizes)


async def test_answer_whose_head_fills_the_buffer_waits_for_the_client() -> None:
    async with connection() as (protocol, transport, slow):
        protocol.data_received(get(JUST_BELOW - 500, 10))
        await until(lambda: protocol.flow.write_paused)

        assert protocol.waits_for() == flush(transport.get_write_buffer_size(), answers=2)
        protocol.overdue("flush")
        assert transport.is_closing()
        assert slow == [None]


async def test_client_that_takes_an_answer_gets_time_for_the_next() -> None:
    async with connection() as (protocol, transport, _):
        protocol.data_received(get(JUST_BELOW - 500, 10, JUST_BELOW, 10))
        await until(lambda: protocol.flow.write_paused)
        before = protocol.waits_for()
        transport.take_all()
        await until(lambda: protocol.flow.write_paused)

        assert transport.get_write_buffer_size() < FLUSH_BYTES
        assert before is not None
        assert protocol.waits_for() not in (None, before)


async def test_stream_is_left_to_the_hub() -> None:
    async with connection() as (protocol, transport, _):
        protocol.data_received(get(0))
        await until(lambda: transport.get_write_buffer_size())
        transport.write(b"x" * HIGH)

        assert protocol.flow.write_paused
        assert protocol.waits_for() is None


async def test_body_that_is_still_to_come_is_waited_for() -> None:
    async with connection() as (protocol, _, _):
        protocol.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")

        assert protocol.waits_for() == Wait("body", 1)

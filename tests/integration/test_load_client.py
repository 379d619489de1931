"""The load client of the benchmarks must see what a server does wrong: else "nothing lost" means nothing."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from benchmarks import load

pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")), reason="there is no C compiler"
)

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\n\r\n"


def frame(text: str) -> bytes:
    """A text frame, long or short."""
    payload = text.encode()
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


def event(sequence: int, padding: int = 0) -> str:
    """A stamped event with an id."""
    stamp = f"@t={time.monotonic_ns():016x}"
    return f'{{"type":"queueCount","text":"{stamp}{"." * padding}","id":"gen-1-{sequence}"}}'


def ready(sequence: int) -> str:
    """The word after the state."""
    return f'{{"type":"ready","resumed":false,"now":1,"id":"gen-1-{sequence}"}}'


class Server:
    """Takes connections; the test writes into them."""

    def __init__(self, head: bytes, first: bytes) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.said: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self._head = head
        self._first = first

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its client is gone."""
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._head + self._first)
        self.writers.append(writer)
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(1000):
                self.said.append(data)
        writer.close()

    def say(self, data: bytes) -> None:
        """To everybody."""
        for writer in self.writers:
            writer.write(data)


@asynccontextmanager
async def server(head: bytes = UPGRADED, first: bytes = b"") -> AsyncGenerator[Server]:
    """A server on a free port."""
    found = Server(head, first)
    listener = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = listener.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        listener.close()


async def seen_of(data: bytes, deliveries: int, mode: load.Mode = "ws", ids: load.Ids = "dense") -> load.Seen:
    """What a client makes of bytes that follow a `ready` at 10."""
    first = frame(ready(10)) if mode == "ws" else chunk(sse_ready(10))
    async with (
        server(UPGRADED if mode == "ws" else STREAM, first) as one,
        load.connected(mode, [one.port], ["/t"], count=2, ready=True, ids=ids) as client,
    ):
        await client.begin()
        for number in range(0, len(data), 37):  # cut anywhere
            one.say(data[number : number + 37])
            await asyncio.gather(*(writer.drain() for writer in one.writers))
        assert await client.arrived(2 * deliveries, 10)
        return await client.seen()


def chunk(text: str) -> bytes:
    """A chunk of HTTP/1.1."""
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


def sse_ready(sequence: int) -> str:
    return f'event: ready\ndata: {{"resumed":false}}\nid: gen-1-{sequence}\n\n'


def sse(sequence: int) -> str:
    return f'event: queueCount\ndata: {{"text":"@t={time.monotonic_ns():016x}"}}\nid: gen-1-{sequence}\n\n'


async def test_all_events_in_order_are_counted_on_each_connection() -> None:
    seen = await seen_of(b"".join(frame(event(number, padding=number)) for number in range(11, 111)), 100)

    assert (seen.deliveries, seen.least, seen.most, seen.disturbed) == (200, 100, 100, 0)
    assert seen.samples > 0


async def test_an_event_that_is_left_out_is_a_gap() -> None:
    seen = await seen_of(frame(event(11)) + frame(event(13)), 2)

    assert (seen.gaps, seen.repeats) == (2, 0)


async def test_an_event_that_comes_twice_or_too_late_is_a_repeat() -> None:
    seen = await seen_of(b"".join(frame(event(number)) for number in (11, 12, 12, 11)), 4)

    assert (seen.gaps, seen.repeats) == (0, 4)


async def test_a_filtered_stream_may_leave_numbers_out_and_not_go_back() -> None:
    seen = await seen_of(b"".join(frame(event(number)) for number in (11, 15, 14)), 3, ids="order")

    assert (seen.gaps, seen.repeats) == (0, 2)


async def test_an_event_stream_is_read_alike() -> None:
    seen = await seen_of(chunk(sse(11) + sse(12)) + chunk(sse(12)) + chunk(sse(14)), 4, mode="sse")

    assert (seen.gaps, seen.repeats) == (2, 2)


async def test_a_reset_in_the_middle_is_told_and_the_state_after_it_is_no_delivery() -> None:
    state = '{"type":"queueCount","text":"@t=0000000000000001"}'
    data = frame(event(11)) + frame('{"type":"reset"}') + frame(state) + frame(ready(20)) + frame(event(21))

    seen = await seen_of(data, 2)

    assert (seen.resets, seen.gaps, seen.repeats, seen.deliveries) == (2, 0, 0, 4)


async def test_a_ping_is_answered() -> None:
    async with (
        server(first=frame(ready(1))) as one,
        load.connected("ws", [one.port], ["/t"], count=1, ready=True) as client,
    ):
        one.say(b"\x89\x03abc" + frame(event(2)))
        assert await client.arrived(1, 10)
        assert one.said == [b"\x8a\x83\0\0\0\0abc"]


@pytest.mark.parametrize("end", [b"", b"\x88\x02\x0f\xa1"])
async def test_a_client_whose_server_is_gone_resumes_at_the_next_with_its_last_id(end: bytes) -> None:
    async with (
        server(first=frame(ready(10))) as first,
        server(first=frame(event(12)) + frame(ready(12)) + frame(event(13))) as second,
        load.connected(
            "ws", [first.port, second.port], ["/t/websocket"], count=3, ready=True, ids="dense"
        ) as client,
    ):
        await client.begin()
        first.say(frame(event(11)) + end)
        assert await client.arrived(3, 10)
        for writer in first.writers:
            writer.transport.abort()
        assert await client.arrived(9, 10)
        seen = await client.seen()

        assert second.requests[0].startswith(b"GET /t/websocket?after=gen-1-11 HTTP/1.1\r\n")
        assert (seen.resumed, seen.gaps, seen.repeats, seen.closed) == (3, 0, 0, 3)
        assert seen.close_codes == ({"4001": 3} if end else {})


async def test_a_stalled_client_reads_nothing_once_it_is_connected() -> None:
    async with (
        server(first=frame(ready(10))) as one,
        load.connected("ws", [one.port], ["/t"], count=1, ready=True, stalled=True) as client,
    ):
        one.say(b"".join(frame(event(number, padding=1000)) for number in range(11, 16_011)))
        (writer,) = one.writers

        assert await client.deliveries() == 0
        assert writer.transport.get_write_buffer_size() > 0

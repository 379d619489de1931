"""The three transports, each as small as it can be: what comes goes into a :class:`History`."""

from __future__ import annotations

import asyncio
import re
from typing import cast

import msgspec

from benchmarks.soak.history import History

_WITHIN_S = 60.0
_POLL_HEAD = b"\r\n\r\n"
_ID = re.compile(rb'"id":"([^"]+)"\}$')
_SSE_ID = re.compile(rb"\nid: (.+)$")
_TYPE = re.compile(rb'(?:\{"type":"|event: )([A-Za-z]+)')


class StreamError(Exception):
    """The gateway did what its documents do not allow."""


def take(history: History, event: bytes, position: re.Match[bytes] | None) -> None:
    """One event of any transport; those of the state have no id and are of no interest."""
    named = _TYPE.match(event)
    kind = named[1] if named else b""
    where = position[1].decode() if position else ""
    if kind == b"reset":
        history.tell("reset")
    elif kind == b"ready":
        history.tell("ready", where)
    elif where:
        history.tell("event", where)


class _Stream(asyncio.Protocol):
    """A request, the head of its answer, then frames until either side ends it."""

    def __init__(self, history: History, request: bytes, status: bytes) -> None:
        self._history = history
        self._request = request
        self._status = status
        self._rest = b""
        self._open = False
        self.ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("the gateway ended the connection")

    def end(self, why: str | None) -> None:
        """Take nothing more; ``why`` it is over, ``None`` when that is our own wish."""
        if not self.ended.done():
            self.ended.set_result(why)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.ended.done():
            return
        data = self._rest + data
        if not self._open:
            head, found, data = data.partition(_POLL_HEAD)
            if not found:
                self._rest = head
                return
            if not head.startswith(self._status):
                self.end(head.decode("latin-1"))
                return
            self._open = True
            self._history.connected = True
        self._rest = data[self.frames(data) :]

    def frames(self, data: bytes) -> int:
        """Take all whole frames; how many bytes that were."""
        raise NotImplementedError


class WebSocket(_Stream):
    """Frames of RFC 6455."""

    def __init__(self, history: History, port: int, target: str) -> None:
        request = (
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: c29hay10ZXN0LWNsaWVudA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        super().__init__(history, request.encode(), b"HTTP/1.1 101")

    def frames(self, data: bytes) -> int:
        at = 0
        while len(data) - at >= 2:
            opcode, length, head = data[at] & 15, data[at + 1] & 127, 2
            if length == 126:
                length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
            if len(data) - at < head + length:
                break
            payload = data[at + head : at + head + length]
            at += head + length
            if opcode == 1:
                take(self._history, payload, _ID.search(payload))
            elif opcode == 9:
                # a frame of a client is masked; with the mask 0 the payload stays as it is
                self.transport.write(bytes((0x8A, 0x80 | length)) + b"\0\0\0\0" + payload)
            elif opcode == 8:
                self.end(f"closed: {payload!r}")
                break
        return at


class ServerSentEvents(_Stream):
    """An event stream in the chunks of HTTP/1.1."""

    def __init__(self, history: History, port: int, target: str) -> None:
        request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
        super().__init__(history, request.encode(), b"HTTP/1.1 200")
        self._text = b""

    def frames(self, data: bytes) -> int:
        at = 0
        while (line := data.find(b"\r\n", at)) > 0:
            length = int(data[at:line], 16)
            if len(data) < line + 2 + length + 2:
                break
            if length == 0:
                self.end("the event stream ended")
                break
            *events, self._text = (self._text + data[line + 2 : line + 2 + length]).split(b"\n\n")
            for event in events:
                take(self._history, event, _SSE_ID.search(event))
            at = line + 2 + length + 2
        return at


async def poll(history: History, port: int, ticket: str, *, cursor: bool, until: asyncio.Event) -> None:
    """Long polls until it is time to go; with ``cursor`` the gateway remembers where it stands.

    Raises:
        StreamError: an answer that is none.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        leaving = asyncio.create_task(until.wait())
        while not until.is_set():
            after = f"?after={history.position}" if history.position and not cursor else ""
            writer.write(
                f"GET /{ticket}/long-poll{after} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
            )
            answering = asyncio.create_task(_answer(reader))
            # Without `after` an answer that is lost on the way is lost: such a client hears it out.
            waiting = {answering} if cursor else {answering, leaving}
            await asyncio.wait(waiting, timeout=_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
                if until.is_set():
                    return
                raise StreamError(f"no answer to a poll within {_WITHIN_S:g} s")
            for event in answering.result():
                raw = bytes(event)
                take(history, raw, _ID.search(raw))
            history.connected = True
        leaving.cancel()
    finally:
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader) -> list[msgspec.Raw]:
    head = await reader.readuntil(_POLL_HEAD)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        raise StreamError(f"a poll was answered with {head[:12].decode('latin-1')}: {body.decode()}")
    return msgspec.json.decode(body, type=list[msgspec.Raw])

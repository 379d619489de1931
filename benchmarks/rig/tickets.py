"""Tickets for many clients, over a few connections that are kept open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

import msgspec

_CONNECTIONS = 4


class Http:
    """A connection to a gateway, for one request after the other."""

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._port = port
        self._reader = reader
        self._writer = writer

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The body of the answer.

        Raises:
            AssertionError: it is not a 200.
        """
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
        )
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        text = await self._reader.readexactly(length)
        assert answer.startswith(b"HTTP/1.1 200"), answer + text
        return text


@contextlib.asynccontextmanager
async def http(port: int) -> AsyncGenerator[Http]:
    """A connection, closed with the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Http(port, reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def tickets(port: int, scopes: Sequence[object]) -> list[str]:
    """A ticket for each scope, in that order; a scope is the body of `POST /ticket`."""
    found = [""] * len(scopes)

    async def some(first: int) -> None:
        async with http(port) as connection:
            for number in range(first, len(scopes), _CONNECTIONS):
                answer = await connection.ask("POST", "/ticket", msgspec.json.encode(scopes[number]))
                found[number] = msgspec.json.decode(answer, type=str)

    await asyncio.gather(*(some(first) for first in range(min(_CONNECTIONS, len(scopes)))))
    return found


async def revoke(port: int, ticket: str) -> None:
    """End a ticket."""
    async with http(port) as connection:
        await connection.ask("DELETE", f"/ticket/{ticket}")

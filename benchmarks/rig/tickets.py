"""Tickets for many clients, over a few connections that are kept open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

_CONNECTIONS = 4


async def tickets(port: int, scopes: Sequence[object]) -> list[str]:
    """A ticket for each scope, in that order; a scope is the body of `POST /ticket`."""
    found = [""] * len(scopes)

    async def some(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(first, len(scopes), _CONNECTIONS):
            body = msgspec.json.encode(scopes[number])
            head = f"POST /ticket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            text = await reader.readexactly(length)
            assert answer.startswith(b"HTTP/1.1 200"), answer + text
            found[number] = msgspec.json.decode(text, type=str)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(some(first) for first in range(min(_CONNECTIONS, len(scopes)))))
    return found

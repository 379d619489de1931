"""A connection to a gateway whose bytes the test writes and reads itself, over TLS too."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import socket
from collections.abc import AsyncGenerator
from typing import cast
from urllib.parse import urlsplit

from tests.support.certificate import server_and_client
from tests.support.gateway_rig import Rig

_WITHIN_S = 20.0
_SMALL = 4096


class RawClient:
    """One connection. ``host`` is what a request names as such."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.host = host
        self._reader = reader
        self._writer = writer
        self._came = b""

    def head(self, request: str, *fields: str) -> bytes:
        """The head of a request: ``GET /``."""
        return "\r\n".join((f"{request} HTTP/1.1", f"Host: {self.host}", *fields, "", "")).encode()

    def handshake(self, ticket: str, *fields: str) -> bytes:
        """The head that asks for a WebSocket."""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        return self.head(
            f"GET /{ticket}/websocket",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            *fields,
        )

    async def send(self, data: bytes) -> None:
        """Send it, as fast as the other end takes it."""
        self._writer.write(data)
        await asyncio.wait_for(self._writer.drain(), _WITHIN_S)

    async def until(self, marker: bytes) -> bytes:
        """What comes, up to this."""
        async with asyncio.timeout(_WITHIN_S):
            while marker not in self._came:
                part = await self._reader.read(65536)
                assert part, f"the connection ended without {marker!r}"
                self._came += part
        before, _, self._came = self._came.partition(marker)
        return before + marker

    async def rest(self) -> bytes:
        """What comes until the other end closes the connection."""
        return self._came + await asyncio.wait_for(self._reader.read(), _WITHIN_S)

    async def is_cut(self) -> None:
        """Until the other end has closed or cut the connection; what comes before is left out."""
        with contextlib.suppress(ConnectionError):
            await self.rest()

    async def flood(self, piece: bytes, most: int) -> bool:
        """Send it again and again and read nothing, ``most`` bytes at most; whether it was cut off."""
        transport = cast("asyncio.Transport", self._writer.transport)
        transport.pause_reading()
        try:
            for _ in range(most // len(piece)):
                await self.send(piece)
        except ConnectionError:
            return True
        finally:
            transport.resume_reading()
        return False

    def leave(self) -> None:
        """Go away, without a word."""
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def raw_client(rig: Rig) -> AsyncGenerator[RawClient]:
    """A connection that takes few bytes beyond those that are read."""
    address = urlsplit(rig.url)
    tls = server_and_client()[1] if address.scheme == "https" else None
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(
        sock=connection, ssl=tls, server_hostname=address.hostname if tls else None, limit=_SMALL
    )
    try:
        yield RawClient(address.netloc, reader, writer)
    finally:
        writer.transport.abort()

"""Stands between a service and NATS: keeps back what the service says, loses it, or delivers it late.

async with nats_proxy(server.port) as proxy:
    proxy.hold()                # what is said from now on over the connections there are waits here
    proxy.lose()                # ... is lost, and they are
    await proxy.deliver()       # ... arrives, also after its connection was given up and another made
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import cast

_CHUNK = 65536
_END_S = 5.0


@dataclass
class _Joint:
    """One connection; ``kept`` are the bytes that wait, ``None`` while none do."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    kept: list[bytes] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Both sides are closed."""


@dataclass
class NatsProxy:
    """``port`` is where a service connects to."""

    target_port: int
    port: int = 0
    _joints: list[_Joint] = field(default_factory=lambda: cast("list[_Joint]", []))

    @property
    def url(self) -> str:
        """For ``nats.url``."""
        return f"nats://127.0.0.1:{self.port}"

    def hold(self) -> None:
        """Keep back what the connections that there are say; new ones are not hindered."""
        for joint in self._joints:
            joint.kept = joint.kept or []

    def lose(self) -> None:
        """End all connections, with what they said."""
        for joint in self._joints:
            joint.kept = None
            joint.client.close()
            joint.server.close()

    async def deliver(self) -> None:
        """Pass on what was kept; of a connection that the service gave up, until the server has read it."""
        for joint in [joint for joint in self._joints if joint.kept is not None]:
            kept, joint.kept = joint.kept or [], None
            joint.server.writelines(kept)
            if joint.client.is_closing():
                joint.server.write_eof()
                await asyncio.wait_for(joint.ended.wait(), _END_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target_port)
        joint = _Joint(writer, to_server)
        self._joints.append(joint)
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(self._from_client(joint, reader), self._from_server(joint, from_server))
        finally:
            writer.close()
            to_server.close()
            self._joints.remove(joint)
            joint.ended.set()

    @staticmethod
    async def _from_client(joint: _Joint, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            if joint.kept is None:
                joint.server.write(chunk)
            else:
                joint.kept.append(chunk)
        joint.client.close()
        if joint.kept is None:
            joint.server.close()

    @staticmethod
    async def _from_server(joint: _Joint, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            if not joint.client.is_closing():
                joint.client.write(chunk)
        joint.client.close()


@contextlib.asynccontextmanager
async def nats_proxy(target_port: int) -> AsyncGenerator[NatsProxy]:
    """A proxy on a free port, before the server on ``target_port``."""
    proxy = NatsProxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.lose()
        await server.wait_closed()

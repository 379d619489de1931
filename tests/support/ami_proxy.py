"""Stands between a bridge and Asterisk: writes down what goes to Asterisk, and can keep its answers back.

async with ami_proxy(asterisk_port) as proxy:
    proxy.hold("Originate")     # Asterisk gets it; from then on the bridge hears nothing
    ...
    proxy.release()             # now it hears all that was said meanwhile
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import cast

_CHUNK = 65536


@dataclass(frozen=True)
class SentAction:
    """An action as Asterisk reads it: a line ends at LF, with or without a CR before it (``manager.c``).

    Attributes:
        connection: the number of the connection, from 1.
        lines: its lines in order; bytes that are no UTF-8 are surrogates.
    """

    connection: int
    lines: tuple[str, ...]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each line."""
        parted = [line.partition(":") for line in self.lines]
        return [(name, value.removeprefix(" ")) for name, _, value in parted]

    @property
    def name(self) -> str:
        """What is to be done."""
        return self.get("Action")

    def get(self, header: str) -> str:
        """The first header of that name, whatever its case: as Asterisk looks it up; "" for none."""
        return next(iter(self.all(header)), "")

    def all(self, header: str) -> list[str]:
        """All headers of that name."""
        return [value for name, value in self.headers if name.lower() == header.lower()]


@dataclass
class AmiProxy:
    """What went through; ``port`` is where a bridge connects to."""

    target_port: int
    port: int = 0
    actions: list[SentAction] = field(default_factory=lambda: cast("list[SentAction]", []))
    """All that was sent to Asterisk, over all connections, in order."""
    connections: int = 0
    """How many were ever made."""
    _held: str | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: set[asyncio.Task[None]] = field(default_factory=lambda: cast("set[asyncio.Task[None]]", set()))

    def hold(self, action: str) -> None:
        """From the next action of that name on nothing that Asterisk says gets through."""
        self._held = action

    def release(self) -> None:
        """Let through what was kept back, and all that follows."""
        self._held = None
        self._open.set()

    def sent(self, *names: str) -> list[SentAction]:
        """The actions of these names."""
        return [action for action in self.actions if action.name in names]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one bridge."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._serving.add(task)
        self.connections += 1
        with contextlib.suppress(OSError):
            try:
                await self._join(self.connections, reader, writer)
            finally:
                self._serving.discard(task)
                writer.transport.abort()

    async def close(self) -> None:
        """End all connections."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _join(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_asterisk, to_asterisk = await asyncio.open_connection("127.0.0.1", self.target_port)
        work = [
            asyncio.create_task(self._pass_on(number, reader, to_asterisk)),
            asyncio.create_task(self._pass_back(from_asterisk, writer)),
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            to_asterisk.transport.abort()

    async def _pass_on(self, number: int, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        lines: list[str] = []
        rest = b""
        while data := await reader.read(_CHUNK):
            *ended, rest = (rest + data).split(b"\n")
            for raw in ended:
                line = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
                if line:
                    lines.append(line)
                elif lines:
                    self._take(SentAction(number, tuple(lines)))
                    lines = []
            to.write(data)
            await to.drain()

    async def _pass_back(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._open.wait()
            to.write(data)
            await to.drain()

    def _take(self, action: SentAction) -> None:
        self.actions.append(action)
        if action.name == self._held:
            self._open.clear()


@contextlib.asynccontextmanager
async def ami_proxy(target_port: int) -> AsyncGenerator[AmiProxy]:
    """A proxy on a free port of 127.0.0.1 to an AMI on another."""
    proxy = AmiProxy(target_port)
    proxy.release()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()

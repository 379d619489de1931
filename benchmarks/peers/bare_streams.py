"""The floor of the streams: ready-made bytes written straight to uvloop's transports, and nothing else.

python -m benchmarks.peers.bare_streams PORT

It answers an upgrade as a WebSocket server would and any other GET as a stream of server-sent events; the
path `/all` gets every event, `/<number>` those of the agents that `stamped.scattered` gives this number. The
events and their framing are as long as ours. A line `COUNT BURST RATE` on its standard input makes that many
events (see `pace.paced`); it answers with how many.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import cast

import uvloop

from benchmarks.rig.pace import paced
from benchmarks.rig.stamped import SCATTERED_AGENTS, Stamped, agents, scattered
from services.gateway.core import sse

ALL_AGENTS = 100
_UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_ID = b"0123abcd-%d"
_TYPE = b"queueMemberStatus"
_LENGTH_IN_THE_HEADER = 125


def websocket_frame(payload: bytes, number: int) -> bytes:
    """As a gateway frames it: one text frame, the id at the end."""
    text = b'%b,"id":"%b"}' % (payload[:-1], _ID % number)
    length = len(text)
    head = (
        bytes((0x81, length)) if length <= _LENGTH_IN_THE_HEADER else b"\x81\x7e" + length.to_bytes(2, "big")
    )
    return head + text


def sse_event(payload: bytes, number: int) -> bytes:
    """As a gateway frames it, but for the chunk around it."""
    rest = payload[len(b'{"type":"",') + len(_TYPE) :]
    return sse.event(_TYPE, b"{" + rest, _ID % number)


def chunk(data: bytes) -> bytes:
    """A chunk of an HTTP/1.1 body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Floor:
    """Who listens: to everything, or to some agents."""

    def __init__(self) -> None:
        self.websockets: set[asyncio.Transport] = set()
        self.streams: set[asyncio.Transport] = set()
        self.by_agent: defaultdict[str, set[asyncio.Transport]] = defaultdict(set)
        self._number = 1_000_000
        self._documents = [Stamped(agent) for agent in agents(ALL_AGENTS)]

    async def make(self, burst: int) -> None:
        """Make so many events and write them: all of them in one write to a client."""
        events: list[tuple[str, bytes, int]] = []
        for _ in range(burst):
            self._number += 1
            document = self._documents[self._number % ALL_AGENTS]
            events.append((document.agent, document.payload(), self._number))
        if self.websockets:
            frames = b"".join(websocket_frame(payload, number) for _, payload, number in events)
            for transport in self.websockets:
                transport.write(frames)
        if self.streams:
            block = chunk(b"".join(sse_event(payload, number) for _, payload, number in events))
            for transport in self.streams:
                transport.write(block)
        if self.by_agent:
            self._scatter(events)

    def _scatter(self, events: list[tuple[str, bytes, int]]) -> None:
        pending: defaultdict[asyncio.Transport, list[bytes]] = defaultdict(list)
        for agent, payload, number in events:
            frame = websocket_frame(payload, number)
            for transport in self.by_agent[agent]:
                pending[transport].append(frame)
        for transport, frames in pending.items():
            transport.write(b"".join(frames))


class Client(asyncio.Protocol):
    """A connection: its request says what it gets."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._sets: list[set[asyncio.Transport]] = []
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"GET "):
            return  # a client's own frames
        upgrade = b"\r\nUpgrade:" in data
        path = data.split(b" ", 2)[1].decode()
        if path != "/all":
            self._sets = [self._floor.by_agent[agent] for agent in scattered(int(path[1:]))]
        else:
            self._sets = [self._floor.websockets if upgrade else self._floor.streams]
        self.transport.write(_UPGRADED if upgrade else _STREAM)
        for listeners in self._sets:
            listeners.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for listeners in self._sets:
            listeners.discard(self.transport)


async def run(port: int) -> None:
    """Serve until the commands end."""
    assert ALL_AGENTS == SCATTERED_AGENTS
    loop = asyncio.get_running_loop()
    floor = Floor()
    server = await loop.create_server(lambda: Client(floor), "127.0.0.1", port, backlog=8192)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ready", flush=True)
    while line := await commands.readline():
        count, burst, per_s = line.split()
        print(await paced(floor.make, int(count), int(burst), float(per_s)), flush=True)
    server.close()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))

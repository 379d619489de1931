"""Asterisk's manager port as a bridge needs it, and member states with a stamp at any rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import cast

from benchmarks.rig.pace import paced
from benchmarks.rig.site import BROADCAST_AGENTS
from benchmarks.rig.stamped import QUEUE, agents, stamp

_END = b"\r\n\r\n"
_LISTS = {
    "queuestatus": "QueueStatus",
    "queuesummary": "QueueSummary",
    "extensionstatelist": "ExtensionStateList",
    "status": "Status",
    "bridgelist": "BridgeList",
}


class FastAmi:
    """The state behind the port: one queue, and agents who are all on a break."""

    def __init__(self) -> None:
        self.port = 0
        self.transports: set[asyncio.Transport] = set()
        self._reasons = dict.fromkeys(agents(BROADCAST_AGENTS), "lunch")
        self._agents = list(self._reasons)
        self._made = 0

    async def produce(self, count: int, burst: int, per_s: float) -> int:
        """Say stamped `QueueMemberStatus` events; see :func:`pace.paced`."""
        return await paced(self._make, count, burst, per_s)

    async def _make(self, burst: int) -> None:
        said: list[bytes] = []
        for _ in range(burst):
            self._made += 1
            agent = self._agents[self._made % len(self._agents)]
            self._reasons[agent] = stamp()
            said.append(
                _message(
                    Event="QueueMemberStatus",
                    Privilege="agent,all",
                    Queue=QUEUE,
                    MemberName=f"Agent {agent}",
                    Interface=f"PJSIP/{agent}",
                    **self._member(agent),
                )
            )
        for transport in self.transports:
            transport.write(b"".join(said))

    def answer(self, action: dict[str, str]) -> bytes:
        """What to say to an action."""
        name, action_id = action.get("action", "").lower(), action.get("actionid", "")
        if name in _LISTS:
            return b"".join(self._list(_LISTS[name], action_id))
        extra = {
            "challenge": {"Challenge": "12345"},
            "coresettings": {"AMIversion": "11.0.0", "AsteriskVersion": "22.10.1"},
            "ping": {"Ping": "Pong"},
        }.get(name, {})
        said = _message(Response="Success", ActionID=action_id, **extra)
        if name == "login":
            said += _message(Event="FullyBooted", Privilege="system,all", Status="Fully Booted")
        return said

    def _list(self, name: str, action_id: str) -> Iterable[bytes]:
        yield _message(Response="Success", ActionID=action_id, EventList="start", Message="Items will follow")
        items = 0
        if name == "QueueStatus":
            items = 1 + len(self._agents)
            yield _message(Event="QueueParams", Queue=QUEUE, Max="0", Calls="0", ActionID=action_id)
            for agent in self._agents:
                yield _message(
                    Event="QueueMember",
                    Queue=QUEUE,
                    Name=f"Agent {agent}",
                    Location=f"PJSIP/{agent}",
                    **self._member(agent),
                    ActionID=action_id,
                )
        yield _message(
            Event=f"{name}Complete", ActionID=action_id, EventList="Complete", ListItems=str(items)
        )

    def _member(self, agent: str) -> dict[str, str]:
        return {
            "StateInterface": f"PJSIP/{agent}",
            "Membership": "dynamic",
            "Penalty": "0",
            "CallsTaken": "17",
            "LastCall": "1790000000",
            "LastPause": "1790000100",
            "LoginTime": "1789990000",
            "InCall": "0",
            "Status": "1",
            "Paused": "1",
            "PausedReason": self._reasons[agent],
            "Wrapuptime": "0",
        }


class _Connection(asyncio.Protocol):
    def __init__(self, ami: FastAmi) -> None:
        self._ami = ami
        self._pending = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(b"Asterisk Call Manager/11.0.0\r\n")

    def data_received(self, data: bytes) -> None:
        *blocks, self._pending = (self._pending + data).split(_END)
        for block in blocks:
            lines = (line.partition(": ") for line in block.decode().split("\r\n"))
            action = {name.lower(): value for name, _, value in lines}
            self.transport.write(self._ami.answer(action))
            if action.get("action", "").lower() == "login":
                self._ami.transports.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ami.transports.discard(self.transport)


def _message(**headers: str) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


@asynccontextmanager
async def fast_ami() -> AsyncGenerator[FastAmi]:
    """It listens on a free port."""
    ami = FastAmi()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(ami), "127.0.0.1", 0)
    ami.port = server.sockets[0].getsockname()[1]
    try:
        yield ami
    finally:
        server.close()

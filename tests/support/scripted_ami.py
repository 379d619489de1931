"""Asterisk's side of AMI as a script: what it answers, and how it misbehaves, is set by the test.

async with scripted_ami() as ami:
    ami.answers["queuestatus"] = my_list      # bytes, or a function of the action
    ami.frozen = True                         # like SIGSTOP: accepts, reads nothing, says nothing
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Literal, cast

from tests.support.waiting import until

END = b"\r\n\r\n"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
FULLY_BOOTED = {"Event": "FullyBooted", "Status": "Fully Booted", "Uptime": "7000", "LastReload": "7000"}


@dataclass(frozen=True)
class Action:
    """An action that came in.

    Attributes:
        connection: the number of the connection, from 1.
        lines: its headers in order, a name and a value each.
    """

    connection: int
    lines: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """`Action`, in lower case."""
        return self.get("action").lower()

    def get(self, header: str) -> str:
        """The first header of that name, whatever its case; "" when there is none."""
        return next((value for name, value in self.lines if name.lower() == header.lower()), "")

    def all(self, header: str) -> list[str]:
        """All headers of that name."""
        return [value for name, value in self.lines if name.lower() == header.lower()]


Answer = bytes | Callable[[Action], bytes]


def message(headers: dict[str, str]) -> bytes:
    """A message as Asterisk writes it."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


def response(action: Action, kind: str = "Success", **headers: str) -> bytes:
    """A response to an action."""
    return message({"Response": kind, "ActionID": action.get("ActionID"), **headers})


def listing(action: Action, items: list[dict[str, str]], name: str = "List") -> bytes:
    """A whole list: its announcement, the items, and the event that ends it."""
    action_id = action.get("ActionID")
    start = response(action, EventList="start", Message="Items will follow")
    body = b"".join(message({**item, "ActionID": action_id}) for item in items)
    end = {"Event": f"{name}Complete", "ActionID": action_id, "EventList": "Complete"}
    return start + body + message({**end, "ListItems": str(len(items))})


@dataclass
class ScriptedAmi:
    """What the test says, and what it can look at."""

    port: int = 0
    banner: bytes = BANNER
    login: Literal["accept", "refuse", "ignore"] = "accept"
    fully_booted: bool = True
    frozen: bool = False
    silent_to: set[str] = field(default_factory=lambda: cast("set[str]", set()))
    """Actions, in lower case, that are taken and never answered."""
    answers: dict[str, Answer] = field(default_factory=lambda: cast("dict[str, Answer]", {}))
    """By action in lower case; all others succeed."""
    actions: list[Action] = field(default_factory=lambda: cast("list[Action]", []))
    """All that came in, over all connections."""
    connections: int = 0
    """How many were ever made."""
    tls: ssl.SSLContext | None = None
    _open: set[_Connection] = field(default_factory=lambda: cast("set[_Connection]", set()))
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; again on the same port after :meth:`stop`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, ssl=self.tls, reuse_address=True
        )
        self.port = cast("int", self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Like the death of Asterisk: connections end, and the port refuses."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.hang_up()
        await until(lambda: not self._open, what="connections of the scripted AMI ended")

    def hang_up(self) -> None:
        """End all connections; new ones are accepted."""
        for connection in list(self._open):
            connection.transport.abort()

    def end(self) -> None:
        """End all connections in order: what was said before still arrives."""
        for connection in list(self._open):
            connection.transport.close()

    def say(self, data: bytes) -> None:
        """Send bytes to all who are connected."""
        for connection in list(self._open):
            connection.transport.write(data)

    def event(self, name: str, **headers: str) -> None:
        """Send an event to all who are connected."""
        self.say(message({"Event": name, **headers}))

    def count(self, action: str) -> int:
        """How many actions of that name (in lower case) came in."""
        return sum(each.name == action for each in self.actions)

    def add(self, connection: _Connection) -> int:
        """A connection was made; its number."""
        self._open.add(connection)
        self.connections += 1
        return self.connections

    def remove(self, connection: _Connection) -> None:
        """A connection is over."""
        self._open.discard(connection)

    @property
    def open(self) -> int:
        """How many are connected."""
        return len(self._open)

    def answer(self, action: Action) -> bytes:
        """What to say to an action."""
        if action.name in self.silent_to:
            return b""
        scripted = self.answers.get(action.name)
        if scripted is not None:
            return scripted(action) if callable(scripted) else scripted
        if action.name == "login":
            return self._answer_login(action)
        if action.name == "ping":
            return response(action, Ping="Pong", Timestamp="1700000000.000000")
        if action.name == "coresettings":
            return response(action, AMIversion="11.0.0", AsteriskVersion="22.10.1")
        if action.name == "logoff":
            return response(action, "Goodbye", Message="Thanks for all the fish.")
        return response(action)

    def _answer_login(self, action: Action) -> bytes:
        if self.login == "ignore":
            return b""
        if self.login == "refuse":
            return response(action, "Error", Message="Authentication failed")
        accepted = response(action, Message="Authentication accepted")
        return accepted + (message(FULLY_BOOTED) if self.fully_booted else b"")


class _Connection(asyncio.Protocol):
    def __init__(self, ami: ScriptedAmi) -> None:
        self._ami = ami
        self._pending = b""
        self._number = 0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._number = self._ami.add(self)
        if not self._ami.frozen:
            self.transport.write(self._ami.banner)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ami.remove(self)

    def data_received(self, data: bytes) -> None:
        if self._ami.frozen:
            return
        *blocks, self._pending = (self._pending + data).split(END)
        for block in blocks:
            lines = [line.partition(":") for line in block.decode().split("\r\n")]
            action = Action(self._number, tuple((name, value.strip()) for name, _, value in lines))
            self._ami.actions.append(action)
            self.transport.write(self._ami.answer(action))
            if action.name == "logoff":
                self.transport.close()


@contextlib.asynccontextmanager
async def scripted_ami(tls: ssl.SSLContext | None = None) -> AsyncGenerator[ScriptedAmi]:
    """A scripted AMI on a free port of 127.0.0.1."""
    ami = ScriptedAmi(tls=tls)
    await ami.start()
    try:
        yield ami
    finally:
        await ami.stop()

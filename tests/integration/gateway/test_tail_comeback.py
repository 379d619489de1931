"""`pbxis tail` comes back as the gateway says, goes on behind the last id, and ends when it must."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import pytest

from services.gateway.server import Server, bind, url_of
from services.terminal.gateway_http import GatewayRefusedError
from services.terminal.stream import events
from tests.support.waiting import until

Event = dict[str, Any]
DRAIN = "the gateway stops; retry in 731 ms"


def ready(at: str) -> Event:
    return {"type": "ready", "resumed": False, "now": 1, "id": at}


def count(number: int, at: str) -> Event:
    return {"type": "queueCount", "pbx": "hq", "queue": "q1", "count": number, "id": at}


@dataclass
class Connection:
    """What the gateway does with one: says something, then closes; without a code it falls silent."""

    says: list[Event]
    code: int | None = None
    reason: str = ""


@dataclass
class ScriptedGateway:
    """A gateway by script: each WebSocket gets the next connection, each `POST /ticket` the next status."""

    script: list[Connection]
    tickets: list[int] = field(default_factory=list[int])
    asked: list[str] = field(default_factory=list[str])
    made: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._stream(scope, receive, send)
        elif scope["type"] == "http":
            await self._ticket(send)
        else:
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        for _ in range(2):
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})

    async def _ticket(self, send: Any) -> None:
        status = self.tickets.pop(0) if self.tickets else 200
        self.made += status == 200
        body = msgspec.json.encode(f"t{self.made}" if status == 200 else {"detail": "no"})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        query = scope["query_string"].decode()
        self.asked.append(f"{scope['path']}?{query}" if query else scope["path"])
        connection = self.script.pop(0)
        await send({"type": "websocket.accept"})
        for event in connection.says:
            await send({"type": "websocket.send", "text": msgspec.json.encode(event).decode()})
        if connection.code is not None:
            await send({"type": "websocket.close", "code": connection.code, "reason": connection.reason})
        else:
            while (await receive())["type"] != "websocket.disconnect":
                pass


@contextlib.asynccontextmanager
async def serving(gateway: ScriptedGateway) -> AsyncGenerator[str]:
    with bind("127.0.0.1", 0) as listener:
        server = Server(gateway)
        task = asyncio.create_task(server.serve([listener]))
        try:
            await until(lambda: server.started)
            yield url_of(listener).rstrip("/")
        finally:
            server.should_exit = True
            await task


@dataclass
class Tail:
    """What a terminal got, and how long it waited between connections (without waiting)."""

    events: list[Event] = field(default_factory=list[Event])
    waits: list[float] = field(default_factory=list[float])
    refused: GatewayRefusedError | None = None

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


async def tail(gateway: ScriptedGateway, enough: Callable[[Tail], bool], silence_s: float = 5) -> Tail:
    """Follow until it is enough, or refused."""
    got = Tail()

    def follow(url: str) -> None:
        stream = events(url, ["*"], ["*"], silence_s=silence_s, wait=got.waits.append)
        try:
            for event in stream:
                got.events.append(event)
                if enough(got):
                    return
        except GatewayRefusedError as error:
            got.refused = error
        finally:
            cast("Generator[Any]", stream).close()

    async with serving(gateway) as url:
        await asyncio.to_thread(follow, url)
    return got


def readies(number: int) -> Callable[[Tail], bool]:
    return lambda got: got.types.count("ready") == number


async def test_it_comes_back_when_a_gateway_that_stops_says_so() -> None:
    gateway = ScriptedGateway(
        [Connection([ready("g-9"), count(1, "g-10")], 4001, DRAIN), Connection([ready("g-11")])]
    )

    got = await tail(gateway, readies(2))

    assert got.waits == [0.731]
    assert gateway.asked == ["/t1/websocket", "/t1/websocket?after=g-10"]
    assert got.types == ["ready", "queueCount", "disconnected", "ready"]
    assert got.events[2]["reason"] == DRAIN


async def test_it_goes_on_behind_the_id_of_ready_when_nothing_happened() -> None:
    gateway = ScriptedGateway(
        [Connection([ready("g-9")], 1012), Connection([ready("g-30")], 1012), Connection([ready("g-31")])]
    )

    await tail(gateway, readies(3))

    assert gateway.asked == ["/t1/websocket", "/t1/websocket?after=g-9", "/t1/websocket?after=g-30"]


async def test_after_other_ends_it_waits_longer_each_time() -> None:
    gateway = ScriptedGateway([*(Connection([], 1012) for _ in range(4)), Connection([ready("g-9")])])

    got = await tail(gateway, readies(1))

    assert len(got.waits) == 4
    assert all(0.5 <= wait < ceiling for wait, ceiling in zip(got.waits, (1, 2, 4, 8), strict=True))


async def test_silence_is_noticed() -> None:
    gateway = ScriptedGateway([Connection([ready("g-9")])])

    got = await tail(gateway, lambda got: "disconnected" in got.types, silence_s=0.05)

    assert got.events[-1]["type"] == "disconnected"


async def test_after_a_reset_there_is_no_position_until_the_next_ready() -> None:
    gateway = ScriptedGateway(
        [
            Connection([ready("g-9"), {"type": "reset"}], 1012),
            Connection([ready("h-3")], 1012),
            Connection([]),
        ]
    )

    got = await tail(gateway, lambda got: got.types.count("disconnected") == 2)
    assert gateway.asked == ["/t1/websocket", "/t1/websocket"]
    assert got.types == ["ready", "reset", "disconnected", "reset", "ready", "disconnected"]


async def test_a_state_that_broke_off_is_forgotten_before_the_next_begins() -> None:
    state = {"type": "agentName", "pbx": "hq", "agent": "148", "name": "Viktor"}
    gateway = ScriptedGateway([Connection([state], 1012), Connection([state, ready("g-9")])])

    got = await tail(gateway, readies(1))

    assert got.types == ["agentName", "disconnected", "reset", "agentName", "ready"]


async def test_a_ticket_that_is_not_known_any_more_is_replaced_and_the_position_kept() -> None:
    gateway = ScriptedGateway(
        [Connection([ready("g-9")], 1012), Connection([], 4504), Connection([ready("g-12")])]
    )

    got = await tail(gateway, readies(2))

    assert gateway.asked == ["/t1/websocket", "/t1/websocket?after=g-9", "/t2/websocket?after=g-9"]
    assert got.refused is None


async def test_a_gateway_that_cannot_make_a_ticket_just_now_is_asked_again() -> None:
    gateway = ScriptedGateway(
        [Connection([ready("g-9")], 1012), Connection([], 4504), Connection([ready("g-12")])],
        tickets=[200, 503, 200],
    )

    got = await tail(gateway, readies(2))

    assert len(got.waits) == 3
    assert gateway.asked[-1] == "/t2/websocket?after=g-9"


@pytest.mark.parametrize("code", [1008, 4500, 4504, 4999])
async def test_a_live_stream_that_is_ended_for_good_is_not_opened_again(code: int) -> None:
    gateway = ScriptedGateway([Connection([ready("g-9")], code)])

    got = await tail(gateway, lambda _: False)

    assert f"({code})" in str(got.refused)
    assert got.waits == []


async def test_a_gateway_that_says_no_to_a_new_ticket_ends_it() -> None:
    gateway = ScriptedGateway([Connection([], 4504)], tickets=[200, 401])

    got = await tail(gateway, lambda _: False)

    assert "answered 401" in str(got.refused)

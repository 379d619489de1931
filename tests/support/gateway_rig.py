"""A gateway on a free port of this machine, with a fake ticket store and a log that the test writes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from services.gateway.action_desk import ActionDesk
from services.gateway.app import Gateway, build
from services.gateway.errors import PROBLEM_JSON
from services.gateway.server import Server, bind, url_of
from services.gateway.settings import Settings
from tests.support.action_fakes import FakeAudit, FakeBus, FakeOnceStore
from tests.support.certificate import server_and_client
from tests.support.gateway_fakes import FakeClock, FakeTicketStore, Log, online
from tests.support.waiting import until

Events = list[dict[str, Any]]
WITHIN_S = 5.0
LANE = "PBXIS_TEST_LANE"


@dataclass
class Rig:
    """One gateway and what drives it."""

    gateway: Gateway
    url: str
    clock: FakeClock
    store: FakeTicketStore
    log: Log
    http: httpx.AsyncClient
    bus: FakeBus
    once: FakeOnceStore
    audit: FakeAudit
    server: Server
    tickets: list[str] = field(default_factory=list[str])

    async def ticket(self, **parameters: Any) -> str:
        """Make a ticket; lists are agents and queues."""
        answer = await self.http.post("/ticket", json=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def poll(self, ticket: str, after: str | None = None) -> Events:
        """One long poll."""
        answer = await self.http.get(f"/{ticket}/long-poll", params={} if after is None else {"after": after})
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextlib.asynccontextmanager
    async def websocket(
        self, ticket: str, after: str | None = None, origin: str | None = None
    ) -> AsyncGenerator[WebSocket]:
        query = "" if after is None else f"?after={after}"
        address = f"{self.url.replace('http', 'ws', 1)}{ticket}/websocket{query}"
        tls = server_and_client()[1] if address.startswith("wss") else None
        async with connect(address, origin=origin, proxy=None, ssl=tls) as connection:  # pyright: ignore[reportArgumentType]
            yield WebSocket(connection)

    @contextlib.asynccontextmanager
    async def sse(
        self, ticket: str, after: str | None = None, headers: dict[str, str] | None = None
    ) -> AsyncGenerator[Sse]:
        params = {} if after is None else {"after": after}
        async with self.http.stream("GET", f"/{ticket}/sse", params=params, headers=headers) as answer:
            yield Sse(answer)


class WebSocket:
    """The events of a WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def next(self) -> dict[str, Any]:
        """The next event."""
        return msgspec.json.decode(await asyncio.wait_for(self.connection.recv(), WITHIN_S))

    async def until(self, kind: str) -> Events:
        """All events up to the first of a type."""
        events = [await self.next()]
        while events[-1]["type"] != kind:
            events.append(await self.next())
        return events

    async def closed(self) -> int:
        """The close code; events before it are left out."""
        try:
            while True:
                await asyncio.wait_for(self.connection.recv(), WITHIN_S)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 1006


class Sse:
    """The events of an event stream: what a browser would see, ``type`` and ``id`` put back in."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()
        self.retry: str | None = None

    async def next(self) -> dict[str, Any] | None:
        """The next event; ``None`` at the end."""
        fields: dict[str, str] = {}
        while True:
            try:
                line = await asyncio.wait_for(anext(self._lines), WITHIN_S)
            except StopAsyncIteration:
                return None
            if line:
                name, _, value = line.partition(": ")
                assert name not in fields, f"two {name} in one event"
                fields[name] = value
            elif "event" in fields:
                event = {"type": fields["event"], **msgspec.json.decode(fields["data"])}
                return {**event, "id": fields["id"]} if fields.get("id") else event
            else:
                self.retry = fields.get("retry")
                fields = {}

    async def until(self, kind: str) -> Events:
        """All events up to the first of a type."""
        events: Events = []
        while not events or events[-1]["type"] != kind:
            event = await self.next()
            assert event is not None, events
            events.append(event)
        return events


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document that an answer must be."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    return answer.json()


def kind_of_connection() -> str:
    """How gateways are served: ``raw`` (as always), ``asgi`` (without the raw lane) or ``tls``."""
    return os.environ.get(LANE, "raw")


def server_of(gateway: Gateway) -> Server:
    """A server for it."""
    kind = kind_of_connection()
    tls = server_and_client()[0] if kind == "tls" else None
    return Server(gateway.asgi, gateway.hub.counters, raw=kind != "asgi", tls=tls)


@contextlib.asynccontextmanager
async def serving(gateway: Gateway, server: Server | None = None) -> AsyncGenerator[str]:
    """Serve a gateway; its address."""
    kind = kind_of_connection()
    server = server or server_of(gateway)
    with bind("127.0.0.1", 0) as listener:
        tasks = [asyncio.create_task(server.serve([listener])), asyncio.create_task(gateway.run())]
        try:
            await until(lambda: server.started and not gateway.desk.not_ready)
            url = url_of(listener)
            yield url.replace("http", "https") if kind == "tls" else url
        finally:
            gateway.stop()
            server.should_exit = True
            await tasks[0]
            tasks[1].cancel()
            await asyncio.gather(tasks[1], return_exceptions=True)


@contextlib.asynccontextmanager
async def running(
    *,
    started: bool = True,
    store: FakeTicketStore | None = None,
    log: Log | None = None,
    bus: FakeBus | None = None,
    **settings: Any,
) -> AsyncGenerator[Rig]:
    """A gateway open to this machine; ``started``: it has a state, and every bridge has been heard."""
    clock = FakeClock()
    defaults: dict[str, Any] = {"host": "127.0.0.1", "pbxs": ("hq",), "open": True, "poll_timeout_s": 5}
    chosen = Settings(**{**defaults, **settings})
    store = store or FakeTicketStore()
    bus = bus or FakeBus()
    once, audit = FakeOnceStore(), FakeAudit()
    desk = ActionDesk(
        bus,
        once,
        audit,
        clock,
        server_now=clock.now_ms,
        timeout_s=5,
        random=secrets.token_bytes,
        look_every_s=0.01,
    )
    log = log or Log()
    gateway = build(chosen, store, clock, desk, audit, log)
    log.hubs.append(gateway.hub)
    tls = server_and_client()[1] if kind_of_connection() == "tls" else None
    client = httpx.AsyncClient(trust_env=False, verify=tls or True)
    server = server_of(gateway)
    async with serving(gateway, server) as url, client as http:
        http.base_url = url
        if started:
            log.start(*(online(pbx) for pbx in chosen.pbxs))
            for pbx in chosen.pbxs:
                gateway.hub.alive(pbx)
        yield Rig(gateway, url, clock, store, log, http, bus, once, audit, server)

"""Clients of a gateway's streams for tests: three transports, one shape.

Each keeps all events as dictionaries with `type` and, where the event had one, `id`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

import httpx
from websockets.asyncio.client import connect

Event = dict[str, Any]
TRANSPORTS = ("long-poll", "sse", "websocket")


async def make_ticket(url: str, **filters: Any) -> str:
    """A ticket of this gateway."""
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{url}/ticket", json=filters)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json())


class StreamClient:
    """Reads one transport in the background; ``events`` grows."""

    def __init__(self, url: str, ticket: str, transport: str) -> None:
        self.events: list[Event] = []
        self.transport = transport
        self._read = {"long-poll": _long_poll, "sse": _sse, "websocket": _websocket}[transport]
        self._arguments = (url, ticket)
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> StreamClient:
        self._task = asyncio.create_task(self._collect())
        await self.until(lambda: any(event["type"] == "ready" for event in self.events), "ready")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _collect(self) -> None:
        async for event in self._read(*self._arguments):
            self.events.append(event)
            self._arrived.set()

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
        """Wait for a condition on ``events``.

        Raises:
            AssertionError: not in time, or the stream ended before; shows the last events.
        """
        assert self._task is not None
        deadline = asyncio.get_running_loop().time() + within_s
        while not condition():
            self._arrived.clear()
            left = deadline - asyncio.get_running_loop().time()
            arrived = asyncio.ensure_future(self._arrived.wait())
            await asyncio.wait(
                {arrived, self._task}, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED
            )
            arrived.cancel()
            if condition():
                return
            if self._task.done():
                self._task.result()
                raise AssertionError(f"{self.transport} ended without {what}: {self.events[-15:]}")
            if left <= 0:
                raise AssertionError(f"{self.transport}: no {what} in {within_s:.0f} s: {self.events[-15:]}")

    async def until_event(self, within_s: float = 20.0, **properties: Any) -> Event:
        """Wait for an event with these properties; the first there is."""
        await self.until(lambda: bool(self.matching(**properties)), f"event {properties}", within_s)
        return self.matching(**properties)[0]

    def matching(self, **properties: Any) -> list[Event]:
        """The events that have these properties."""
        return [event for event in self.events if _has(event, properties)]

    @property
    def snapshot(self) -> list[Event]:
        """What came before the first `ready`."""
        types = [event["type"] for event in self.events]
        return self.events[: types.index("ready")]

    @property
    def live(self) -> list[Event]:
        """What came with an id, `ready` and `reset` left out."""
        return [event for event in self.events if "id" in event and event["type"] not in ("ready", "reset")]

    def state(self, kind: str, **scope: Any) -> Event | None:
        """The newest event of a type and scope."""
        found = self.matching(type=kind, **scope)
        return found[-1] if found else None


def _has(event: Event, properties: dict[str, Any]) -> bool:
    return all(key in event and event[key] == value for key, value in properties.items())


async def _websocket(url: str, ticket: str) -> AsyncIterator[Event]:
    async with connect(f"ws{url.removeprefix('http')}/{ticket}/websocket", max_size=None) as stream:
        async for message in stream:
            yield json.loads(message)


async def _sse(url: str, ticket: str) -> AsyncIterator[Event]:
    event: Event = {}
    async with (
        httpx.AsyncClient(timeout=None) as http,  # noqa: S113 - a stream has no end
        http.stream("GET", f"{url}/{ticket}/sse") as answer,
    ):
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event["type"] = value
            elif name == "data":
                data = json.loads(value)
                assert "type" not in data
                event |= data
            elif name == "id" and value:
                event["id"] = value
            elif not line and event:
                yield event
                event = {}


async def _long_poll(url: str, ticket: str) -> AsyncIterator[Event]:
    position: str | None = None
    async with httpx.AsyncClient(timeout=60) as http:
        while True:
            query = {"after": position} if position else {}
            answer = await http.get(f"{url}/{ticket}/long-poll", params=query)
            assert answer.status_code == 200, answer.text
            for event in answer.json():
                position = event.get("id", position)
                yield event

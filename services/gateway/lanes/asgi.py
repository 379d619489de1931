"""The ASGI lane: for servers that do not show their transport. A task of its own awaits each ``send``."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from services.gateway.core.batch import Batch
from services.gateway.lanes.lane import HIGH_WATER, LOW_WATER, LaneName, Reader, Transport

Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiLane(ABC):
    """A bounded buffer, as a transport has one."""

    transport: Transport
    name: LaneName = "asgi"

    def __init__(self, send: Send) -> None:
        self._send = send
        self._reader: Reader | None = None
        self._batches: deque[Batch] = deque()
        self._size = 0
        self._paused = False
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def attach(self, reader: Reader) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._reader = reader

    def write(self, batch: Batch) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._batches.append(batch)
        self._size += batch.size
        self._empty.clear()
        self._wake.set()
        if not self._paused and self._size > HIGH_WATER:
            self._paused = True
            if self._reader is not None:
                self._reader.pause()

    def drop(self) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        while self._batches:
            self._take_off(self._batches.pop())

    async def run(self) -> None:
        """Send what is written, until cancelled or the connection fails."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._batches:
                batch = self._batches.popleft()
                await self._put(batch)
                self._take_off(batch)
            self._empty.set()

    async def emptied(self) -> None:
        """Until all that was written has been sent."""
        await self._empty.wait()

    def _take_off(self, batch: Batch) -> None:
        self._size -= batch.size
        if self._paused and self._size < LOW_WATER:
            self._paused = False
            if self._reader is not None:
                self._reader.go_on()

    @abstractmethod
    async def _put(self, batch: Batch) -> None:
        """Send one batch."""


class AsgiWebSocketLane(AsgiLane):
    """A WebSocket: one message an event."""

    transport: Transport = "websocket"

    async def _put(self, batch: Batch) -> None:
        for message in batch.messages:
            await self._send({"type": "websocket.send", "text": message.text})


class AsgiSseLane(AsgiLane):
    """An event stream: one part of the body a batch."""

    transport: Transport = "sse"

    async def _put(self, batch: Batch) -> None:
        await self._send({"type": "http.response.body", "body": batch.events, "more_body": True})

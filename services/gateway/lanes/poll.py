"""The lane of one long poll: what is written is kept for its answer."""

from __future__ import annotations

import asyncio

from services.gateway.core.batch import Batch
from services.gateway.core.frames import Message
from services.gateway.lanes.lane import LaneName, Reader, Transport

ANSWER_BYTES = 1024 * 1024
"""An answer ends with the batch that brings it to this; the next poll goes on there."""


class PollLane:
    """Keeps messages until they are taken."""

    transport: Transport = "long-poll"
    name: LaneName = "asgi"

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._messages: list[Message] = []
        self._size = 0
        self.filled = asyncio.Event()

    def attach(self, reader: Reader) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._reader = reader

    def write(self, batch: Batch) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._messages.extend(batch.messages)
        before, self._size = self._size, self._size + batch.size
        self.filled.set()
        if before < ANSWER_BYTES <= self._size and self._reader is not None:
            self._reader.pause()

    def drop(self) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._messages.clear()
        self.filled.clear()

    def take(self) -> list[Message]:
        """Everything that was written."""
        messages, self._messages = self._messages, []
        return messages

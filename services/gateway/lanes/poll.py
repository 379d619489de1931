"""The lane of one long poll: what is written is kept for its answer."""

from __future__ import annotations

import asyncio

from services.gateway.core.batch import Batch
from services.gateway.core.frames import Message
from services.gateway.lanes.lane import LaneName, Reader, Transport

ANSWER_BYTES = 1024 * 1024
"""An answer ends with the batch that brings it to this; the next poll goes on there. A state comes whole."""


class PollLane:
    """Keeps messages until they are taken."""

    transport: Transport = "long-poll"
    name: LaneName = "asgi"

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._messages: list[Message] = []
        self._size = 0
        self._full = False
        self.filled = asyncio.Event()

    def attach(self, reader: Reader) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._reader = reader

    def write(self, batch: Batch) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._messages.extend(batch.messages)
        self._size += batch.size
        self.filled.set()
        last = batch.messages[-1]
        # Nobody can go on in the middle of a state: it has no ids.
        may_end = bool(last.sequence) or last.type == "ready"
        if may_end and self._size >= ANSWER_BYTES and not self._full and self._reader is not None:
            self._full = True
            self._reader.pause()

    def drop(self) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._messages.clear()
        self._size = 0
        self.filled.clear()
        if self._full and self._reader is not None:
            self._full = False
            self._reader.go_on()

    def take(self) -> list[Message]:
        """Everything that was written."""
        messages, self._messages = self._messages, []
        return messages

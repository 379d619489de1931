"""One client's end of the hub: what waits to be written to it.

The hub puts messages in and never waits; a transport takes them out, as many as there are, and writes
them in one go. What waits is bounded: a client that does not read is ended with a code that lets it come
back and resume, since dropping messages would leave it with wrong figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum

from services.gateway.core.frames import Message
from services.gateway.core.position import Position
from services.gateway.core.scope import Scope

LIMIT_BYTES = 1024 * 1024


class End(Enum):
    """Why a subscription ended."""

    NO_TICKET = "the ticket was revoked or has expired"
    STOPPING = "the gateway stops"
    TOO_SLOW = "the client does not keep up"
    KEYS_AWAY = "the API keys cannot be read"
    REPLACED = "a newer poll of the same ticket took over"


class Subscription:
    """What one client gets. All methods but :meth:`wait` return at once."""

    def __init__(self, scope: Scope, after: Position | None, *, poll: bool, resume: bool) -> None:
        """Make one; the hub fills it.

        Args:
            scope: what it gets.
            after: where it resumes; ``None`` with ``resume`` asked for means nowhere that can be known.
            poll: one answer of a long poll: no pings, and no ``ready`` when it resumes.
            resume: whether the client claims to have a state.
        """
        self.scope = scope
        self.after = after
        self.poll = poll
        self.resume = resume
        self.begun = False
        self.ended: End | None = None
        self._messages: list[Message] = []
        self._size = 0
        self._wake = asyncio.Event()
        self._over = asyncio.Event()

    def open(self, messages: Sequence[Message]) -> None:
        """What the stream begins with, or begins anew with; its size is not held against the client."""
        if self.ended is not None:
            return
        self.begun = True
        self._messages = list(messages)
        self._size = 0
        if self._messages:
            self._wake.set()

    def forget(self) -> None:
        """Drop what waits: a ``reset`` will replace it."""
        self._messages.clear()
        self._size = 0

    def push(self, messages: Sequence[Message], size: int) -> None:
        """Add live messages of ``size`` bytes; ends the subscription when too much waits."""
        if self.ended is not None:
            return
        # One large batch is no sign of slowness; a batch that finds others waiting may be.
        if self._size and self._size + size > LIMIT_BYTES:
            self._messages.clear()
            self.end(End.TOO_SLOW)
            return
        self._messages.extend(messages)
        self._size += size
        self._wake.set()

    def end(self, reason: End) -> None:
        """No more messages will come. Those of a ticket that is no longer valid are not given either."""
        if self.ended is None:
            self.ended = reason
            if reason is End.NO_TICKET:
                self._messages.clear()
            self._over.set()
            self._wake.set()

    async def over(self) -> None:
        """Until it has ended."""
        await self._over.wait()

    async def wait(self) -> None:
        """Until there is something to take, or it has ended."""
        await self._wake.wait()

    def take(self) -> list[Message]:
        """Everything that waits."""
        messages, self._messages = self._messages, []
        self._size = 0
        if self.ended is None:
            self._wake.clear()
        return messages

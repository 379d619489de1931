"""What one write carries: some messages, joined once for all clients that get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.gateway.core.chunked import chunk
from services.gateway.core.frames import Message

SLICE_BYTES = 64 * 1024
"""How large a batch may be, but for a single message that is larger."""

FRAMING_BYTES = 64
"""What framing and id add to a payload, about."""


class Batch:
    """Messages in order, at least one; each form is made when it is asked for, once.

    Attributes:
        last: a client that has this and what came before has everything for it up to this sequence.
        serial: batches that go to groups are numbered in the order of their making; 0 for others.
    """

    __slots__ = ("_chunk", "_events", "_frames", "last", "messages", "serial")

    def __init__(self, messages: Sequence[Message], last: int, serial: int = 0) -> None:
        self.messages = messages
        self.last = last
        self.serial = serial
        self._frames: bytes | None = None
        self._events: bytes | None = None
        self._chunk: bytes | None = None

    @property
    def frames(self) -> bytes:
        """WebSocket frames, one a message."""
        made = self._frames
        if made is None:
            messages = self.messages
            made = messages[0].frame if len(messages) == 1 else b"".join([one.frame for one in messages])
            self._frames = made
        return made

    @property
    def events(self) -> bytes:
        """Events of an event stream."""
        made = self._events
        if made is None:
            made = self._events = b"".join([one.sse for one in self.messages])
        return made

    @property
    def chunk(self) -> bytes:
        """The same as one chunk of an HTTP body."""
        made = self._chunk
        if made is None:
            made = self._chunk = chunk(self.events)
        return made

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum([len(one.payload) for one in self.messages]) + FRAMING_BYTES * len(self.messages)


def slices(messages: Iterable[Message], *, after_events: bool = False) -> Iterator[list[Message]]:
    """Cut into batches of a bounded size; none is empty.

    Args:
        messages: what is to be cut.
        after_events: cut only behind what has a place in the log.
    """
    part: list[Message] = []
    size = 0
    for message in messages:
        part.append(message)
        size += len(message.payload) + FRAMING_BYTES
        if size >= SLICE_BYTES and (message.sequence or not after_events):
            yield part
            part, size = [], 0
    if part:
        yield part

"""What is sent to clients, in the form each transport wants.

An event arrives as the JSON object that the browser gets (ADR 0002) and is never decoded: the id is
spliced in before the last brace, and for SSE the type is cut out from the front. A :class:`Message` makes
each form once, however many clients get it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.gateway.core import sse
from services.gateway.core.position import RESET_ID
from services.gateway.core.websocket import text_frame
from shared.errors import MalformedEventError

_HEAD = b'{"type":"'


class Message:
    """One event or one word of stream control, for one client or for many.

    ``payload`` is compact JSON, ``type`` first, without an id. ``id`` is the position after it; snapshot
    events and most control messages have none. ``sequence`` is its place in the log, 0 for what is not in it.
    """

    __slots__ = ("_frame", "_json", "_sse", "id", "payload", "sequence")

    def __init__(self, payload: bytes, id: str | None = None, sequence: int = 0) -> None:
        self.payload = payload
        self.id = id
        self.sequence = sequence
        # Made when asked for, once. No `cached_property`: before Python 3.12 it takes a lock.
        self._json: bytes | None = None
        self._frame: bytes | None = None
        self._sse: bytes | None = None

    @property
    def type(self) -> str:
        """The event's type."""
        return self._type_bytes.decode("ascii")

    @property
    def json(self) -> bytes:
        """One JSON object, with the id."""
        made = self._json
        if made is None:
            made = self.payload
            if self.id is not None:
                made = b'%b,"id":"%b"}' % (made[:-1], self.id.encode("ascii"))
            self._json = made
        return made

    @property
    def text(self) -> str:
        """The same as text."""
        return self.json.decode("utf-8")

    @property
    def frame(self) -> bytes:
        """The same as a WebSocket frame."""
        made = self._frame
        if made is None:
            made = self._frame = text_frame(self.json)
        return made

    @property
    def sse(self) -> bytes:
        """One event of an event stream."""
        made = self._sse
        if made is None:
            event = self._type_bytes
            rest = self.payload[len(_HEAD) + len(event) + 1 :]
            data = b"{" + rest[1:] if rest.startswith(b",") else b"{}"
            made = self._sse = sse.event(event, data, None if self.id is None else self.id.encode("ascii"))
        return made

    @property
    def _type_bytes(self) -> bytes:
        return self.payload[len(_HEAD) : self.payload.index(b'"', len(_HEAD))]


def check(event_type: str, payload: bytes) -> None:
    """Refuse what would break a frame: the log is written by bridges, yet a line end in it must not
    become a second event in a browser, nor a byte that is no text end each WebSocket that it comes to (1007).

    Raises:
        MalformedEventError: not compact JSON in UTF-8 with that type in front.
    """
    head = b'{"type":"%b"' % event_type.encode("ascii", "replace")
    if not payload.startswith((head + b",", head + b"}")) or not payload.endswith(b"}"):
        raise MalformedEventError(f"it does not begin with the type {event_type!r}")
    if b"\n" in payload or b"\r" in payload:
        raise MalformedEventError("it holds a line end")
    if not payload.isascii():
        try:
            payload.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedEventError(f"it is not UTF-8: {error}") from error


def json_array(messages: Iterable[Message]) -> bytes:
    """The answer of a long poll."""
    return b"[" + b",".join(message.json for message in messages) + b"]"


def _control(kind: str, **properties: object) -> bytes:
    return msgspec.json.encode({"type": kind, **properties})


def ready(*, resumed: bool, now_ms: int, position: str) -> Message:
    """The state is complete; what follows happens now. ``position`` is where the client is."""
    return Message(_control("ready", resumed=resumed, now=now_ms), position)


def ping(now_ms: int) -> Message:
    """The stream is alive; ``now`` is the service's clock."""
    return Message(_control("ping", now=now_ms))


class _Reset(Message):
    """In an event stream it has an id that is no place in any log.

    An EventSource that lost its connection in the middle of the state would else come back behind an old id,
    or with the `after` of its first address, and never be told what it has forgotten.
    """

    __slots__ = ()

    @property
    def sse(self) -> bytes:
        return sse.event(b"reset", b"{}", RESET_ID.encode("ascii"))


RESET = _Reset(_control("reset"))
"""Forget the state, and where you were; a new snapshot and ``ready`` follow."""

CLOSED = Message(_control("closed"))
"""The ticket is not valid, or no longer."""

CLOSE = Message(_control("close"))
"""No further events will come: do not reconnect."""

"""How long a connection may wait for its client.

Each connection says what it waits for; looking at all of them every few seconds takes no timer for each, and
finds every way in which one can be kept. A stream waits for nothing here: the hub sees whether its client
reads.
"""

from __future__ import annotations

from asyncio import Transport
from collections.abc import Iterable, Mapping
from math import inf
from typing import Literal, NamedTuple, Protocol

What = Literal["head", "body", "flush"]

HEAD_WITHIN_S = 20.0
"""For the head of a request, from the connection's beginning or the answer before it."""

BODY_WITHIN_S = 30.0
"""For the body of a request, from the end of its head."""

FLUSH_WITHIN_S = 30.0
"""For taking each :data:`FLUSH_BYTES`, and the rest, of what was written before a connection is closed."""

FLUSH_BYTES = 256 * 1024

LOOK_EVERY_S = 5.0
"""Deadlines are missed by so much at most."""

_FROZEN_S = 2 * LOOK_EVERY_S

_WITHIN_S: Mapping[What, float] = {"head": HEAD_WITHIN_S, "body": BODY_WITHIN_S, "flush": FLUSH_WITHIN_S}


class Wait(NamedTuple):
    """What is waited for; with another ``number`` or behind more ``answers`` it is another wait."""

    what: What
    number: int
    answers: int = 0


class Waiting(Protocol):
    """A connection."""

    def waits_for(self) -> Wait | None:
        """What it waits for from its client now."""
        ...

    def overdue(self, what: What) -> None:
        """Its client has taken too long."""
        ...


class Deadlines:
    """Since when each connection waits for what."""

    def __init__(self) -> None:
        self._since: dict[Waiting, tuple[Wait, float]] = {}
        self._looked_at = -inf

    def due(self, now: float) -> bool:
        """Whether it is time to look; ``now`` as for :meth:`look`."""
        return now - self._looked_at >= LOOK_EVERY_S

    def look(self, connections: Iterable[Waiting], now: float) -> None:
        """Look at all connections there are; ``now`` is in seconds on a clock that never goes back.

        After a look that comes far too late every wait begins anew: the process stood still, and what the
        clients have sent and taken meanwhile has not been seen.
        """
        if now - self._looked_at > _FROZEN_S:
            self._since.clear()
        self._looked_at = now
        since: dict[Waiting, tuple[Wait, float]] = {}
        for connection in list(connections):
            wait = connection.waits_for()
            if wait is None:
                continue
            known = self._since.get(connection)
            begun = known[1] if known is not None and known[0] == wait else now
            if now - begun >= _WITHIN_S[wait.what]:
                connection.overdue(wait.what)
            else:
                since[connection] = wait, begun
        self._since = since


def unsent(transport: Transport) -> int:
    """Bytes that were written and not yet taken; 0 when that is not known."""
    try:
        return transport.get_write_buffer_size()
    except AttributeError:  # asyncio's TLS when it was closed twice; it ends by itself after 30 s
        return 0


def flush(size: int, answers: int = 0) -> Wait:
    """The wait for a client to take so many bytes, when so many answers of the connection have begun."""
    return Wait("flush", size // FLUSH_BYTES, answers)

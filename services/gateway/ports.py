"""What the gateway needs from outside, and what it offers to the feed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from services.gateway.core.tickets import Ticket
from shared.audit import AuditRecord
from shared.commands import Command, Outcome


class FeedSink(Protocol):
    """Where the feed of the log delivers. Every call is made on the event loop and returns at once."""

    def begin(self, generation: str) -> None:
        """Forget everything: a new snapshot follows."""
        ...

    def restore(self, subject: str, payload: bytes, sequence: int) -> None:
        """One document of the snapshot, in sequence order."""
        ...

    def caught_up(self, last_sequence: int) -> None:
        """Ready: everything up to ``last_sequence`` has been given."""
        ...

    def deliver(self, subject: str, payload: bytes, sequence: int) -> None:
        """A live message, each once, ascending."""
        ...

    def stale(self, reason: str) -> None:
        """Contact with the log is lost: figures are not live."""
        ...

    def fresh(self) -> None:
        """Contact is back and caught up; nothing was missed."""
        ...

    def alive(self, pbx: str) -> None:
        """A bridge's heartbeat (core NATS, each second)."""
        ...


class Stored(NamedTuple):
    """A message of the log."""

    subject: str
    payload: bytes
    sequence: int


class LogHistory(Protocol):
    """The log, read back."""

    async def page(self, generation: str, after: int, most: int) -> list[Stored]:
        """What follows a sequence of that log, oldest first, so many messages at most; none at its end.

        Raises:
            HistoryGoneError: not all of it is there any more, or the log is another one.
            BusAwayError: it cannot be read now.
        """
        ...


class Clock(Protocol):
    """The time of day and a clock that never jumps."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...


class StoredTicket(NamedTuple):
    """A ticket and when its life was last prolonged, in milliseconds since the epoch."""

    ticket: Ticket
    touched_ms: int


class Cursor(NamedTuple):
    """Where a ticket's last long poll ended; ``revision`` changes with every move and every touch."""

    position: str
    revision: int


class TicketStore(Protocol):
    """Tickets and cursors, shared by all gateways. Keys are hashes of ticket ids.

    A ticket lives for the store's time to live after it was created or last touched, and its cursor no
    shorter. Every call raises ``BusAwayError`` when the store cannot be reached.
    """

    async def create(self, key: str, ticket: Ticket, now_ms: int) -> None:
        """Keep a new ticket."""
        ...

    async def read(self, key: str) -> StoredTicket | None:
        """The ticket; ``None`` when there is none that can be read, or no longer."""
        ...

    async def touch(self, key: str, now_ms: int) -> bool:
        """Prolong the life of a ticket and its cursor; false when there is no ticket. It brings none back."""
        ...

    async def revoke(self, key: str) -> bool:
        """End a ticket and forget its cursor; false when there was none."""
        ...

    async def read_cursor(self, key: str) -> Cursor | None:
        """Where the ticket's last long poll ended; ``None`` before the first."""
        ...

    async def move_cursor(self, key: str, position: str, found: Cursor | None) -> bool:
        """Move the cursor on from where it was ``found``, or make it, should it have been lost.

        False when it is elsewhere by now, or its ticket was revoked.
        """
        ...

    async def watch(self, revoked: Callable[[str], None], watching: Callable[[], None]) -> None:
        """Tell of every ticket that any gateway revokes; runs until cancelled, and raises nothing.

        ``revoked`` is called with the key. ``watching`` is called when the watch begins, and again each
        time it had to begin anew: what was revoked before it, ``revoked`` may not have told.
        """
        ...


class CommandBus(Protocol):
    """The way to the bridges."""

    async def ask(
        self, pbx: str, command: Command, *, command_id: str, caller: str, within_s: float
    ) -> Outcome:
        """Send one command to the acting bridge of a PBX, once, and wait for its answer.

        It raises nothing for what a bridge or NATS may do: that is ``not_sent`` (``no_bridge``, ``bus_away``:
        nothing left this process, or nobody was there to take it) or ``unknown`` (``no_answer``: it left, and
        no answer came within ``within_s``).
        """
        ...


class Settled(NamedTuple):
    """How an action under an idempotency key ended."""

    command_id: str
    outcome: Outcome


class Running(NamedTuple):
    """An action under an idempotency key has begun and has no known end (yet).

    ``give_up_ms``: when whoever began it has given up waiting, in ms since the epoch; after it the end will
    never be known.
    """

    command_id: str
    give_up_ms: int


class OnceStore(Protocol):
    """Which idempotency keys were used for what; shared by all gateways, kept 24 h.

    ``key`` is a hash of the caller and his key, ``fingerprint`` one of the request.
    """

    async def begin(
        self, key: str, fingerprint: str, command_id: str, give_up_ms: int
    ) -> int | Running | Settled:
        """Take the key for a request; a revision when nobody has, else how far the same request has come.

        Raises:
            KeyReusedError: it was taken for another request.
            BusAwayError: the store cannot be reached. Should it have taken the key nevertheless, then it
                gives it back as soon as it can.
        """
        ...

    async def settle(self, key: str, revision: int, fingerprint: str, settled: Settled) -> None:
        """Keep how it ended; later, by itself, when the store cannot be reached now."""
        ...

    async def release(self, key: str, command_id: str) -> None:
        """Give the key back if this attempt has it: nothing was sent, so the same request may be tried again.

        Later, by itself, when the store cannot be reached now.
        """
        ...

    async def look(self, key: str) -> Running | Settled | None:
        """How far it has come; ``None`` when the key is free (again).

        Raises:
            BusAwayError: the store cannot be reached.
        """
        ...


class AuditLog(Protocol):
    """Where it is written down who did what."""

    async def begin(self, record: AuditRecord) -> None:
        """Send the record of a beginning, ahead of the command. It is lost when NATS is lost just then."""
        ...

    def write(self, record: AuditRecord) -> None:
        """Take the record of an end; returns at once. It is stored as soon as NATS takes it."""
        ...


class AuditEntry(NamedTuple):
    """A record of the audit, as JSON, and its sequence in the stream."""

    sequence: int
    record: bytes


class AuditReading(Protocol):
    """One reader's place in the audit."""

    async def next(self, within_s: float) -> list[AuditEntry]:
        """What comes next, oldest first; nothing when nothing came for so long."""
        ...


class AuditReader(Protocol):
    """The way to read the audit."""

    def read(self, after: int | None, newest: int) -> AbstractAsyncContextManager[AuditReading]:
        """Read what follows a sequence; ``None``, or one that there is not: the newest so many, and on.

        Entering it raises ``BusAwayError`` when the audit cannot be read now. Later losses of contact it
        overcomes by itself.
        """
        ...

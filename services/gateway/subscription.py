"""One client of the hub: what it has got, and whether it takes more.

A client is **live** while it is given every batch of its group as it comes. When its lane cannot take more
(``paused``) it is *behind*: nothing is kept for it but its place in the log, ``at``. When the lane takes more
again, the hub gives it what it missed, from where it stands (``openings.py``), and it is live again. So what
is held for a client that does not read is bounded, whatever happens meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from services.gateway.core.batch import Batch
from services.gateway.core.position import Position
from services.gateway.core.scope import Scope
from services.gateway.lanes.lane import Lane


class End(Enum):
    """Why a subscription ended."""

    NO_TICKET = "the ticket was revoked or has expired"
    STOPPING = "the gateway stops"
    TOO_SLOW = "the client does not keep up"
    KEYS_AWAY = "the API keys cannot be read"
    REPLACED = "a newer poll of the same ticket took over"


class Subscription:
    """What one client gets. Everything returns at once.

    Attributes:
        at: the sequence in the log up to which it has everything.
        serial: of the last batch that it has, or has the content of.
        due: it gets the state next (``reset`` before it, if it had one).
        resuming: it is on its way from ``after`` to now, and is told so at its end.
        opening: the state is on its way to it, and then ``ready``.
        doubted: it was told that its figures may be old, and is told how they are when it has everything.
        from_log: something of what it missed was read from the log.
        backlog: what it gets before anything else.
        state_since: when it was last given the state, on the hub's clock.
        behind_since: when it stopped being live, or had taken the state, or had come nearer after that, or
            was last given all that there was; ``None`` while it is live, or has no state yet.
        behind_by: how many messages it had before it then, if coming nearer is enough; else 0.
        allowed_s: how long it may be behind from then on.
        paused_since: when its lane stopped taking; ``None`` while it takes.
    """

    __slots__ = (
        "after",
        "allowed_s",
        "at",
        "backlog",
        "begun",
        "behind_by",
        "behind_since",
        "doubted",
        "due",
        "ended",
        "from_log",
        "hub",
        "lane",
        "live",
        "on_end",
        "opening",
        "paused_since",
        "poll",
        "resume",
        "resuming",
        "scope",
        "serial",
        "state_since",
    )

    def __init__(
        self,
        hub: Attendant,
        scope: Scope,
        lane: Lane,
        after: Position | None = None,
        *,
        poll: bool = False,
        resume: bool = False,
    ) -> None:
        """Make one; the hub does.

        Args:
            hub: who is told what its lane can take.
            scope: what it gets.
            lane: the way to the client.
            after: where it resumes; ``None`` with ``resume`` asked for means nowhere that can be known.
            poll: one answer of a long poll: no pings, and no ``ready`` when it resumes.
            resume: whether the client claims to have a state.
        """
        self.hub = hub
        self.scope = scope
        self.lane = lane
        self.after = after
        self.poll = poll
        self.resume = resume
        self.begun = False
        self.ended: End | None = None
        self.on_end: Callable[[End], None] | None = None
        self.live = False
        self.at = 0
        self.serial = 0
        self.due = True
        self.resuming = False
        self.opening = False
        self.doubted = False
        self.from_log = False
        self.backlog: list[Batch] = []
        self.state_since = 0.0
        self.behind_since: float | None = None
        self.behind_by = 0
        self.allowed_s = 0.0
        self.paused_since: float | None = None
        lane.attach(self)

    @property
    def reads(self) -> bool:
        """Whether it takes more, as far as is known."""
        return self.paused_since is None and self.ended is None

    def give(self, batch: Batch) -> bool:
        """Hand over a batch of its group; false when it is not live or has it already."""
        if not self.live or batch.serial <= self.serial:
            return False
        self.serial = batch.serial
        self.at = batch.last
        self.lane.write(batch)
        return True

    def pause(self) -> None:
        """Its lane takes no more for now."""
        self.hub.paused(self)

    def go_on(self) -> None:
        """Its lane takes more."""
        self.hub.writable(self)

    def forget(self) -> None:
        """Drop what waits: a new state will replace it."""
        self.live = False
        self.backlog.clear()
        self.lane.drop()

    def end(self, reason: End) -> None:
        """No more messages will come. Those of a ticket that is no longer valid are not given either."""
        if self.ended is not None:
            return
        self.ended = reason
        self.live = False
        self.backlog.clear()
        if reason is End.NO_TICKET:
            self.lane.drop()
        if self.on_end is not None:
            self.on_end(reason)


class Attendant(Protocol):
    """Who looks after subscriptions."""

    def paused(self, subscription: Subscription, /) -> None:
        """Its lane takes no more."""
        ...

    def writable(self, subscription: Subscription, /) -> None:
        """Its lane takes more again."""
        ...

"""What still has to be published, in the order in which it came.

A state that is replaced while it waits is dropped for the newer one, which takes its place at the
**end**: what was put before it is published before it, so that `online` never overtakes the figures it
vouches for. So that a state which changes all the time gets its turn too, it keeps its place once it
has let ``_PATIENCE`` others by.

Moments are never coalesced. Above a limit the oldest is dropped, and counted. Memory is bounded by the
number of subjects plus that limit, however long NATS is away.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from shared.events import Event

_PATIENCE = 20_000


@dataclass(slots=True)
class Waiting:
    """An event that waits. ``moment_id`` is ``""`` for a state; ``turn`` is when it began to wait."""

    subject: str
    event: Event
    moment_id: str
    turn: int


@dataclass(frozen=True)
class Lost:
    """How many moments were dropped, and the instant of the first, in ms since the epoch."""

    count: int
    since: int


class Outgoing:
    """The queue before the broker."""

    def __init__(self, moments_limit: int) -> None:
        self._limit = moments_limit
        self._waiting: OrderedDict[str | int, Waiting] = OrderedDict()
        self._moments: deque[int] = deque()
        self._numbered = 0
        self._taken = 0
        self._lost: Lost | None = None
        self.dropped = 0

    @property
    def moments(self) -> int:
        """How many moments wait."""
        return len(self._moments)

    @property
    def states(self) -> int:
        """How many states wait, one a subject."""
        return len(self._waiting) - len(self._moments)

    def put_state(self, subject: str, event: Event) -> None:
        """The newest value of a subject."""
        waiting = self._waiting.get(subject)
        if waiting is None:
            self._waiting[subject] = Waiting(subject, event, "", self._taken)
            return
        waiting.event = event
        if self._taken - waiting.turn < _PATIENCE:
            self._waiting.move_to_end(subject)

    def put_moment(self, subject: str, event: Event, moment_id: str, now_ms: int) -> str | None:
        """Something that happened once; the name of the moment that was dropped for it, if one was."""
        dropped: str | None = None
        if len(self._moments) >= self._limit:
            waiting = self._waiting.pop(self._moments.popleft())
            dropped = waiting.moment_id
            self.count_lost(now_ms)
        self._numbered += 1
        self._moments.append(self._numbered)
        self._waiting[self._numbered] = Waiting(subject, event, moment_id, self._taken)
        return dropped

    def count_lost(self, since_ms: int, count: int = 1) -> None:
        """Moments will not be published."""
        self.dropped += count
        before = self._lost or Lost(0, since_ms)
        self._lost = Lost(before.count + count, min(before.since, since_ms))

    def take_lost(self) -> Lost | None:
        """What was dropped since this was asked last."""
        lost, self._lost = self._lost, None
        return lost

    def head(self) -> Waiting | None:
        """What comes next; it stays."""
        return next(iter(self._waiting.values()), None)

    def take(self) -> Waiting:
        """What comes next; it is taken out.

        Raises:
            KeyError: nothing waits.
        """
        key, waiting = self._waiting.popitem(last=False)
        if isinstance(key, int):
            self._moments.popleft()
        self._taken += 1
        return waiting

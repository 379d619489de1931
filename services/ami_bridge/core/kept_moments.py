"""The moments that the log may lack: what a bridge publishes when it begins to act for its PBX.

Every bridge of a PBX keeps each moment that it sees. The acting one drops it as the log has it. A standby
cannot know that; it is told, with each renewal of the lease, until when the acting bridge had everything
stored, and drops what it saw 30 s before that: bridges do not see a moment in the same instant. So while NATS
is away nobody drops anything, but above a limit the oldest; those are counted.

A moment may be read long after it happened: a bridge that was frozen for minutes finds in its socket what
another bridge has stored long ago. So each has, besides when it was read, an instant before which it cannot
have happened. From there on the log is asked for names when a term begins; and those found count until what
is read has happened after the term began.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from services.ami_bridge.core.outgoing import Lost
from shared.events import Event

KEEP_S = 30.0


class Instant(NamedTuple):
    """On a clock that never jumps, in seconds, and on the wall's, in ms since the epoch."""

    steady_s: float
    wall_ms: int

    def age_s(self, now: Instant) -> float:
        """By whichever clock more has passed: one stands still while the machine sleeps, one is set back."""
        return max(now.steady_s - self.steady_s, (now.wall_ms - self.wall_ms) / 1000)


class Kept(NamedTuple):
    """A moment, its name, when it was read, and since when it can have happened."""

    event: Event
    moment_id: str
    seen: Instant
    since: Instant


class KeptMoments:
    """In the order in which they were seen."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[str, Kept] = {}
        self._lost: Lost | None = None
        self._lost_at_s = 0.0
        self._logged: AbstractSet[str] = frozenset()
        self._logged_until_s = 0.0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(tuple(self._kept.values()))

    @property
    def oldest(self) -> Kept | None:
        """The one that was read first; what came later did not happen before its ``since``."""
        return next(iter(self._kept.values()), None)

    def keep(self, event: Event, moment_id: str, seen: Instant, since: Instant | None = None) -> bool:
        """A moment was read; false when it is kept already, or known to be in the log.

        Args:
            since: it did not happen before that; ``None``: it happens now. It only grows.
        """
        since = since or seen
        if since.steady_s >= self._logged_until_s:
            self._logged = frozenset()
        if moment_id in self._kept or moment_id in self._logged:
            return False
        if len(self._kept) >= self._limit:
            dropped = self._kept.pop(next(iter(self._kept))).seen
            lost = self._lost or Lost(0, dropped.wall_ms)
            self._lost, self._lost_at_s = Lost(lost.count + 1, lost.since), dropped.steady_s
        self._kept[moment_id] = Kept(event, moment_id, seen, since)
        return True

    def settled(self, moment_id: str) -> None:
        """The log has it, or has been told that it is lost."""
        self._kept.pop(moment_id, None)

    def logged(self, names: AbstractSet[str], until_s: float) -> None:
        """The log has these, of what happened until then: drop them, also those that are read only later."""
        self._logged, self._logged_until_s = names, until_s
        for moment_id in names:
            self.settled(moment_id)

    def all_stored_until(self, steady_s: float) -> None:
        """Another bridge had everything stored that it had seen by then."""
        before_s = steady_s - KEEP_S
        while (oldest := self.oldest) is not None and oldest.seen.steady_s < before_s:
            del self._kept[oldest.moment_id]
        if self._lost_at_s < before_s:
            self._lost = None

    def stored_until(self, handled_until_s: float) -> float:
        """Until when everything is known to be stored; of what came after ``handled_until_s`` nothing is."""
        if self._lost is not None:
            return min(self._lost_at_s, handled_until_s)
        return min(self.oldest.seen.steady_s, handled_until_s) if self.oldest is not None else handled_until_s

    def count_lost(self, lost: Lost, now: Instant) -> None:
        """What was dropped elsewhere, and not told."""
        before = self._lost or Lost(0, lost.since)
        self._lost = Lost(before.count + lost.count, min(before.since, lost.since))
        self._lost_at_s = now.steady_s

    def take_lost(self) -> Lost | None:
        """What was dropped and is to be told."""
        lost, self._lost = self._lost, None
        return lost

"""What one client was told, compared with the log: in order, nothing left out, nothing twice."""

from __future__ import annotations

from collections import Counter, deque
from typing import Literal, NamedTuple, Protocol

from benchmarks.soak.scopes import Scope

_LATE_S = 10.0

Kind = Literal["event", "ready", "reset"]


class Log(Protocol):
    """What is compared with; see :class:`~benchmarks.soak.log_copy.LogCopy`."""

    last: int

    def after(self, scope: Scope, sequence: int) -> tuple[int, float] | None:
        """The next event of a scope, and when it was known."""
        ...


class Told(NamedTuple):
    """Something with a place in the log; a `reset` has none."""

    kind: Kind
    sequence: int


class History:
    """From the first `ready` of a visit on, over all its connections."""

    def __init__(self, scope: Scope, log: Log, faults: Counter[str]) -> None:
        self.scope = scope
        self.position: str | None = None
        """The last id, as the gateway wrote it; what to resume with."""
        self._log = log
        self._faults = faults
        self._told: deque[Told] = deque()
        self._at: int | None = None
        self._late = False
        self.connected = False
        self._there_since: float | None = None
        self.last_told = 0

    def tell(self, kind: Kind, position: str = "") -> None:
        """Note what came; it is judged when the log is known that far."""
        if position:
            self.position = position
        sequence = int(position.rpartition("-")[2]) if position else 0
        self.last_told = max(self.last_told, sequence)
        self._told.append(Told(kind, sequence))

    def judge(self, now: float) -> int:
        """Compare what came with the log; how many events that were."""
        events = 0
        while self._told and self._told[0].sequence <= self._log.last:
            told = self._told.popleft()
            if told.kind == "event":
                events += 1
            self._compare(told)
        if not self.connected:
            self._there_since = None
        elif self._there_since is None:
            self._there_since = now  # who has just come back has what happened meanwhile still to come
        elif not self._told and self._at is not None:
            self._look_for_late(now, self._there_since)
        return events

    def _compare(self, told: Told) -> None:
        if told.kind == "reset":
            self._faults["reset"] += 1
            self._at = None
            return
        if self._at is None:
            # The state that a stream begins with holds all up to its `ready`.
            self._at = told.sequence
            if told.kind == "event":
                self._faults["event before ready"] += 1
            return
        expected = self._log.after(self.scope, self._at)
        if told.kind == "event":
            if told.sequence <= self._at:
                self._faults["repeated or out of order"] += 1
            elif expected is None or expected[0] != told.sequence:
                self._faults["left out, or not of the scope"] += 1
        elif expected is not None and expected[0] <= told.sequence:
            self._faults["left out before ready"] += 1
        self._at = max(self._at, told.sequence)

    def _look_for_late(self, now: float, there_since: float) -> None:
        expected = self._log.after(self.scope, self._at or 0)
        late = expected is not None and now - max(expected[1], there_since) > _LATE_S
        if late and not self._late:
            self._faults[f"not told within {_LATE_S:g} s"] += 1
        self._late = late

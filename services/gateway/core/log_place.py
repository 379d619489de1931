"""Where a reader of the log stands, and what that means for the next message.

The log only drops from its beginning, so its sequences follow each other. A message that does not follow
is either a loss (the log dropped what was not read yet: forget everything, take a new snapshot) or a hole
that somebody cut into the log by hand, with nothing in it to miss. The two look alike at first; after
another look at the log's first sequence the same hole again is known to be one.
"""

from __future__ import annotations

from enum import Enum


class Step(Enum):
    """What to do with a message."""

    DELIVER = "deliver"
    SKIP = "skip"
    LOOK = "look"


class LogPlace:
    """``last`` is the last sequence that was delivered, or is in the snapshot."""

    def __init__(self) -> None:
        self.generation = ""
        self.last = 0
        self._hole: tuple[int, int] | None = None

    def must_begin_anew(self, generation: str, first: int, last: int) -> bool:
        """Whether the log that is now there cannot be read on from here.

        Args:
            generation: of the log.
            first: its first sequence; one more than ``last`` when it is empty.
            last: its last sequence.
        """
        return generation != self.generation or last < self.last or first > self.last + 1

    def is_behind(self, generation: str, last: int) -> bool:
        """Whether the same log ends before what it was seen to have.

        In a cluster a server that has just become the leader may say so for a moment; a log that really lost
        its end goes on saying so, or is given another generation.
        """
        return generation == self.generation and last < self.last

    def begin(self, generation: str, snapshot_last: int, first: int) -> None:
        """Stand behind a snapshot.

        Args:
            generation: of the log.
            snapshot_last: the highest sequence in the snapshot; 0 for an empty one.
            first: the first sequence of the log as it was before the snapshot was read: what is older
                and not in the snapshot were moments, or states that are no more.
        """
        self.generation = generation
        self.last = max(snapshot_last, first - 1)
        self._hole = None

    def step(self, sequence: int) -> Step:
        """A message came."""
        if sequence <= self.last:
            return Step.SKIP
        if sequence != self.last + 1 and self._hole != (self.last, sequence):
            self._hole = (self.last, sequence)
            return Step.LOOK
        self.last = sequence
        self._hole = None
        return Step.DELIVER

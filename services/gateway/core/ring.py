"""The newest messages of the log, to resume clients from.

Bounded by number and by size. ``floor`` is the sequence after which nothing is missing: a client that has
everything up to a position at or above it can be given exactly what followed.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from shared.subjects import Subject

MESSAGES = 20_000
BYTES = 32 * 1024 * 1024


class Entry(NamedTuple):
    """One message of the log."""

    sequence: int
    subject: Subject
    payload: bytes


class Ring:
    """The newest messages, in order."""

    def __init__(self, messages: int = MESSAGES, size: int = BYTES) -> None:
        self._limit = messages
        self._size_limit = size
        self._entries: deque[Entry] = deque()
        self._size = 0
        self.floor = 0
        self.last = 0

    def restart(self, floor: int) -> None:
        """Forget everything; what comes next follows ``floor``."""
        self._entries.clear()
        self._size = 0
        self.floor = self.last = floor

    def append(self, entry: Entry) -> None:
        """Add the next message and drop the oldest beyond the limits."""
        self._entries.append(entry)
        self._size += len(entry.payload)
        self.last = entry.sequence
        while len(self._entries) > self._limit or self._size > self._size_limit:
            oldest = self._entries.popleft()
            self._size -= len(oldest.payload)
            self.floor = oldest.sequence

    def skip(self, sequence: int) -> None:
        """Note that the next message has nothing for anybody."""
        self.last = sequence

    def reaches(self, sequence: int) -> bool:
        """Whether everything after ``sequence`` is here, and ``sequence`` has been."""
        return self.floor <= sequence <= self.last

    def after(self, sequence: int) -> list[Entry]:
        """Everything after ``sequence``, oldest first; ask :meth:`reaches` before."""
        found: list[Entry] = []
        for entry in reversed(self._entries):  # clients come back soon: what they miss is at the end
            if entry.sequence <= sequence:
                break
            found.append(entry)
        found.reverse()
        return found

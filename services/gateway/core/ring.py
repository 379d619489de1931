"""The newest messages of the log, to give clients what they missed.

Bounded by number and by size. ``floor`` is the sequence after which nothing is missing: a client that has
everything up to a position at or above it can be given exactly what followed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from shared.subjects import Subject

MESSAGES = 20_000
BYTES = 32 * 1024 * 1024
PAGE = 250
PAGE_BYTES = 256 * 1024
_CUT = 16  # the oldest are dropped a sixteenth at a time: each cut moves all others


class Entry(NamedTuple):
    """One message of the log."""

    sequence: int
    subject: Subject
    payload: bytes


_sequence = attrgetter("sequence")


class Ring:
    """The newest messages, in order."""

    def __init__(self, messages: int = MESSAGES, size: int = BYTES) -> None:
        self.limit = messages
        self.size_limit = size
        self._entries: list[Entry] = []
        self.size = 0
        self.floor = 0
        self.last = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def room(self) -> int:
        """How many more messages it can take, if they are as large as those that it has."""
        held = len(self._entries)
        room = self.limit - held
        if self.size:
            room = min(room, (self.size_limit - self.size) * held // self.size)
        return max(room, 0)

    def restart(self, floor: int) -> None:
        """Forget everything; what comes next follows ``floor``."""
        self._entries.clear()
        self.size = 0
        self.floor = self.last = floor

    def append(self, entry: Entry) -> None:
        """Add the next message and drop the oldest beyond the limits."""
        self._entries.append(entry)
        self.size += len(entry.payload)
        self.last = entry.sequence
        while self._entries and (len(self._entries) > self.limit or self.size > self.size_limit):
            self._cut(max(1, min(len(self._entries), self.limit) // _CUT))

    def skip(self, sequence: int) -> None:
        """Note that the next message has nothing for anybody."""
        self.last = sequence

    def put_before(self, entries: Sequence[Entry], floor: int) -> None:
        """Reach further back, as far as there is room: all that lies between ``floor`` and what is here."""
        room = self.limit - len(self._entries)
        first = len(entries)
        while first and room and self.size + len(entries[first - 1].payload) <= self.size_limit:
            first -= 1
            room -= 1
            self.size += len(entries[first].payload)
        if first:
            floor = entries[first - 1].sequence
        self._entries[:0] = entries[first:]
        self.floor = floor

    def reaches(self, sequence: int) -> bool:
        """Whether everything after ``sequence`` is here, and ``sequence`` has been."""
        return self.floor <= sequence <= self.last

    def page(self, sequence: int) -> tuple[list[Entry], int]:
        """What follows ``sequence``, oldest first, as far as a page goes; ask :meth:`reaches` before.

        A page ends with a multiple of ``PAGE``, wherever it begins: so clients who fell behind at different
        places come to share their pages, and each page is made once for all of them.

        Returns:
            the entries, and up to which sequence they are everything: the last one here if that is in it.
        """
        return page_of(self._entries, sequence, self.last)

    def _cut(self, number: int) -> None:
        self.floor = self._entries[number - 1].sequence
        self.size -= sum([len(entry.payload) for entry in self._entries[:number]])
        del self._entries[:number]


def page_of(entries: list[Entry], sequence: int, last: int) -> tuple[list[Entry], int]:
    """What follows ``sequence`` of entries that are everything up to ``last``; see :meth:`Ring.page`."""
    first = stop = bisect_right(entries, sequence, key=_sequence)
    if first == len(entries):
        return [], last
    border = -(-entries[first].sequence // PAGE) * PAGE
    size = 0
    while stop < len(entries) and entries[stop].sequence <= border and size < PAGE_BYTES:
        size += len(entries[stop].payload)
        stop += 1
    if stop == len(entries):
        return entries[first:stop], last
    end = border if entries[stop].sequence > border else entries[stop - 1].sequence
    return entries[first:stop], end

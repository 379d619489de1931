"""The parts of the log that were read back last, for all whose place lies in them.

Clients who were away longer than the ring reaches come in crowds, from about the same place: their gateway
was restarted, or their network failed. So what one of them needs is kept a while for the others. It is
bounded by number and by size; what was used last is dropped last.
"""

from __future__ import annotations

from typing import NamedTuple

from services.gateway.core.ring import Entry, page_of

PARTS = 16
BYTES = 8 * 1024 * 1024


class _Part(NamedTuple):
    """Everything that follows ``after`` up to ``end``."""

    after: int
    end: int
    entries: list[Entry]
    size: int


class ReadBack:
    """Some parts of the log."""

    def __init__(self, parts: int = PARTS, size: int = BYTES) -> None:
        self._limit = parts
        self._size_limit = size
        self._parts: list[_Part] = []  # the one used last at the end

    @property
    def size(self) -> int:
        """Bytes of payloads."""
        return sum([part.size for part in self._parts])

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()

    def put(self, after: int, entries: list[Entry], end: int) -> None:
        """Keep everything that follows ``after`` up to ``end``; at least this, however large it is."""
        size = sum([len(entry.payload) for entry in entries])
        self._parts.append(_Part(after, end, entries, size))
        while len(self._parts) > 1 and (len(self._parts) > self._limit or self.size > self._size_limit):
            del self._parts[0]

    def reaches(self, sequence: int) -> bool:
        """Whether something that follows ``sequence`` is here."""
        return any(part.after <= sequence < part.end for part in self._parts)

    def page(self, sequence: int) -> tuple[list[Entry], int]:
        """What follows ``sequence``, as :meth:`Ring.page`; ask :meth:`reaches` before."""
        part = next(part for part in self._parts if part.after <= sequence < part.end)
        self._parts.remove(part)
        self._parts.append(part)
        return page_of(part.entries, sequence, part.end)

"""What followed a place in the log, a page at a time, as messages for each scope.

A page is taken from the ring, or from what was read back of the log (``read_back.py``). Its messages are
made once, whatever the scopes of those who come by; who gets which is found by the names that a scope lists,
as with live events (``interest.py``): many clients with a few names each cost what they get, and not all
that happened meanwhile. Pages end at the same places wherever they begin, so those who come from different
places soon share them.

As many are kept as a full ring has, and some that begin in between: clients who go through the ring one
behind the other would else find each page dropped just before they come to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from services.gateway.core import scope as scopes
from services.gateway.core.batch import FRAMING_BYTES, Batch, slices
from services.gateway.core.frames import Message
from services.gateway.core.names import ALL
from services.gateway.core.position import Position
from services.gateway.core.read_back import ReadBack
from services.gateway.core.recent import Recent
from services.gateway.core.ring import BYTES, Entry, Ring
from services.gateway.core.scope import Local, Scope
from shared.subjects import Subject

PAGES_KEPT = 160
PAGES_BYTES = BYTES * 5 // 4
SCOPED_KEPT = 512
SCOPED_BYTES = 16 * 1024 * 1024
_PAGE_COSTS = 1024
"""What a page takes that has no messages, about, in bytes."""


class Page(NamedTuple):
    """What some scope gets of a part of the log. ``whole``: more events later would not change it."""

    end: int
    whole: bool
    batches: Sequence[Batch]


class Pages:
    """Pages of one log.

    Attributes:
        generation: of the log; ``""`` before there is one.
        read_back: what the ring does not have any more.
    """

    def __init__(self, ring: Ring) -> None:
        self.generation = ""
        self.read_back = ReadBack()
        self._ring = ring
        self._indexed: Recent[int, _Indexed] = Recent(PAGES_KEPT, PAGES_BYTES)
        self._scoped: Recent[tuple[Scope, int], Page] = Recent(SCOPED_KEPT, SCOPED_BYTES)

    def begin(self, generation: str) -> None:
        """Forget everything: the log is another one, or read anew."""
        self.generation = generation
        self.read_back.clear()
        self._indexed.clear()
        self._scoped.clear()

    def reaches(self, sequence: int) -> bool:
        """Whether what follows a place is here, or the beginning of it."""
        return self._ring.reaches(sequence) or self.read_back.reaches(sequence)

    def page(self, scope: Scope, sequence: int) -> Page:
        """What a scope gets of what follows; ask :meth:`reaches` before. Those of equal scope share it."""
        key = (scope, sequence)
        found = self._scoped.get(key)
        if found is None or not (found.whole or found.end == self._ring.last):
            indexed = self._at(sequence)
            parts = list(slices(indexed.admitted(scope)))
            batches = [Batch(part, indexed.end if part is parts[-1] else part[-1].sequence) for part in parts]
            found = Page(indexed.end, indexed.whole, batches)
            self._scoped.put(key, found, _PAGE_COSTS + sum([batch.size for batch in batches]))
        return found

    def _at(self, sequence: int) -> _Indexed:
        last = self._ring.last
        found = self._indexed.get(sequence)
        if found is None or not (found.whole or found.end == last):
            source = self._ring if self._ring.reaches(sequence) else self.read_back
            entries, end = source.page(sequence)
            found = _Indexed(self.generation, entries, end, whole=end < last)
            self._indexed.put(sequence, found, _PAGE_COSTS + found.size)
        return found


class _Indexed:
    """A page for all scopes: its messages, and which of them tell of whom."""

    __slots__ = ("_by_agent", "_by_pbx", "_by_queue", "_messages", "_subjects", "end", "size", "whole")

    def __init__(self, generation: str, entries: Sequence[Entry], end: int, *, whole: bool) -> None:
        self.end = end
        self.whole = whole
        self.size = sum([len(entry.payload) for entry in entries]) + FRAMING_BYTES * len(entries)
        self._subjects: list[Subject] = [entry.subject for entry in entries]
        self._messages = [
            Message(entry.payload, str(Position(generation, entry.sequence)), entry.sequence)
            for entry in entries
        ]
        self._by_agent: defaultdict[Local, list[int]] = defaultdict(list)
        self._by_queue: defaultdict[Local, list[int]] = defaultdict(list)
        self._by_pbx: defaultdict[str, list[int]] = defaultdict(list)
        for index, subject in enumerate(self._subjects):
            if subject.agent is not None:
                listed, name = self._by_agent, subject.agent
            elif subject.queue is not None:
                listed, name = self._by_queue, subject.queue
            else:
                self._by_pbx[subject.pbx].append(index)
                continue
            listed[Local(subject.pbx, name)].append(index)
            listed[Local(subject.pbx, ALL)].append(index)

    def admitted(self, scope: Scope) -> list[Message]:
        """What the scope gets, in order."""
        found: set[int] = set()
        for agent in self._by_agent.keys() & scope.agent_set:
            found.update(self._by_agent[agent])
        for queue in self._by_queue.keys() & scope.queue_set:
            found.update(self._by_queue[queue])
        for pbx in self._by_pbx.keys() & scope.pbxs:
            found.update(self._by_pbx[pbx])
        subjects, messages = self._subjects, self._messages
        return [messages[index] for index in sorted(found) if scopes.admits(scope, subjects[index])]

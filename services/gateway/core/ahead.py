"""Who has seen more than has come here, by place: the nearest is known at once, whoever waits behind it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

_SPARE = 64


class Ahead(Generic[T]):
    """Clients, the place in the log that each waits for, and since when.

    Attributes:
        nearest: a place that nobody is waiting before; infinite when nobody waits.
    """

    def __init__(self) -> None:
        self.nearest: float = math.inf
        self._waiting: dict[T, tuple[int, float]] = {}
        self._at: dict[int, dict[T, None]] = {}
        self._places: list[int] = []  # a heap; has some that nobody waits for any more

    def __len__(self) -> int:
        return len(self._waiting)

    def clear(self) -> None:
        """Nobody waits."""
        self._waiting.clear()
        self._at.clear()
        self._places.clear()
        self.nearest = math.inf

    def add(self, one: T, place: int, now: float) -> None:
        """It waits for a place, from now on if it did not wait before."""
        if one in self._waiting:
            return
        self._waiting[one] = (place, now)
        there = self._at.get(place)
        if there is None:
            there = self._at[place] = {}
            heappush(self._places, place)
            self.nearest = self._places[0]
        there[one] = None

    def remove(self, one: T) -> None:
        """It waits no more; no harm if it did not."""
        place, _ = self._waiting.pop(one, (0, 0.0))
        there = self._at.get(place, {})
        there.pop(one, None)
        if not there and self._at.pop(place, None) is not None:
            self._drop_spare()

    def reached(self, place: int) -> Iterator[T]:
        """Take out those who waited for a place up to this one."""
        while self._places and self._places[0] <= place:
            for one in self._at.pop(heappop(self._places), {}):
                del self._waiting[one]
                yield one
        self.nearest = self._places[0] if self._places else math.inf

    def wait_from(self, now: float) -> None:
        """All wait from now on, whatever they waited before."""
        for one, (place, _) in self._waiting.items():
            self._waiting[one] = (place, now)

    def since_before(self, time: float) -> list[T]:
        """Those who wait since before a time."""
        return [one for one, (_, since) in self._waiting.items() if since < time]

    def _drop_spare(self) -> None:
        if len(self._places) > 2 * len(self._at) + _SPARE or not self._at:
            self._places = list(self._at)
            heapify(self._places)
            self.nearest = self._places[0] if self._places else math.inf

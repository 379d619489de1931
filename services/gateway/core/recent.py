"""What was used last, bounded by number and by size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key; what was not used for longest is dropped first.

    Attributes:
        size: of all that is kept, in the unit that :meth:`put` was given.
    """

    def __init__(self, number: int, size: int) -> None:
        """Keep so many at most, of such a size at most in all."""
        self._number_limit = number
        self._size_limit = size
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.size = 0

    def get(self, key: K) -> V | None:
        """What is kept for a key; it counts as used."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value, in place of what the key had; at least this one, however large it is."""
        _, before = self._kept.pop(key, (None, 0))
        self._kept[key] = (value, size)
        self.size += size - before
        while len(self._kept) > 1 and (len(self._kept) > self._number_limit or self.size > self._size_limit):
            _, (_, dropped) = self._kept.popitem(last=False)
            self.size -= dropped

"""Whether a bridge can write what it learns, as far as it knows.

One that acts and gets nothing into the log says so with its lease, and another, which may be able to, asks
for it. Nobody knows before he tries; so who could not just now is left alone for a minute, or two bridges of
a log that takes nothing from anybody would hand the lease to and fro.
"""

from __future__ import annotations

from collections.abc import Callable

UNABLE_AFTER_S = 10.0
"""Longer than NATS needs to find another leader."""
_LEFT_ALONE_S = 60.0


class Ability:
    """Of one bridge."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock``: seconds, never jumps."""
        self._clock = clock
        self._stalled_s: Callable[[], float] | None = None
        self._not_before_s = clock()

    def acts(self, stalled_s: Callable[[], float]) -> None:
        """It began to act; ``stalled_s``: for how long it has had something to write and wrote nothing."""
        self._stalled_s = stalled_s

    def rests(self) -> None:
        """It acts no more."""
        self._stalled_s = None

    @property
    def is_there(self) -> bool:
        """Whether it can, or may try."""
        if self._stalled_s is not None:
            stalled = self._stalled_s() > UNABLE_AFTER_S
            self._not_before_s = self._clock() + (_LEFT_ALONE_S if stalled else 0.0)
            return not stalled
        return self._clock() >= self._not_before_s

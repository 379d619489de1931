"""How long and how often to measure."""

from __future__ import annotations

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """``seconds`` is the length of one measurement; ``quick`` shows that everything works and little more."""

    rounds: int
    seconds: float
    quick: bool


FULL = Plan(rounds=5, seconds=5.0, quick=False)
QUICK = Plan(rounds=1, seconds=1.5, quick=True)

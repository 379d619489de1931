"""What a randomised test is: a case made of one random number generator, which can be made again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

Case: TypeAlias = Callable[[random.Random], Counter[str]]
"""Run one case; raises when something does not hold. The answer counts what it did."""


def generator(seed: int, part: str, number: int) -> random.Random:
    """The randomness of one case: the same for the same three."""
    return random.Random(f"{seed} {part} {number}")

"""When a terminal comes back to a gateway whose stream has ended, and when it does not. Pure.

Source of the close codes: `docs/streams.md`.
"""

from __future__ import annotations

import re

UNKNOWN_TICKET = 4504
_REFUSED_ORIGIN = 1008
_FOR_GOOD = range(4500, 5000)
_DRAIN = 4001
_RETRY_IN = re.compile(r"\bretry in ([0-9]{1,9}) ms\b")

_LEAST_S = 0.5
_MOST_S = 30.0
_DOUBLINGS = 10  # beyond it the most is reached anyway
_TOLD_LEAST_S = 0.1


def is_for_good(code: int) -> bool:
    """Whether a WebSocket that was closed with this code is not to be opened again."""
    return code == _REFUSED_ORIGIN or code in _FOR_GOOD


def told_s(code: int, reason: str) -> float | None:
    """In how many seconds a gateway that stops wants its client back; ``None`` if it did not say.

    The gateway has spread its clients, so nothing is added. What it says is believed within bounds.
    """
    found = _RETRY_IN.search(reason) if code == _DRAIN else None
    if found is None:
        return None
    return min(_MOST_S, max(_TOLD_LEAST_S, int(found[1]) / 1000))


def backoff_s(failures: int, random: float) -> float:
    """How long to wait after so many failures in a row, from 1; ``random`` is from 0 up to but not 1.

    Anywhere between the least and a ceiling that doubles, so that those who were cut off together do not come
    back together.
    """
    ceiling = min(_MOST_S, _LEAST_S * 2.0 ** min(failures, _DOUBLINGS))
    return _LEAST_S + random * (ceiling - _LEAST_S)

"""The lease on a PBX, as one bridge sees it: whether it holds it, and when to try to get it.

The lease is a key in NATS that is forgotten 3 s after it was last written. Its holder writes it every second.
It counts those 3 s from *before* it asked for the writing, and ends a second early, so its time is over
before anybody else's can begin, however long an answer took. Time comes as an argument, in seconds, on a
clock that never jumps.
"""

from __future__ import annotations

from typing import NamedTuple

TTL_S = 3.0
RENEW_EVERY_S = 1.0
_EARLY_S = 1.0
_AGAIN_S = 0.2
# How long a bridge whose link to Asterisk is down leaves a free lease to others.
_SHY_S = 1.0
# How long its own link may be down before it gives the lease to a bridge that asks for it.
_UNFIT_S = 3.0


class LeaseValue(NamedTuple):
    """What the key holds: who, whether in step with Asterisk, and how long its oldest moment waits."""

    holder: str
    fit: bool
    behind_ms: int

    def encode(self) -> bytes:
        """As text."""
        return f"{self.holder} {'fit' if self.fit else 'unfit'} {self.behind_ms}".encode()


def read_value(data: bytes) -> LeaseValue:
    """Read it; what another version wrote is a holder too."""
    holder, _, rest = data.decode("utf-8", "replace").partition(" ")
    word, _, behind = rest.partition(" ")
    return LeaseValue(holder, word != "unfit", int(behind) if behind.isdecimal() else 0)


class Tenure:
    """One bridge and the lease of its PBX.

    Attributes:
        revision: of the key, while this bridge is its last writer; else ``None``.
    """

    def __init__(self, now_s: float) -> None:
        self.revision: int | None = None
        self._over_at_s = now_s
        self._free_at_s = now_s
        self._unfit_since_s: float | None = None

    def holds(self, now_s: float) -> bool:
        """Whether this bridge may act."""
        return self.revision is not None and now_s < self._over_at_s

    def left_s(self, now_s: float) -> float:
        """For how long, unless it is renewed."""
        return self._over_at_s - now_s

    def renewed(self, revision: int, asked_at_s: float) -> None:
        """The key was written for us."""
        self.revision = revision
        self._over_at_s = asked_at_s + TTL_S - _EARLY_S

    def ended(self, now_s: float) -> None:
        """It is not ours any more, or we gave it up."""
        self.revision = None
        self._free_at_s = now_s

    def heard(self, now_s: float) -> None:
        """Another bridge wrote the key."""
        self._free_at_s = now_s + TTL_S

    def freed(self, now_s: float) -> None:
        """Another bridge gave it up."""
        self._free_at_s = now_s

    def found_held(self, now_s: float) -> None:
        """We tried, and it is still another's."""
        self._free_at_s = max(self._free_at_s, now_s + _AGAIN_S)

    def may_try(self, now_s: float, *, fit: bool) -> bool:
        """Whether it seems to be free; those that are not in step with Asterisk wait a moment for others."""
        return now_s >= self._free_at_s + (0.0 if fit else _SHY_S)

    def would_give_up(self, now_s: float, *, fit: bool) -> bool:
        """Whether a bridge that is in step may have it; to be asked at every renewal."""
        if fit:
            self._unfit_since_s = None
            return False
        if self._unfit_since_s is None:
            self._unfit_since_s = now_s
        return now_s - self._unfit_since_s >= _UNFIT_S

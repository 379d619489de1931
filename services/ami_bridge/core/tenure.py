"""The lease on a PBX, as one bridge sees it: whether it holds it, and when to try to get it.

The lease is a key in NATS that is forgotten 3 s after it was last written. Its holder writes it every second.
It counts those 3 s from *before* it asked for the writing, and ends a second early, so its time is over
before anybody else's can begin, however long an answer took. A key that is not forgotten though nobody writes
it is taken over as well. Time comes as an argument, in seconds, on a
clock that never jumps.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.errors import MalformedSubjectError
from shared.subjects import decode_token, encode_token

TTL_S = 3.0
RENEW_EVERY_S = 1.0
_EARLY_S = 1.0
_AGAIN_S = 0.2
# How long a bridge leaves a free lease to others: one whose link to Asterisk is down, or that gave it up.
_SHY_S = 1.0


class LeaseValue(NamedTuple):
    """What the key holds: who, whether in step with Asterisk ever since the last renewal, how long its oldest
    moment waits, and how far the log goes that it sees (``""``: it saw none yet), with the name of what is
    there (``""``: not known).
    """

    holder: str
    fit: bool
    behind_ms: int
    generation: str = ""
    last_sequence: int = 0
    last_name: str = ""

    def encode(self) -> bytes:
        """As text."""
        fit = "fit" if self.fit else "unfit"
        name = encode_token(self.last_name) if self.last_name else ""
        return f"{self.holder} {fit} {self.behind_ms} {self.generation} {self.last_sequence} {name}".encode()


def read_value(data: bytes) -> LeaseValue:
    """Read it; what another version wrote is a holder too."""
    words = [*data.decode("utf-8", "replace").split(" "), *[""] * 5]
    holder, word, behind, generation, sequence, name, *_ = words
    return LeaseValue(holder, word != "unfit", _whole(behind), generation, _whole(sequence), _name(name))


def left_to(data: bytes) -> str:
    """Of what is written when a lease is given up: to which bridge; ``""``: to any."""
    _, _, whom = data.decode("utf-8", "replace").partition(" ")
    return whom


def _name(token: str) -> str:
    try:
        return decode_token(token)
    except MalformedSubjectError:
        return ""


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


class Tenure:
    """One bridge and the lease of its PBX.

    Attributes:
        revision: of the key, while this bridge is its last writer; else ``None``.
    """

    def __init__(self, now_s: float) -> None:
        self.revision: int | None = None
        self._over_at_s = now_s
        self._free_at_s = now_s
        self._is_new = True
        self._was_held = False
        self._found = 0
        self._found_at_s = now_s

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
        """It is not ours any more."""
        self.revision = None
        self._free_at_s = now_s

    def gave_up(self, now_s: float) -> None:
        """We gave it up, for another bridge to have it."""
        self.revision = None
        self._free_at_s = now_s + _SHY_S

    def heard(self, now_s: float) -> None:
        """Another bridge wrote the key."""
        self._is_new = False
        self._free_at_s = now_s + TTL_S

    def freed(self, now_s: float, *, to_another: bool = False) -> None:
        """Another bridge gave it up, in order; ``to_another``: for one that is not this."""
        self._is_new = False
        self._free_at_s = now_s + (_SHY_S if to_another else 0.0)

    def found_held(self, now_s: float) -> None:
        """We tried, and it is still another's."""
        self._was_held = True
        self._free_at_s = max(self._free_at_s, now_s + _AGAIN_S)

    def is_stuck(self, revision: int, asked_at_s: float, now_s: float) -> bool:
        """It was read between these two instants, and is another's: whether NATS may never forget it.

        Nobody has written it for twice as long as it lasts. NATS forgets it by a clock that can be set back.
        """
        if revision != self._found:
            self._found, self._found_at_s = revision, now_s
        return asked_at_s - self._found_at_s >= 2 * TTL_S

    def must_let_others(self, now_s: float) -> bool:
        """It is free: whether a bridge that came after its holder died leaves it to one that saw more.

        That is one which never heard the holder, and found the lease held all the same.
        """
        if not (self._is_new and self._was_held):
            return False
        self._is_new = False
        self._free_at_s = now_s + _SHY_S
        return True

    def may_try(self, now_s: float, *, fit: bool) -> bool:
        """Whether it seems to be free; those that are not in step with Asterisk wait a moment for others."""
        return now_s >= self._free_at_s + (0.0 if fit else _SHY_S)

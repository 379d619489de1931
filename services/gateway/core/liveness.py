"""Whether the figures of a PBX are live, beyond what the log says.

The log's ``pbxStatus`` is the bridge's word, and a bridge that died cannot take it back. So each bridge
also gives a heartbeat, outside the log, and the feed tells when it has lost the log itself. From these
this module judges; the hub shows the judgement in place of the logged status, and the logged one again
when the reason has passed. A gateway that has just started has heard no bridge yet: until it does, or
until the silence is long enough to mean something, it says ``syncing``: it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

SILENCE_S = 5.0


class Doubt(NamedTuple):
    """What to show instead of a logged ``online`` or ``syncing``.

    ``kind`` tells doubts apart in the mark of a position: 1 to 3.
    """

    kind: int
    status: Literal["offline", "syncing"]
    reason: str


WAITING = Doubt(1, "syncing", "waiting for the bridge to report")
SILENT = Doubt(2, "offline", "the bridge is not reporting")


class Liveness:
    """When each bridge was last heard, and whether the log can be read. ``now`` is a monotonic clock."""

    def __init__(self, pbxs: Iterable[str], now: float) -> None:
        self._listening_since = now
        self._heard: dict[str, float | None] = dict.fromkeys(pbxs)
        self._lost: str | None = None

    def heard(self, pbx: str, now: float) -> None:
        """A sign of life of a bridge."""
        self._heard[pbx] = now

    def log_lost(self, reason: str) -> None:
        """The log cannot be read."""
        self._lost = reason

    def log_regained(self, now: float) -> None:
        """It can again. A bridge that was not heard for long was perhaps not silent: we were deaf."""
        if self._lost is None:
            return
        self._lost = None
        self._listening_since = now
        for pbx, heard in self._heard.items():
            if heard is not None and now - heard >= SILENCE_S:
                self._heard[pbx] = None

    @property
    def lost(self) -> str | None:
        """Why the log cannot be read; ``None`` when it can."""
        return self._lost

    def doubt(self, pbx: str, now: float) -> Doubt | None:
        """Why the PBX's figures may not be live; ``None`` when its bridge's word stands."""
        if self._lost is not None:
            return Doubt(3, "offline", f"the gateway has lost contact with the log: {self._lost}")
        heard = self._heard[pbx]
        if heard is None:
            return WAITING if now - self._listening_since < SILENCE_S else SILENT
        return SILENT if now - heard >= SILENCE_S else None

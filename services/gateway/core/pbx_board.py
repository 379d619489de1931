"""The ``pbxStatus`` that is shown for each PBX: the logged one, or a doubt in its place.

A doubt replaces only a logged ``online`` or ``syncing``: when the bridge itself said why its PBX is not
live, that is the better reason. What is shown is not always in the log, so the board also has a *mark*,
two bits a PBX, for the positions of long polls (``position.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.gateway.core.liveness import Doubt
from shared import wire
from shared.errors import MalformedEventError
from shared.events import PbxStatus

UNREPORTED = "no bridge has reported yet"
UNREAD = "the gateway is reading the state anew"
_BITS = 2
_WORD = msgspec.json.Decoder(PbxStatus)


class PbxBoard:
    """What is shown for each configured PBX.

    Attributes:
        version: another one whenever something else is shown that no log tells.
    """

    def __init__(self, pbxs: Sequence[str], now_ms: int) -> None:
        self._order = {pbx: index for index, pbx in enumerate(sorted(pbxs))}
        self._logged: dict[str, tuple[PbxStatus, bytes]] = {}
        self._unreported = {
            pbx: wire.encode(PbxStatus(pbx=pbx, status="offline", since=now_ms, reason=UNREPORTED))
            for pbx in pbxs
        }
        self._doubts: dict[str, tuple[Doubt, bytes]] = {}
        self.version = 0

    def clear(self) -> None:
        """Forget what was logged."""
        self._logged.clear()
        self._doubts.clear()

    def log(self, pbx: str, payload: bytes) -> None:
        """Keep the logged status. It lifts a doubt until the next :meth:`judge`.

        Raises:
            MalformedEventError: the payload is no ``pbxStatus``.
        """
        event = wire.decode(payload)
        if not isinstance(event, PbxStatus):
            raise MalformedEventError("it is no pbxStatus")
        self._logged[pbx] = (event, payload)
        self._doubts.pop(pbx, None)

    def judge(self, pbx: str, doubt: Doubt | None, now_ms: int) -> bytes | None:
        """Apply a judgement; what to show now if that has changed, else ``None``."""
        before = self._doubts.get(pbx)
        logged = self._logged.get(pbx)
        if doubt is not None and (logged is None or not _doubtful(logged[0], doubt)):
            doubt = None
        if doubt == (before and before[0]):
            return None
        if doubt is None:
            del self._doubts[pbx]
        else:
            event = PbxStatus(pbx=pbx, status=doubt.status, since=now_ms, reason=doubt.reason)
            self._doubts[pbx] = (doubt, wire.encode(event))
        self.version += 1
        return self.shown(pbx)

    def shown(self, pbx: str) -> bytes:
        """What to show, as a payload."""
        if pbx in self._doubts:
            return self._doubts[pbx][1]
        if pbx in self._logged:
            return self._logged[pbx][1]
        return self._unreported[pbx]

    def statuses(self) -> dict[str, str]:
        """The word that is shown for each PBX."""
        return {pbx: _WORD.decode(self.shown(pbx)).status for pbx in self._order}

    @staticmethod
    def unread(pbx: str, now_ms: int) -> bytes:
        """What to show while the gateway reads the state anew."""
        return wire.encode(PbxStatus(pbx=pbx, status="syncing", since=now_ms, reason=UNREAD))

    @property
    def mark(self) -> int:
        """The doubts, as a number; 0 when there is none."""
        return sum(doubt.kind << (self._order[pbx] * _BITS) for pbx, (doubt, _) in self._doubts.items())

    def differs(self, pbx: str, mark: int | None) -> bool:
        """Whether who was told ``mark`` was told something else about this PBX than is shown, or may have."""
        if mark is None:
            return True
        bits = (mark ^ self.mark) >> (self._order[pbx] * _BITS)
        return bits & ((1 << _BITS) - 1) != 0


def _doubtful(logged: PbxStatus, doubt: Doubt) -> bool:
    return logged.status in ("online", "syncing") and logged.status != doubt.status

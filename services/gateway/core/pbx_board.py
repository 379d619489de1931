"""The ``pbxStatus`` that is shown for each PBX: the logged one, or a doubt in its place.

A doubt replaces only a logged ``online`` or ``syncing``: when the bridge itself said why its PBX is not
live, that is the better reason. What is shown is not always in the log, so the board also has a *mark* for
the positions of long polls (``position.py``): which PBXs are meant, as a hash of their names, then two bits
for each. Who comes back with it was told those doubts, but for PBXs whose status was logged since: of these
the log has told him by now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from services.gateway.core.liveness import Doubt
from services.gateway.core.position import Position
from shared import wire
from shared.errors import MalformedEventError
from shared.events import PbxStatus

UNREPORTED = "no bridge has reported yet"
UNREAD = "the gateway is reading the state anew"
_BITS = 2
_NAMES_DIGITS = 8
_WORD = msgspec.json.Decoder(PbxStatus)


class PbxBoard:
    """What is shown for each configured PBX.

    Attributes:
        version: another one whenever something else is shown that no log tells.
    """

    def __init__(self, pbxs: Sequence[str], now_ms: int) -> None:
        self._order = {pbx: index for index, pbx in enumerate(sorted(pbxs))}
        self._names = hashlib.sha256("\0".join(self._order).encode()).hexdigest()[:_NAMES_DIGITS]
        self._logged: dict[str, tuple[PbxStatus, bytes]] = {}
        self._logged_at: dict[str, int] = {}
        self._unreported = {
            pbx: wire.encode(PbxStatus(pbx=pbx, status="offline", since=now_ms, reason=UNREPORTED))
            for pbx in pbxs
        }
        self._doubts: dict[str, tuple[Doubt, bytes]] = {}
        self.version = 0

    def clear(self) -> None:
        """Forget what was logged."""
        self._logged.clear()
        self._logged_at.clear()
        self._doubts.clear()

    def log(self, pbx: str, payload: bytes, sequence: int) -> None:
        """Keep the logged status and its place in the log. It lifts a doubt until the next :meth:`judge`.

        Raises:
            MalformedEventError: the payload is no ``pbxStatus``.
        """
        event = wire.decode(payload)
        if not isinstance(event, PbxStatus):
            raise MalformedEventError("it is no pbxStatus")
        self._logged[pbx] = (event, payload)
        self._logged_at[pbx] = sequence
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
    def mark(self) -> str:
        """The doubts, for the position of who was told what is shown."""
        bits = sum(doubt.kind << (self._order[pbx] * _BITS) for pbx, (doubt, _) in self._doubts.items())
        return f"{self._names}{bits:x}"

    def mark_behind(self, after: Position, at: int) -> str | None:
        """The mark of who came back at ``after`` and has got the log up to ``at``, but not all of it.

        ``None`` when he may have been told a status on the way.
        """
        told = at > after.sequence and any(logged > after.sequence for logged in self._logged_at.values())
        return None if told else after.mark

    def differs(self, pbx: str, after: Position | None) -> bool:
        """Whether who came back at ``after``, and has got the log since, was told something else about this
        PBX than is shown, or may have; ``None``: nobody knows where he was.
        """
        bits = None if after is None else self._read(after.mark)
        if after is None or bits is None:
            return True
        by_log = self._logged_at.get(pbx, 0) > after.sequence
        told = 0 if by_log else (bits >> (self._order[pbx] * _BITS)) & ((1 << _BITS) - 1)
        doubt = self._doubts.get(pbx)
        return told != (0 if doubt is None else doubt[0].kind)

    def _read(self, mark: str | None) -> int | None:
        """The bits of a mark; ``None`` when there is none, or one of other PBXs."""
        if mark is None or len(mark) <= _NAMES_DIGITS or not mark.startswith(self._names):
            return None
        return int(mark[_NAMES_DIGITS:], 16)


def _doubtful(logged: PbxStatus, doubt: Doubt) -> bool:
    return logged.status in ("online", "syncing") and logged.status != doubt.status

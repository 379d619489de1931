"""Who did what, when and with which outcome: one record when an action begins, one when it has ended.

Records are JSON on ``pbxis.v1.audit.<pbx>``, in a stream of their own. Both records of an action have the
same ``id``; one that never got its second was cut off with its gateway.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.errors import CallCentreError


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One record.

    Attributes:
        id: of the attempt; the bridge's log has it too (``Pbxis-Cmd-Id``).
        at: ms since the epoch.
        phase: ``begun`` before anything is sent, ``ended`` with the outcome; what is refused before anything
            could be sent has only the latter.
        caller: name of the key, or ``local``.
        caller_id: id of the key.
        address: of the client.
        action: such as ``originate``.
        parameters: of the action; of channel variables only the names, for they may hold secrets. In names
            and texts control characters are written as ``\\u001b``, also in ``message``.
        result: ``done``, ``refused``, ``not_sent`` or ``unknown``; with ``ended``.
        code: of what is not done: the problem's, or ``several_calls`` (``refused``) when the answer were the
            calls that fit.
        message: in words; Asterisk's own where it said something.
        duration_ms: from begun to ended.
    """

    id: str
    at: int
    phase: Literal["begun", "ended"]
    caller: str
    caller_id: str
    action: str
    address: str | None = None
    pbx: str | None = None
    parameters: dict[str, object] = {}
    result: str | None = None
    code: str | None = None
    message: str | None = None
    duration_ms: int | None = None


_decoder = msgspec.json.Decoder(AuditRecord)


class MalformedRecordError(CallCentreError):
    """Bytes that are no audit record."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not an audit record: {reason}")


def encode(record: AuditRecord) -> bytes:
    """The record as JSON."""
    return msgspec.json.encode(record)


def decode(payload: bytes) -> AuditRecord:
    """Read a record.

    Raises:
        MalformedRecordError: it is none.
    """
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRecordError(str(error)) from error

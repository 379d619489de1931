"""What comes out of the core, and how a moment is named.

A moment's id is made of Asterisk's own ids, so two bridges of one PBX, who see the same messages, build the
same one, and the log drops the second copy. Where Asterisk's ids can come again (a caller parked twice in
one space), or it gives none (of a phone that never rang), the message's `Timestamp` is added. Asterisk sends
that with `timestampevents = yes`; else it is a count and the session in which it was counted, since a count
begins anew with the process.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.events import Event
from shared.subjects import encode_token


class Output(NamedTuple):
    """An event to publish. ``moment_id`` is ``""`` for a state."""

    event: Event
    moment_id: str


def moment_id(pbx: str, *parts: str) -> str:
    """The name of a moment: escaped, so no text of a caller or a dialplan can forge or break one."""
    return ".".join(encode_token(part) if part else "_" for part in (pbx, *parts))


def occurrence(timestamp: str, nth: int, session: str) -> tuple[str, str]:
    """What tells a moment from another that Asterisk gives the same ids: when, else which of a session."""
    return (timestamp, "") if timestamp else (str(nth), session)

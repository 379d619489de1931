"""Tickets: what a browser may receive, behind a name that nobody can guess.

The id that the browser holds is 192 random bits. The gateway stores the ticket under a hash of it, so
that who reads the store, or its logs, gets no usable ticket. To add a property: a field with a default
here (tickets that were stored before have none), its rule in ``parameters.py``, its meaning in ``scope.py``.
"""

from __future__ import annotations

import base64
import hashlib
import re

import msgspec

ID_BYTES = 24
_ID = re.compile(r"[A-Za-z0-9_-]{32}")


class Ticket(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The scope that was asked for, as written.

    ``agents`` and ``queues`` are names (``148``, ``148@hq``, ``*``); ``pbx`` names the PBXs, all
    configured ones when empty. ``created`` is in milliseconds since the epoch.
    """

    agents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    summary_events: bool = False
    callers: bool = False
    pbx: tuple[str, ...] = ()
    created: int


def make_id(random: bytes) -> str:
    """The id for :data:`ID_BYTES` random bytes: 32 characters that need no escaping in a URL."""
    return base64.urlsafe_b64encode(random).decode("ascii")


def is_id(text: str) -> bool:
    """Whether it has the form of an id. Saves the store a question that can have one answer only."""
    return _ID.fullmatch(text) is not None


def key_of(ticket_id: str) -> str:
    """Under which key the ticket lies, and the only form in which it may appear outside the URL."""
    return hashlib.sha256(ticket_id.encode("utf-8", "surrogatepass")).hexdigest()

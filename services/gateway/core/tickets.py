"""Tickets: what a browser may receive, behind a name that nobody can guess.

The id that the browser holds is 192 random bits. The gateway stores the ticket under a hash of it, so
that who reads the store, or its logs, gets no usable ticket. To add a property: a field with a default
here (tickets that were stored before have none), its rule in ``parameters.py``, its meaning in ``scope.py``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

import msgspec

from services.gateway.core.names import parse_name
from services.gateway.core.principal import OPEN, Principal
from services.gateway.errors import PbxForbiddenError

ID_BYTES = 24
_ID = re.compile(r"[A-Za-z0-9_-]{32}")


class Ticket(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The scope that was asked for, as written.

    ``agents`` and ``queues`` are names (``148``, ``148@hq``, ``*``); ``pbx`` names the PBXs, all
    configured ones when empty. ``created`` is in milliseconds since the epoch. ``key`` is the id of the
    API key that made it; ``None``: made without one.
    """

    agents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    summary_events: bool = False
    callers: bool = False
    pbx: tuple[str, ...] = ()
    created: int
    key: str | None = None


def owned(ticket: Ticket, principal: Principal, pbxs: Sequence[str]) -> Ticket:
    """The ticket as one of this principal's: it sees the PBXs that his key is for, and no others.

    Which these are is settled now, so a key that is given more PBXs later does not widen its tickets.

    Args:
        ticket: as asked for; the PBXs that it names are configured.
        principal: who asked.
        pbxs: the configured PBXs.

    Raises:
        PbxForbiddenError: it names a PBX that the key is not for, or the key is for none of the configured.
    """
    if principal == OPEN:
        return ticket
    named = [parse_name(name, pbxs).pbx for name in (*ticket.agents, *ticket.queues)]
    for pbx in (*ticket.pbx, *named):
        if pbx is not None and not principal.may_see(pbx):
            raise PbxForbiddenError(principal.name, pbx)
    if principal.pbxs is None or ticket.pbx:
        return msgspec.structs.replace(ticket, key=principal.id)
    visible = principal.visible(pbxs)
    if not visible:
        raise PbxForbiddenError(principal.name, ", ".join(pbxs))
    return msgspec.structs.replace(ticket, key=principal.id, pbx=visible)


def still_good(ticket: Ticket, principal: Principal | None, *, keyless: bool) -> bool:
    """Whether who made the ticket could make it now.

    Args:
        ticket: a stored one.
        principal: whose key made it; ``None``: there is no such key, or no longer, or it was made without.
        keyless: whether this gateway gives tickets without a key.
    """
    if ticket.key is None:
        return keyless
    if principal is None or not principal.has("stream"):
        return False
    if principal.pbxs is None:
        return True
    return bool(ticket.pbx) and all(principal.may_see(pbx) for pbx in ticket.pbx)


def make_id(random: bytes) -> str:
    """The id for :data:`ID_BYTES` random bytes: 32 characters that need no escaping in a URL."""
    return base64.urlsafe_b64encode(random).decode("ascii")


def is_id(text: str) -> bool:
    """Whether it has the form of an id. Saves the store a question that can have one answer only."""
    return _ID.fullmatch(text) is not None


def key_of(ticket_id: str) -> str:
    """Under which key the ticket lies, and the only form in which it may appear outside the URL."""
    return hashlib.sha256(ticket_id.encode("utf-8", "surrogatepass")).hexdigest()

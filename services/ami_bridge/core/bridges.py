"""Which channels talk with which.

Two channels talk when they are alone in one bridge that is not a holding one: all parked calls of a lot sit
in ONE holding bridge, and pairing those would join strangers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.ami_bridge.core.ami_message import AmiMessage, name, optional
from services.ami_bridge.core.caller_id import name_of, number_of


class Party(NamedTuple):
    """A channel in a bridge, with its own caller ID."""

    uniqueid: str
    channel: str
    number: str | None
    name: str | None


def read_party(message: AmiMessage) -> Party:
    """Read the channel of `BridgeEnter`, or of an item of Status or CoreShowChannels.

    Raises:
        MalformedMessageError: `Uniqueid` or `Channel` is missing.
    """
    return Party(
        name(message, "Uniqueid"),
        name(message, "Channel"),
        number_of(optional(message, "CallerIDNum")),
        name_of(optional(message, "CallerIDName")),
    )


def is_holding(message: AmiMessage) -> bool:
    """Whether a `BridgeEnter` or `BridgeListItem` is about a bridge whose channels do not talk."""
    technology, kind = optional(message, "BridgeTechnology"), optional(message, "BridgeType")
    return technology == "holding_bridge" or kind == "parking"


class Bridges:
    """The bridges with a channel in them."""

    def __init__(self) -> None:
        self._parties: dict[str, dict[str, Party]] = {}
        self._holding: set[str] = set()
        self._bridge_of: dict[str, str] = {}
        self._named: dict[str, Party] = {}

    def __len__(self) -> int:
        return len(self._parties)

    def enter(self, bridge: str, holding: bool, party: Party) -> None:
        """A channel joins; it thereby leaves any other bridge."""
        self.leave(party.uniqueid)
        self._parties.setdefault(bridge, {})[party.uniqueid] = party
        self._bridge_of[party.uniqueid] = bridge
        self._named[party.channel] = party
        if holding:
            self._holding.add(bridge)

    def leave(self, uniqueid: str, bridge: str | None = None) -> None:
        """A channel leaves its bridge (only if it is that one, when one is given)."""
        current = self._bridge_of.get(uniqueid)
        if current is None or (bridge is not None and bridge != current):
            return
        del self._bridge_of[uniqueid]
        parties = self._parties[current]
        party = parties.pop(uniqueid)
        if self._named.get(party.channel) is party:
            del self._named[party.channel]
        if not parties:
            del self._parties[current]
            self._holding.discard(current)

    def contains(self, uniqueid: str) -> bool:
        """Whether a channel is in any bridge."""
        return uniqueid in self._bridge_of

    def named(self, channel: str) -> Party | None:
        """The channel of that name, if it is in any bridge."""
        return self._named.get(channel)

    def together(self, uniqueid: str) -> Iterable[str]:
        """The uniqueids in the channel's bridge, its own too."""
        bridge = self._bridge_of.get(uniqueid)
        return () if bridge is None else tuple(self._parties[bridge])

    def partner(self, uniqueid: str) -> Party | None:
        """The one channel that a channel talks with."""
        bridge = self._bridge_of.get(uniqueid)
        if bridge is None or bridge in self._holding:
            return None
        parties = self._parties[bridge]
        others = [party for other, party in parties.items() if other != uniqueid]
        return others[0] if len(others) == 1 else None

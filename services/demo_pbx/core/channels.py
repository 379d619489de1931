"""Channels and bridges, and the headers that AMI shows of them ("snapshots").

Source of the header names and their order: events of Asterisk 22.10.1, tests/fixtures/ami.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

UNKNOWN = "<unknown>"
BUSY, DECLINED = 17, 21
"""Causes with which a phone refuses; the numbers are those of Q.850."""
HUNG_UP = 0
"""No cause: action Hangup ended the ringing, and no phone said anything."""

Headers = list[tuple[str, str]]


class ChannelState(IntEnum):
    """`ChannelState` of AMI; the names are its `ChannelStateDesc`."""

    DOWN = 0
    RING = 4
    RINGING = 5
    UP = 6


@dataclass(slots=True, eq=False)
class Bridge:
    """What joins channels; a parking lot is one holding bridge for all its parked channels."""

    uniqueid: str
    kind: str = "basic"
    technology: str = "simple_bridge"
    creator: str = UNKNOWN
    name: str = UNKNOWN
    channels: list["Channel"] = field(default_factory=list["Channel"])

    @property
    def holding(self) -> bool:
        return self.technology == "holding_bridge"

    def headers(self) -> Headers:
        return [
            ("BridgeUniqueid", self.uniqueid),
            ("BridgeType", self.kind),
            ("BridgeTechnology", self.technology),
            ("BridgeCreator", self.creator),
            ("BridgeName", self.name),
            ("BridgeNumChannels", str(len(self.channels))),
            ("BridgeVideoSourceMode", "none"),
        ]


class Task(Protocol):
    """What a channel is in the middle of; it knows how to take the channel out of it."""

    def answered(self, channel: "Channel") -> None:
        """The ringing phone was picked up."""
        ...

    def rejected(self, channel: "Channel", cause: int = BUSY) -> None:
        """The called phone refused: 486 Busy Here, or with cause `DECLINED` 603 Decline.

        With `HUNG_UP` it did not: an action ended its ringing.
        """
        ...

    def party_hung_up(self, channel: "Channel") -> None:
        """The person at this channel, or an action, hung up: end it and what depends on it.

        A phone that only rings has nobody who could: that is the action.
        """
        ...

    def detach(self, channel: "Channel") -> "Channel | None":
        """Take the channel out, alive, and return the party left alone in the bridge, if any."""
        ...


class Outstanding(Protocol):
    """A queue call that is not over: its AgentComplete comes when its caller goes at the latest.

    `bare` leaves all channels out of AgentComplete, as Asterisk does for a call fetched from parking.
    """

    bare: bool

    def complete(self, reason: str) -> None: ...

    def count(self) -> None: ...


@dataclass(slots=True, eq=False)
class Channel:
    """One leg of a call. `held` means that the other party put this one on hold."""

    name: str
    uniqueid: str
    linkedid: str
    device: str
    caller_num: str
    caller_name: str
    context: str
    exten: str
    created_at: float
    state: ChannelState = ChannelState.DOWN
    priority: int = 1
    connected_num: str = ""
    connected_name: str = ""
    application: str = ""
    data: str = ""
    bridge: Bridge | None = None
    held: bool = False
    gone: bool = False
    task: Task | None = None
    outstanding: list[Outstanding] = field(default_factory=list[Outstanding])
    agents_part: Outstanding | None = None
    variables: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def peer(self) -> "Channel | None":
        """The other party of a two-party bridge; parked channels in one lot are no peers."""
        if self.bridge is None or self.bridge.holding:
            return None
        return next((other for other in self.bridge.channels if other is not self), None)

    def sees(self, other: "Channel") -> None:
        """Take the other channel's caller ID as connected line."""
        self.connected_num, self.connected_name = other.caller_num, other.caller_name

    def headers(self, prefix: str = "") -> Headers:
        return [
            (prefix + "Channel", self.name),
            (prefix + "ChannelState", str(int(self.state))),
            (prefix + "ChannelStateDesc", self.state.name.capitalize()),
            (prefix + "CallerIDNum", self.caller_num or UNKNOWN),
            (prefix + "CallerIDName", self.caller_name or UNKNOWN),
            (prefix + "ConnectedLineNum", self.connected_num or UNKNOWN),
            (prefix + "ConnectedLineName", self.connected_name or UNKNOWN),
            (prefix + "Language", "en"),
            (prefix + "AccountCode", ""),
            (prefix + "Context", self.context),
            (prefix + "Exten", self.exten),
            (prefix + "Priority", str(self.priority)),
            (prefix + "Uniqueid", self.uniqueid),
            (prefix + "Linkedid", self.linkedid),
        ]

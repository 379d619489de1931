"""Device states: of phones, and how hints (ExtensionStatus) show them."""

from dataclasses import dataclass, field
from enum import IntEnum

from services.demo_pbx.core.channels import Channel, ChannelState


class DeviceState(IntEnum):
    """Numbers as in `Status` of queue members, names as in DeviceStateChange."""

    UNKNOWN = 0
    NOT_INUSE = 1
    INUSE = 2
    BUSY = 3
    INVALID = 4
    UNAVAILABLE = 5
    RINGING = 6
    RINGINUSE = 7
    ONHOLD = 8


HINT_STATUS: dict[DeviceState, tuple[int, str]] = {
    DeviceState.UNKNOWN: (4, "Unavailable"),
    DeviceState.NOT_INUSE: (0, "Idle"),
    DeviceState.INUSE: (1, "InUse"),
    DeviceState.BUSY: (2, "Busy"),
    DeviceState.INVALID: (4, "Unavailable"),
    DeviceState.UNAVAILABLE: (4, "Unavailable"),
    DeviceState.RINGING: (8, "Ringing"),
    DeviceState.RINGINUSE: (9, "InUse&Ringing"),
    DeviceState.ONHOLD: (16, "Hold"),
}
"""`Status` and `StatusText` of ExtensionStatus: another scale than the device's own."""


@dataclass(slots=True, eq=False)
class Device:
    """A phone (with an extension and a person's name) or the trunk (without).

    `lines` is how many calls a phone takes at a time: with two it has call waiting.
    """

    name: str
    exten: str = ""
    person: str = ""
    registered: bool = True
    lines: int = 1
    state: DeviceState = DeviceState.NOT_INUSE
    channels: list[Channel] = field(default_factory=list[Channel])

    @property
    def trunk(self) -> bool:
        return not self.exten

    @property
    def free(self) -> bool:
        return self.registered and self.state is DeviceState.NOT_INUSE

    @property
    def rings(self) -> bool:
        """Whether one more call rings there; else the phone says that it is busy."""
        return self.free or (self.registered and 0 < len(self.channels) < self.lines)

    def current_state(self) -> DeviceState:
        """The state that follows from the device's channels."""
        if not self.registered:
            return DeviceState.UNAVAILABLE
        ringing = any(c.state is ChannelState.RINGING for c in self.channels)
        talking = [c for c in self.channels if c.state in (ChannelState.UP, ChannelState.RING)]
        if talking and ringing:
            return DeviceState.RINGINUSE
        if ringing:
            return DeviceState.RINGING
        if talking:
            return DeviceState.ONHOLD if all(c.held for c in talking) else DeviceState.INUSE
        return DeviceState.NOT_INUSE

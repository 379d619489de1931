"""What all called legs have in common, and the party that is left alone in a bridge."""

from copy import copy

from services.demo_pbx.core.channels import Channel, ChannelState
from services.demo_pbx.core.devices import Device
from services.demo_pbx.core.switch import Switch

OUTGOING = "(Outgoing Line)"


class LeftAlone:
    """The task of a party whose partner was taken away: it may hang up, or is dismissed."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def answered(self, channel: Channel) -> None: ...

    def rejected(self, channel: Channel) -> None: ...

    def party_hung_up(self, channel: Channel) -> None:
        self._switch.request_hangup(channel)
        self._switch.dismiss(channel)

    def detach(self, channel: Channel) -> Channel | None:
        self._switch.leave(channel)
        channel.task = None
        return None


def start_ringing(switch: Switch, leg: Channel, caller: Channel | None) -> None:
    """The called phone says that it rings; it is told who calls, and its owner hears it."""
    switch.set_state(leg, ChannelState.RINGING)
    parts = [("Dest", leg), [("DialStatus", "RINGING")]]
    switch.emit("DialState", *([caller] if caller else []), *parts)
    switch.refresh(switch.devices[leg.device])
    switch.people.phone_rings(leg)


def dial_end(switch: Switch, caller: Channel | None, leg: Channel, status: str) -> None:
    parts = [("Dest", leg), [("DialStatus", status)]]
    switch.emit("DialEnd", *([caller] if caller else []), *parts)


def refuse_busy(switch: Switch, caller: Channel | None, leg: Channel) -> None:
    """The phone answers 486: the leg goes with cause 17."""
    switch.request_hangup(leg, 17)
    dial_end(switch, caller, leg, "BUSY")
    switch.end(leg, 17)


def before(channel: Channel) -> Channel:
    """The channel as it is now, for an event that shows it as it was."""
    return copy(channel)


def new_dial_leg(switch: Switch, caller: Channel, device: Device, exten: str) -> Channel:
    """A called leg of Dial(): to a phone, or to an outside number over the trunk."""
    leg = switch.new_channel(device, state=ChannelState.DOWN, exten="s", linkedid=caller.linkedid)
    leg.application, leg.data = "AppDial", OUTGOING
    leg.exten = exten
    if device.trunk:
        leg.sees(caller)
        switch.set_caller_id(leg, exten, "")
    switch.see(leg, caller)
    return leg

"""What all called legs have in common, and the party that is left alone in a bridge."""

from copy import copy

from services.demo_pbx.core.channels import BUSY, HUNG_UP, Channel, ChannelState
from services.demo_pbx.core.devices import Device
from services.demo_pbx.core.switch import Switch

OUTGOING = "(Outgoing Line)"


class LeftAlone:
    """The task of a party whose partner was taken away: it may hang up, or is dismissed."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def answered(self, channel: Channel) -> None: ...

    def rejected(self, channel: Channel, cause: int = BUSY) -> None: ...

    def party_hung_up(self, channel: Channel) -> None:
        self._switch.request_hangup(channel)
        self._switch.dismiss(channel)

    def detach(self, channel: Channel) -> Channel | None:
        self._switch.leave(channel)
        channel.task = None
        return None


class Listener(LeftAlone):
    """The task of a party who hears an application: a tone, an announcement. Then the call ends."""

    def __init__(self, switch: Switch, channel: Channel, seconds: float) -> None:
        super().__init__(switch)
        self._timer = switch.schedule.after(seconds, lambda: self._end(channel))
        channel.task = self

    def party_hung_up(self, channel: Channel) -> None:
        self._switch.request_hangup(channel)
        self._end(channel)

    def detach(self, channel: Channel) -> Channel | None:
        self._timer.cancel()
        return super().detach(channel)

    def _end(self, channel: Channel) -> None:
        self._timer.cancel()
        self._switch.soft_hangup(channel)
        self._switch.end(channel, 0)


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


def refuse(switch: Switch, caller: Channel | None, leg: Channel, cause: int) -> None:
    """The phone answers 486 or 603, or is hung up by an action; only the first of these is BUSY."""
    if cause != HUNG_UP:
        switch.request_hangup(leg, cause)
    dial_end(switch, caller, leg, "BUSY" if cause == BUSY else "NOANSWER")
    switch.end(leg, cause)


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

"""The Dial application: a call to one phone or to an outside number.

Source of the order of events: tests/fixtures/ami, direct_call, outbound_by_agent, inbound_direct,
transfer_blind_sip (its second half), redirect_direct_call.
"""

from services.demo_pbx.core.channels import BUSY, HUNG_UP, Channel, ChannelState
from services.demo_pbx.core.devices import Device
from services.demo_pbx.core.legs import LeftAlone, dial_end, new_dial_leg, refuse, start_ringing
from services.demo_pbx.core.schedule import Timer
from services.demo_pbx.core.switch import Switch

RING_S = 20.0
REFUSAL_S = 0.05
NORMAL_CLEARING = 16
"""The cause with which a caller's dialplan ends when no phone gave another one."""


class DialCall:
    """From the caller's Dial() to the end of both legs."""

    def __init__(
        self, switch: Switch, caller: Channel, device: Device, exten: str, *, timeout_s: float = RING_S
    ) -> None:
        self._switch = switch
        self._caller = caller
        self._device = device
        self._exten = exten
        self._timeout_s = timeout_s
        self._leg: Channel | None = None
        self._timer: Timer | None = None
        self._callee: Channel | None = None

    def start(self) -> None:
        switch, caller, device = self._switch, self._caller, self._device
        caller.task, caller.application = self, "Dial"
        target = f"{self._exten}@trunk" if device.trunk else self._exten
        caller.data = f"{device.name if not device.trunk else 'PJSIP/' + target},20,tTkK"
        if not device.registered:
            # No channel is made for a phone that is not there; the call is lost.
            switch.schedule.after(REFUSAL_S, lambda: self._lose(3))
            switch.refresh(switch.devices[caller.device])
            return
        will_ring = device.trunk or device.rings
        leg = new_dial_leg(switch, caller, device, self._exten)
        leg.task, self._leg = self, leg
        switch.emit("DialBegin", caller, ("Dest", leg), [("DialString", target)])
        switch.see(caller, leg)
        switch.refresh(switch.devices[caller.device])
        if will_ring:
            self._timer = switch.schedule.after(self._timeout_s, lambda: self._no_answer(leg))
            start_ringing(switch, leg, caller)
        else:
            switch.schedule.after(REFUSAL_S, lambda: self.rejected(leg))

    def answered(self, channel: Channel) -> None:
        switch, caller = self._switch, self._caller
        self._stop_timer()
        self._callee = channel
        switch.set_state(channel, ChannelState.UP)
        channel.exten = ""
        dial_end(switch, caller, channel, "ANSWER")
        if caller.state is not ChannelState.UP:
            switch.set_state(caller, ChannelState.UP)
        switch.refresh(switch.devices[channel.device])
        switch.join(channel, caller)
        switch.refresh(switch.devices[caller.device])
        switch.people.connected(caller, channel)

    def rejected(self, channel: Channel, cause: int = BUSY) -> None:
        """The phone refuses: the caller's dialplan goes on and hangs him up."""
        if not channel.gone and self._callee is None:
            self._stop_timer()
            refuse(self._switch, self._caller, channel, cause)
            self._lose(cause or NORMAL_CLEARING)

    def _no_answer(self, leg: Channel) -> None:
        dial_end(self._switch, self._caller, leg, "NOANSWER")
        self._switch.end(leg, 0)
        self._lose(NORMAL_CLEARING)

    def _lose(self, cause: int) -> None:
        if not self._caller.gone and self._caller.task is self:
            self._switch.soft_hangup(self._caller)
            self._switch.end(self._caller, cause)

    def party_hung_up(self, channel: Channel) -> None:
        switch, caller, callee = self._switch, self._caller, self._callee
        if callee is None:
            if channel is self._leg:
                self.rejected(channel, HUNG_UP)
                return
            switch.request_hangup(channel)
            self._cancel()
            switch.soft_hangup(caller)
            switch.end(caller, 0)
            return
        switch.request_hangup(channel, 16)
        switch.leave(channel)
        switch.leave(callee if channel is caller else caller)
        switch.soft_hangup(caller)
        switch.end(callee)
        switch.end(caller)

    def detach(self, channel: Channel) -> Channel | None:
        if self._callee is None:
            if channel is self._caller:
                self._cancel()
                channel.task = None
            return None
        other = self._callee if channel is self._caller else self._caller
        self._switch.leave(channel)
        channel.task = None
        other.task = LeftAlone(self._switch)
        return other

    def _cancel(self) -> None:
        self._stop_timer()
        leg = self._leg
        if leg is not None and not leg.gone:
            dial_end(self._switch, self._caller, leg, "CANCEL")
            self._switch.end(leg)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

"""Click to call: the agent's phone rings first, and when he answers, the destination.

Source of the order of events: tests/fixtures/ami, originate_ok, originate_outside,
originate_agent_busy, originate_agent_no_answer, originate_agent_unregistered.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.demo_pbx.core.channels import BUSY, HUNG_UP, UNKNOWN, Channel, ChannelState
from services.demo_pbx.core.dialling import REFUSAL_S
from services.demo_pbx.core.legs import dial_end, refuse, start_ringing
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.schedule import Timer

CALLER_ID = re.compile(r'^\s*"?(?P<name>[^"<]*?)"?\s*<(?P<number>[^>]*)>\s*$')
ANSWERED, NO_ANSWER, FAILED = 4, 3, 0
"""`Reason` of OriginateResponse."""


@dataclass(frozen=True, slots=True)
class OriginateOrder:
    """What the action asked for. `dial_string` is `PJSIP/101`; `channel_id` the leg's Uniqueid."""

    dial_string: str
    context: str
    exten: str
    timeout_s: float = 30.0
    caller_id: str = ""
    channel_id: str = ""
    action_id: str | None = None
    variables: tuple[tuple[str, str], ...] = ()


class OriginatedCall:
    """From the first ring of the agent's phone to OriginateResponse."""

    def __init__(self, pbx: Pbx, order: OriginateOrder, ended: Callable[[bool], None]) -> None:
        self._pbx = pbx
        self._switch = pbx.switch
        self._order = order
        self._ended = ended
        self._timer: Timer | None = None
        self._over = False

    def start(self) -> None:
        switch, order = self._switch, self._order
        device = switch.devices.get(order.dial_string)
        taken = any(channel.uniqueid == order.channel_id for channel in switch.channels.values())
        if device is None or device.trunk or not device.registered or taken:
            self._respond(FAILED, None)
            return
        will_ring = device.rings
        leg = switch.new_channel(device, state=ChannelState.DOWN, exten="s", uniqueid=order.channel_id)
        leg.task = self
        leg.variables.update(order.variables)
        if order.caller_id:
            number, name = parse_caller_id(order.caller_id)
            leg.connected_num, leg.connected_name = number, name
            switch.set_caller_id(leg, number, name)
            switch.emit("NewConnectedLine", leg)
        switch.emit("DialBegin", ("Dest", leg), [("DialString", device.exten)])
        if will_ring:
            self._timer = switch.schedule.after(order.timeout_s, lambda: self._no_answer(leg))
            start_ringing(switch, leg, None)
        else:
            switch.schedule.after(REFUSAL_S, lambda: self.rejected(leg))

    def answered(self, channel: Channel) -> None:
        self._stop()
        self._switch.set_state(channel, ChannelState.UP)
        dial_end(self._switch, None, channel, "ANSWER")
        self._switch.refresh(self._switch.devices[channel.device])
        self._respond(ANSWERED, channel)
        channel.task = None
        self._pbx.send(channel, self._order.context, self._order.exten)

    def rejected(self, channel: Channel, cause: int = BUSY) -> None:
        if channel.gone or self._over:
            return
        self._stop()
        refuse(self._switch, None, channel, cause)
        self._respond(FAILED, None)

    def _no_answer(self, leg: Channel) -> None:
        self._stop()
        self._respond(NO_ANSWER, None)
        self._switch.end(leg, 19)

    def party_hung_up(self, channel: Channel) -> None:
        self.rejected(channel, HUNG_UP)

    def detach(self, channel: Channel) -> Channel | None:
        """A leg that only rings cannot be moved."""
        return None

    def _stop(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()

    def _respond(self, reason: int, leg: Channel | None) -> None:
        """OriginateResponse; in failures `Channel` is the dial string.

        A ChannelId is its Uniqueid even where that is another, living channel.
        """
        order = self._order
        action_id = [("ActionID", order.action_id)] if order.action_id is not None else []
        self._switch.emit(
            "OriginateResponse",
            [
                *action_id,
                ("Response", "Success" if leg else "Failure"),
                ("Channel", leg.name if leg else order.dial_string),
                ("Context", order.context),
                ("Exten", order.exten),
                ("Reason", str(reason)),
                ("Uniqueid", leg.uniqueid if leg else order.channel_id or UNKNOWN),
                ("CallerIDNum", (parse_caller_id(order.caller_id)[0] if order.caller_id else "") or UNKNOWN),
                ("CallerIDName", (parse_caller_id(order.caller_id)[1] if order.caller_id else "") or UNKNOWN),
            ],
        )
        self._ended(leg is not None)


def parse_caller_id(text: str) -> tuple[str, str]:
    """Number and name of `"Name" <number>`, or of a number alone."""
    match = CALLER_ID.match(text)
    return (match["number"], match["name"].strip()) if match else (text.strip(), "")

"""The PBX whole: the switch with its queues, dialplan and parking, and what parties can do."""

import random

from services.demo_pbx.core import layout
from services.demo_pbx.core.channels import BUSY, Channel, ChannelState
from services.demo_pbx.core.devices import Device
from services.demo_pbx.core.dialling import DialCall
from services.demo_pbx.core.layout import (
    Destination,
    ToApplication,
    ToOutside,
    ToParking,
    ToPhone,
    ToQueue,
    ToSpace,
)
from services.demo_pbx.core.legs import Listener
from services.demo_pbx.core.membership import Membership
from services.demo_pbx.core.parking import Lot
from services.demo_pbx.core.queueing import QueueCall
from services.demo_pbx.core.queues import Queue
from services.demo_pbx.core.schedule import Schedule
from services.demo_pbx.core.serving import serve_all_soon
from services.demo_pbx.core.switch import Switch


class Pbx:
    """The operations that people and AMI actions share."""

    def __init__(self, schedule: Schedule, rng: random.Random) -> None:
        self.schedule = schedule
        self.switch = Switch(schedule, rng)
        self.switch.on_free = lambda: serve_all_soon(self.switch)
        self.membership = Membership(self.switch)
        self.lot = Lot(self.switch, layout.LotSettings(), self._comeback)

    # --- configuration ------------------------------------------------------------------------

    def add_phone(self, exten: str, person: str, registered: bool = True, lines: int = 1) -> Device:
        device = Device(f"PJSIP/{exten}", exten, person, registered, lines)
        device.state = device.current_state()
        self.switch.devices[device.name] = device
        return device

    def add_queue(self, queue: Queue) -> None:
        self.switch.queues[queue.name] = queue

    def find(self, context: str, exten: str) -> Destination | None:
        """The dialplan. None: no such extension."""
        if context not in layout.CONTEXTS:
            return None
        device = f"PJSIP/{exten}"
        if device in self.switch.devices and not self.switch.devices[device].trunk:
            return ToPhone(device, exten)
        for queue in self.switch.queues.values():
            if queue.exten == exten:
                return ToQueue(queue.name)
        if exten == layout.PARKING_EXTEN:
            return ToParking()
        if exten in layout.APPLICATIONS:
            return layout.APPLICATIONS[exten]
        if exten.isdecimal() and self.lot.settings.first <= int(exten) <= self.lot.settings.last:
            return ToSpace(int(exten))
        digits = exten.removeprefix("+")
        if digits.isdecimal() and (exten[0] in "0+") and len(digits) >= 3:
            return ToOutside(exten)
        return None

    # --- calls --------------------------------------------------------------------------------

    def call_in(self, exten: str, number: str, name: str) -> Channel:
        """An outside caller dials one of the PBX's numbers."""
        switch = self.switch
        trunk = switch.devices[layout.TRUNK_DEVICE]
        channel = switch.new_channel(
            trunk, state=ChannelState.RING, exten=exten, caller_num=number, caller_name=name
        )
        self.send(channel, layout.TRUNK, exten)
        return channel

    def call_from(self, device: Device, exten: str) -> Channel:
        """An agent dials from his phone."""
        channel = self.switch.new_channel(device, state=ChannelState.RING, exten=exten)
        self.send(channel, layout.PHONES, exten)
        return channel

    def send(self, channel: Channel, context: str, exten: str) -> None:
        """Put a channel that is in nothing into the dialplan; no such extension ends it."""
        channel.context, channel.exten, channel.priority = context, exten, 1
        match self.find(context, exten):
            case ToPhone(device=device):
                DialCall(self.switch, channel, self.switch.devices[device], exten).start()
            case ToOutside():
                self._present(channel)
                DialCall(self.switch, channel, self.switch.devices[layout.TRUNK_DEVICE], exten).start()
            case ToQueue(queue=queue):
                self.pick_up(channel)
                QueueCall(self.switch, self.switch.queues[queue], channel).start()
            case ToParking():
                self.pick_up(channel)
                if self.lot.park(channel, parker=channel.device) is None:
                    self._drop(channel)
            case ToSpace(space=space):
                self.pick_up(channel)
                self.lot.fetch(space, channel)
            case ToApplication(name=name, seconds=seconds):
                self.pick_up(channel)
                channel.application, channel.data = name, str(seconds)
                Listener(self.switch, channel, seconds)
            case _:
                self._drop(channel)

    def _drop(self, channel: Channel) -> None:
        self.switch.soft_hangup(channel)
        self.switch.end(channel)

    def pick_up(self, channel: Channel) -> None:
        """The dialplan's Answer()."""
        if channel.state is not ChannelState.UP:
            self.switch.set_state(channel, ChannelState.UP)
        self.switch.refresh(self.switch.devices[channel.device])

    def answer(self, leg: Channel) -> None:
        if leg.task is not None and leg.state is ChannelState.RINGING:
            leg.task.answered(leg)

    def reject(self, leg: Channel, cause: int = BUSY) -> None:
        if leg.task is not None and leg.state is ChannelState.RINGING:
            leg.task.rejected(leg, cause)

    def hang_up(self, channel: Channel) -> None:
        """The person at this channel hangs up (or AMI does it for him)."""
        if channel.gone:
            return
        if channel.task is not None:
            channel.task.party_hung_up(channel)
        else:
            self.switch.request_hangup(channel)
            self.switch.dismiss(channel)

    def hold(self, channel: Channel) -> None:
        """The person at `channel` presses hold; the other party hears music."""
        peer = channel.peer
        if peer is None or peer.held:
            return
        peer.held = True
        self.switch.emit("Hold", channel, [("MusicClass", "default")])
        self.switch.emit("MusicOnHoldStart", peer, [("Class", "default")])
        self.switch.refresh(self.switch.devices[peer.device])

    def unhold(self, channel: Channel) -> None:
        peer = channel.peer
        if peer is None or not peer.held:
            return
        self.switch.emit("Unhold", channel)
        self.switch.release_hold(peer)

    def _present(self, channel: Channel) -> None:
        """Outside calls show the agent's own outside number (Set(CALLERID(num)=...))."""
        device = self.switch.devices[channel.device]
        if not device.trunk:
            self.switch.set_caller_id(channel, layout.OWN_NUMBER_PREFIX + device.exten, device.person)

    def _comeback(self, channel: Channel, parker: str) -> None:
        """A parked call that nobody fetched rings whoever parked it, for a short time."""
        channel.context, channel.exten, channel.priority = "park-dial", parker.replace("/", "_"), 1
        device = self.switch.devices.get(parker)
        if device is None or device.trunk:
            self.switch.soft_hangup(channel)
            self.switch.end(channel, 3)
            return
        DialCall(
            self.switch, channel, device, channel.exten, timeout_s=self.lot.settings.comeback_dial_s
        ).start()

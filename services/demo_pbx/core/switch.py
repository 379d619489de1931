"""The switch: channels, bridges and device states, and the events of each change.

Everything else is built of these operations. None of them decides what happens next; that is
up to the task of each channel (see `channels.Task`) and to the people (see `People`).
"""

import random
from collections.abc import Callable
from typing import Protocol

from services.demo_pbx.core.channels import Bridge, Channel, ChannelState, Headers
from services.demo_pbx.core.devices import HINT_STATUS, Device, DeviceState
from services.demo_pbx.core.events import AmiEvent, Part, render
from services.demo_pbx.core.layout import HINTS, PHONES, TRUNK, TRUNK_DEVICE
from services.demo_pbx.core.queues import Member, Queue
from services.demo_pbx.core.schedule import Schedule

CAUSES = {
    0: "Unknown",
    3: "No route to destination",
    16: "Normal Clearing",
    17: "User busy",
    19: "User alerting, no answer",
    21: "Call Rejected",
}
SIP_CAUSES = {17: "486", 19: "480", 21: "603", 3: "404"}

Sink = Callable[[AmiEvent], None]


class People(Protocol):
    """Those at the phones. The switch tells them what they hear; they act on it later."""

    def phone_rings(self, leg: Channel) -> None: ...

    def connected(self, caller: Channel, callee: Channel) -> None: ...

    def waits(self, caller: Channel) -> None: ...

    def parked(self, channel: Channel, space: int) -> None: ...


class Nobody:
    """People who do nothing by themselves: for scripted calls."""

    def phone_rings(self, leg: Channel) -> None: ...

    def connected(self, caller: Channel, callee: Channel) -> None: ...

    def waits(self, caller: Channel) -> None: ...

    def parked(self, channel: Channel, space: int) -> None: ...


class Switch:
    """State of the PBX. `sinks` get each event; with none, events are not even built."""

    def __init__(self, schedule: Schedule, rng: random.Random) -> None:
        self.schedule = schedule
        self.rng = rng
        self.people: People = Nobody()
        self.sinks: list[Sink] = []
        self.on_free: Callable[[], None] = _nothing
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.queues: dict[str, Queue] = {}
        self.devices: dict[str, Device] = {TRUNK_DEVICE: Device(TRUNK_DEVICE)}
        self.other_states: dict[str, DeviceState] = {}
        self.started_at = schedule.now
        self.calls_processed = 0
        self._counter = 0

    @property
    def now(self) -> float:
        return self.schedule.now

    # --- events -------------------------------------------------------------------------------

    def emit(self, name: str, *parts: Part) -> None:
        if self.sinks:
            event = AmiEvent(name, render(parts), at=self.now)
            for sink in self.sinks:
                sink(event)

    # --- channels -----------------------------------------------------------------------------

    def new_channel(
        self,
        device: Device,
        *,
        state: ChannelState,
        exten: str,
        caller_num: str = "",
        caller_name: str = "",
        linkedid: str = "",
        uniqueid: str = "",
    ) -> Channel:
        """A channel on a device. Without `linkedid` it begins a call of its own."""
        if not device.trunk:
            caller_num, caller_name = device.exten, device.person
        uniqueid = uniqueid or f"{int(self.now)}.{self._counter}"
        channel = Channel(
            name=f"{device.name}-{self._counter:08x}",
            uniqueid=uniqueid,
            linkedid=linkedid or uniqueid,
            device=device.name,
            caller_num=caller_num,
            caller_name=caller_name,
            context=TRUNK if device.trunk else PHONES,
            exten=exten,
            created_at=self.now,
            state=state,
        )
        self._counter += 1
        self.calls_processed += not linkedid
        self.channels[channel.name] = channel
        device.channels.append(channel)
        self.emit("Newchannel", channel)
        return channel

    def set_state(self, channel: Channel, state: ChannelState) -> None:
        channel.state = state
        self.emit("Newstate", channel)

    def see(self, channel: Channel, other: Channel) -> None:
        """NewConnectedLine: the channel now shows the other's number."""
        channel.sees(other)
        self.emit("NewConnectedLine", channel)

    def set_caller_id(self, channel: Channel, number: str, name: str) -> None:
        channel.caller_num, channel.caller_name = number, name
        presentation = ("CID-CallingPres", "0 (Presentation Allowed, Not Screened)")
        self.emit("NewCallerid", channel, [presentation])

    def request_hangup(self, channel: Channel, cause: int = 0) -> None:
        """HangupRequest: this party hung up. A cause is given only where Asterisk gives one."""
        sip = [("TechCause", SIP_CAUSES[cause])] if cause in SIP_CAUSES else []
        self.emit("HangupRequest", channel, [("Cause", str(cause)), *sip] if cause else [])

    def soft_hangup(self, channel: Channel) -> None:
        self.emit("SoftHangupRequest", channel, [("Cause", "16")])

    def end(self, channel: Channel, cause: int = 16) -> None:
        """Hangup: the channel is no more. An AgentComplete that waited for this comes first."""
        if channel.gone:
            return
        for call in list(channel.outstanding):
            call.complete("caller")
        if channel.agents_part is not None:
            channel.agents_part.count()
        channel.gone, channel.task = True, None
        del self.channels[channel.name]
        device = self.devices[channel.device]
        device.channels.remove(channel)
        reason: Headers = [("Cause", str(cause)), ("Cause-txt", CAUSES[cause])]
        if cause in SIP_CAUSES:
            reason.append(("TechCause", SIP_CAUSES[cause]))
        self.emit("Hangup", channel, reason)
        self.refresh(device)

    def dismiss(self, channel: Channel) -> None:
        """End a party whose partner has gone."""
        if not channel.gone:
            if channel.bridge is not None:
                self.leave(channel)
            self.end(channel)

    # --- bridges ------------------------------------------------------------------------------

    def new_bridge(self, bridge: Bridge) -> Bridge:
        self.bridges[bridge.uniqueid] = bridge
        self.emit("BridgeCreate", bridge)
        return bridge

    def bridge_id(self) -> str:
        """A UUID of the simulation's own chance, so that a seed gives the same run again."""
        digits = f"{self.rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def join(self, first: Channel, second: Channel) -> Bridge:
        """Connect two channels; Asterisk lets the called one in first."""
        bridge = self.new_bridge(Bridge(self.bridge_id()))
        self.enter(bridge, first)
        self.enter(bridge, second)
        return bridge

    def enter(self, bridge: Bridge, channel: Channel) -> None:
        bridge.channels.append(channel)
        channel.bridge = bridge
        self.emit("BridgeEnter", bridge, channel)

    def leave(self, channel: Channel) -> None:
        """Take a channel out of its bridge; the last one takes the bridge with it."""
        bridge = channel.bridge
        if bridge is None:
            return
        if channel.held:
            self.release_hold(channel)
        bridge.channels.remove(channel)
        channel.bridge = None
        self.emit("BridgeLeave", bridge, channel)
        if not bridge.channels and not bridge.holding:
            del self.bridges[bridge.uniqueid]
            self.emit("BridgeDestroy", bridge)

    def release_hold(self, channel: Channel) -> None:
        """Music stops for a held party, whoever ended it."""
        channel.held = False
        self.emit("MusicOnHoldStop", channel)
        self.refresh(self.devices[channel.device])

    # --- devices ------------------------------------------------------------------------------

    def refresh(self, device: Device) -> None:
        """Publish the device's state if it changed: to hints, devices and each queue.

        Asterisk delivers these by separate ways, so their order differs from call to call.
        """
        state = device.current_state()
        if state is device.state:
            return
        device.state = state
        change: Headers = [("Device", device.name), ("State", state.name)]
        if device.trunk:
            self.emit("DeviceStateChange", change)
            return
        hint_first = self.rng.random() < 0.5
        if hint_first:
            self.emit("ExtensionStatus", hint_headers(device))
        self.emit("DeviceStateChange", change)
        for queue in self.queues.values():
            member = queue.members.get(device.name)
            if member is not None:
                member.status = state
                self.emit("QueueMemberStatus", member.event_headers())
                self.refresh_available(queue)
        if not hint_first:
            self.emit("ExtensionStatus", hint_headers(device))
        if state is DeviceState.NOT_INUSE:
            self.on_free()

    def set_other_state(self, name: str, state: DeviceState) -> None:
        """State of something that is no phone: `Queue:support_avail`, `park:701@parkedcalls`."""
        if self.other_states.get(name, DeviceState.NOT_INUSE) is not state or name not in self.other_states:
            self.other_states[name] = state
            self.emit("DeviceStateChange", [("Device", name), ("State", state.name)])

    def refresh_available(self, queue: Queue) -> None:
        free = any(m.status is DeviceState.NOT_INUSE and not m.paused for m in queue.members.values())
        self.set_other_state(f"Queue:{queue.name}_avail", _busy(not free))

    def refresh_waiting(self, queue: Queue) -> None:
        state = DeviceState.RINGING if queue.waiting else DeviceState.NOT_INUSE
        self.set_other_state(f"Queue:{queue.name}", state)

    def refresh_pause(self, member: Member) -> None:
        self.set_other_state(f"Queue:{member.queue}_pause_{member.interface}", _busy(member.paused))

    def register(self, device: Device, registered: bool) -> None:
        """A phone registers or goes away; its calls, if any, are not touched."""
        device.registered = registered
        self.refresh(device)


def _nothing() -> None: ...


def hint_headers(device: Device) -> Headers:
    status, text = HINT_STATUS[device.state]
    return hint(device.exten, HINTS, device.name, status, text)


def hint(exten: str, context: str, hint_text: str, status: int, text: str) -> Headers:
    return [
        ("Exten", exten),
        ("Context", context),
        ("Hint", hint_text),
        ("Status", str(status)),
        ("StatusText", text),
    ]


def _busy(busy: bool) -> DeviceState:
    return DeviceState.INUSE if busy else DeviceState.NOT_INUSE

"""Parking: a lot with spaces, where a call waits to be fetched, until it comes back or gives up.

All parked calls of a lot are in one holding bridge. Exactly one of UnParkedCall,
ParkedCallTimeOut and ParkedCallGiveUp ends a parking.
Source of the order of events: tests/fixtures/ami, park_retrieve, park_giveup, park_variants.
"""

from collections.abc import Callable

from services.demo_pbx.core.channels import BUSY, Bridge, Channel, Headers
from services.demo_pbx.core.devices import HINT_STATUS, DeviceState
from services.demo_pbx.core.layout import LotSettings
from services.demo_pbx.core.legs import LeftAlone, Listener
from services.demo_pbx.core.schedule import Timer
from services.demo_pbx.core.switch import Switch, hint

ANNOUNCEMENT_S = 2.5
"""How long an agent hears the number of the space before his leg is hung up."""

Comeback = Callable[[Channel, str], None]


class ParkedStay:
    """One channel in one space. `parker` is the device that a timeout rings."""

    def __init__(self, lot: "Lot", channel: Channel, space: int, parker: str, timeout_s: int) -> None:
        self._lot = lot
        self.channel = channel
        self.space = space
        self.parker = parker
        self.parked_at = lot.switch.now
        self._timeout_s = timeout_s
        self._timer: Timer = lot.switch.schedule.after(timeout_s, self._time_out)

    def headers(self) -> Headers:
        """What follows the parkee in Parked*Call* events; times are whole seconds."""
        duration = int(self._lot.switch.now - self.parked_at)
        return [
            ("ParkerDialString", self.parker),
            ("Parkinglot", self._lot.settings.name),
            ("ParkingSpace", str(self.space)),
            ("ParkingTimeout", str(max(0, self._timeout_s - duration))),
            ("ParkingDuration", str(duration)),
        ]

    def answered(self, channel: Channel) -> None: ...

    def rejected(self, channel: Channel, cause: int = BUSY) -> None: ...

    def party_hung_up(self, channel: Channel) -> None:
        """The caller gives up."""
        switch = self._lot.switch
        switch.request_hangup(channel)
        for call in list(channel.outstanding):
            call.complete("caller")
        self._vacate()
        switch.leave(channel)
        switch.soft_hangup(channel)
        switch.emit("ParkedCallGiveUp", ("Parkee", channel), self.headers())
        switch.end(channel)

    def detach(self, channel: Channel) -> Channel | None:
        """Moved away by a redirect: to AMI that is giving up, too."""
        switch = self._lot.switch
        switch.emit("ParkedCallGiveUp", ("Parkee", channel), self.headers())
        self._vacate()
        switch.leave(channel)
        channel.task = None
        return None

    def fetch(self, retriever: Channel) -> None:
        """Somebody dialled the space: he talks to the parked party now."""
        switch, parkee = self._lot.switch, self.channel
        switch.emit("UnParkedCall", ("Parkee", parkee), ("Retriever", retriever), self.headers())
        self._vacate()
        switch.leave(parkee)
        for call in parkee.outstanding:
            call.bare = True
        conversation = FetchedCall(switch, parkee, retriever)
        parkee.task = retriever.task = conversation
        switch.join(parkee, retriever)
        switch.see(retriever, parkee)
        switch.see(parkee, retriever)
        switch.people.connected(parkee, retriever)

    def _time_out(self) -> None:
        switch, channel = self._lot.switch, self.channel
        switch.emit("ParkedCallTimeOut", ("Parkee", channel), self.headers())
        self._vacate()
        switch.leave(channel)
        channel.task = None
        self._lot.comeback(channel, self.parker)

    def _vacate(self) -> None:
        self._timer.cancel()
        del self._lot.stays[self.space]
        self._lot.switch.emit("MusicOnHoldStop", self.channel)
        self._lot.show(self.space, DeviceState.NOT_INUSE)


class FetchedCall:
    """Two parties joined from parking; either may hang up."""

    def __init__(self, switch: Switch, parkee: Channel, retriever: Channel) -> None:
        self._switch = switch
        self._parties = (parkee, retriever)

    def answered(self, channel: Channel) -> None: ...

    def rejected(self, channel: Channel, cause: int = BUSY) -> None: ...

    def party_hung_up(self, channel: Channel) -> None:
        switch = self._switch
        switch.request_hangup(channel)
        for party in self._ordered(channel):
            switch.leave(party)
        for party in self._ordered(channel):
            switch.soft_hangup(party)
            switch.end(party)

    def detach(self, channel: Channel) -> Channel | None:
        other = self._ordered(channel)[1]
        self._switch.leave(channel)
        channel.task = None
        other.task = LeftAlone(self._switch)
        return other

    def _ordered(self, first: Channel) -> tuple[Channel, Channel]:
        parkee, retriever = self._parties
        return (parkee, retriever) if first is parkee else (retriever, parkee)


class Lot:
    """The parking lot."""

    def __init__(self, switch: Switch, settings: LotSettings, comeback: Comeback) -> None:
        self.switch = switch
        self.settings = settings
        self.comeback = comeback
        self.stays: dict[int, ParkedStay] = {}
        self._bridge: Bridge | None = None
        self._next = settings.first

    def park(
        self, channel: Channel, *, parker: str, timeout_s: int | None = None, space: int | None = None
    ) -> int | None:
        """Park a channel that is in nothing. Returns its space, or None when the lot is full."""
        space = space if space is not None and self.is_free(space) else self._free_space()
        if space is None:
            return None
        switch = self.switch
        bridge = self._bridge
        if bridge is None:
            bridge = Bridge(switch.bridge_id(), "parking", "holding_bridge", "Parking", self.settings.name)
            self._bridge = switch.new_bridge(bridge)
        stay = ParkedStay(self, channel, space, parker, timeout_s or self.settings.timeout_s)
        self.stays[space] = stay
        channel.task = stay
        for call in channel.outstanding:
            call.bare = False
        switch.emit("ParkedCall", ("Parkee", channel), stay.headers())
        self.show(space, DeviceState.INUSE)
        switch.enter(bridge, channel)
        switch.emit("MusicOnHoldStart", channel, [("Class", "default")])
        switch.people.parked(channel, space)
        return space

    def fetch(self, space: int, retriever: Channel) -> None:
        """Join who dials a space with the call in it; an empty one is only told to be empty."""
        retriever.application, retriever.data = "ParkedCall", f"{self.settings.name},{space}"
        stay = self.stays.get(space)
        if stay is None:
            Listener(self.switch, retriever, ANNOUNCEMENT_S)
        else:
            stay.fetch(retriever)

    def has_room(self) -> bool:
        return len(self.stays) <= self.settings.last - self.settings.first

    def is_free(self, space: int) -> bool:
        return self.settings.first <= space <= self.settings.last and space not in self.stays

    def show(self, space: int, state: DeviceState) -> None:
        """The hint of the space."""
        self.switch.set_other_state(f"park:{space}@{self.settings.context}", state)
        self.switch.emit("ExtensionStatus", self.space_hint(space))

    def space_hint(self, space: int) -> Headers:
        state = DeviceState.INUSE if space in self.stays else DeviceState.NOT_INUSE
        status, text = HINT_STATUS[state]
        name = f"park:{space}@{self.settings.context}"
        return hint(str(space), self.settings.context, name, status, text)

    def _free_space(self) -> int | None:
        """findslot = next: go on counting from the last one given."""
        count = self.settings.last - self.settings.first + 1
        for step in range(count):
            space = self.settings.first + (self._next - self.settings.first + step) % count
            if space not in self.stays:
                self._next = space + 1
                return space
        return None

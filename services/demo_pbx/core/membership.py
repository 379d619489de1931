"""Who is a member of which queue: log in, log out, pause, penalty."""

from services.demo_pbx.core.devices import DeviceState
from services.demo_pbx.core.queues import Member, Queue
from services.demo_pbx.core.serving import serve_soon
from services.demo_pbx.core.switch import Switch


class Membership:
    """Changes of members; each sends its event with the whole member in it."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def add(
        self,
        queue: Queue,
        interface: str,
        *,
        name: str = "",
        penalty: int = 0,
        paused: bool = False,
        reason: str = "",
    ) -> bool:
        """Log in. False: already there."""
        if interface in queue.members:
            return False
        device = self._switch.devices.get(interface)
        now = int(self._switch.now)
        member = Member(
            queue=queue.name,
            name=name or interface,
            interface=interface,
            penalty=penalty,
            paused=paused,
            paused_reason=reason if paused else "",
            login_time=now,
            last_pause=now if paused else 0,
            status=device.state if device and not device.trunk else DeviceState.INVALID,
            turn=queue.turns,
        )
        queue.members[interface] = member
        self._switch.refresh_pause(member)
        self._switch.emit("QueueMemberAdded", member.event_headers())
        self._switch.refresh_available(queue)
        serve_soon(self._switch, queue)
        return True

    def remove(self, queue: Queue, interface: str) -> bool:
        """Log out. False: not there. A call that the member has goes on."""
        member = queue.members.pop(interface, None)
        if member is None:
            return False
        self._switch.emit("QueueMemberRemoved", member.event_headers())
        self._switch.refresh_available(queue)
        self._switch.other_states.pop(f"Queue:{queue.name}_pause_{interface}", None)
        return True

    def pause(self, interface: str, paused: bool, reason: str, queue: Queue | None) -> bool:
        """Pause or unpause in one queue, or (None) in all. False: a member nowhere.

        Pausing who is paused already is an event again, with the new reason.
        """
        queues = [queue] if queue else list(self._switch.queues.values())
        found = False
        for each in queues:
            member = each.members.get(interface)
            if member is None:
                continue
            found = True
            member.paused = paused
            member.paused_reason = reason if paused else ""
            if paused:
                member.last_pause = int(self._switch.now)
            self._switch.refresh_pause(member)
            self._switch.refresh_available(each)
            self._switch.emit("QueueMemberPause", member.event_headers())
            if not paused:
                serve_soon(self._switch, each)
        return found

    def set_penalty(self, interface: str, penalty: int, queue: Queue | None) -> bool:
        members = self._members(interface, queue)
        for member in members:
            member.penalty = penalty
            self._switch.emit("QueueMemberPenalty", member.event_headers())
        return bool(members)

    def set_ring_in_use(self, interface: str, ring_in_use: bool, queue: Queue | None) -> bool:
        members = self._members(interface, queue)
        for member in members:
            member.ring_in_use = ring_in_use
            self._switch.emit("QueueMemberRinginuse", member.event_headers())
        return bool(members)

    def _members(self, interface: str, queue: Queue | None) -> list[Member]:
        queues = [queue] if queue else list(self._switch.queues.values())
        return [each.members[interface] for each in queues if interface in each.members]

"""The Queue application: a caller waits, phones ring, somebody answers or the caller gives up.

Source of the order of events: tests/fixtures/ami, queue_caller_completes, queue_agent_completes,
queue_abandon_no_agents, queue_abandon_while_ringing, queue_ring_no_answer_next, park_retrieve.
"""

from services.demo_pbx.core.channels import BUSY, HUNG_UP, Channel, ChannelState
from services.demo_pbx.core.legs import OUTGOING, LeftAlone, before, dial_end, start_ringing
from services.demo_pbx.core.queues import Member, Queue
from services.demo_pbx.core.schedule import Timer
from services.demo_pbx.core.serving import serve_soon
from services.demo_pbx.core.switch import Switch

RETRY_S = 1.0
RECORDINGS = "/var/spool/asterisk/monitor"


class QueueCall:
    """One caller's stay in a queue, until AgentComplete or QueueCallerAbandon."""

    def __init__(self, switch: Switch, queue: Queue, caller: Channel) -> None:
        self._switch = switch
        self.queue = queue
        self.caller = caller
        self.joined_at = switch.now
        self.leg: Channel | None = None
        self.bare = False
        self._member: Member | None = None
        self._rang_at = 0.0
        self._ring_timer: Timer | None = None
        self._retry_at = 0.0
        self._connected_at: float | None = None
        self._hold_time = 0
        self._original_position = 0
        self._counted = False
        self._completed = False

    def start(self) -> None:
        caller, queue, switch = self.caller, self.queue, self._switch
        caller.task = self
        caller.priority, caller.application, caller.data = 3, "Queue", f"{queue.name},tTkK"
        queue.waiting.append(self)
        self._original_position = len(queue.waiting)
        switch.refresh_waiting(queue)
        place = [("Queue", queue.name), ("Position", str(len(queue.waiting)))]
        switch.emit("QueueCallerJoin", caller, [*place, ("Count", str(len(queue.waiting)))])
        switch.emit("MusicOnHoldStart", caller, [("Class", "default")])
        serve_soon(switch, queue)
        switch.people.waits(caller)

    # --- ringing ------------------------------------------------------------------------------

    def may_ring(self) -> bool:
        """False for a moment after a phone was rung in vain."""
        return self._switch.now >= self._retry_at

    def ring(self, member: Member) -> None:
        switch, caller = self._switch, self.caller
        leg = switch.new_channel(
            switch.devices[member.interface], state=ChannelState.DOWN, exten="s", linkedid=caller.linkedid
        )
        leg.application, leg.data, leg.task = "AppQueue", OUTGOING, self
        self.leg, self._member, self._rang_at = leg, member, switch.now
        fresh = before(leg)
        leg.sees(caller)
        leg.exten = caller.exten
        switch.emit("AgentCalled", caller, ("Dest", leg), self._member_headers(member))
        switch.emit("DialBegin", caller, ("Dest", fresh), [("DialString", member.interface)])
        switch.see(caller, leg)
        self._ring_timer = switch.schedule.after(self.queue.ring_s, self._ring_timeout)
        start_ringing(switch, leg, caller)
        switch.see(leg, caller)

    def _ring_timeout(self) -> None:
        self._give_up_ringing(int(self.queue.ring_s), 0, timed_out=True)

    def rejected(self, channel: Channel, cause: int = BUSY) -> None:
        """A refusing phone shows as NOANSWER with RingTime 0, unlike in Dial()."""
        rang_s = int(self._switch.now - self._rang_at) if cause == HUNG_UP else 0
        self._give_up_ringing(rang_s, cause, timed_out=False)

    def _give_up_ringing(self, rang_s: int, cause: int, *, timed_out: bool) -> None:
        leg, member = self._stop_ringing()
        facts = [*self._member_headers(member), ("RingTime", str(rang_s * 1000))]
        self._switch.emit("AgentRingNoAnswer", self.caller, ("Dest", leg), facts)
        dial_end(self._switch, self.caller, leg, "NOANSWER")
        if timed_out:
            dial_end(self._switch, self.caller, leg, "CANCEL")
        self._retry_at = self._switch.now + RETRY_S
        self._switch.schedule.after(RETRY_S, lambda: serve_soon(self._switch, self.queue))
        self._switch.end(leg, cause)

    def _stop_ringing(self) -> tuple[Channel, Member]:
        leg, member = self.leg, self._member
        if leg is None or member is None or self._ring_timer is None:
            raise RuntimeError("no phone rings for this queue call")
        self._ring_timer.cancel()
        self.leg = self._member = None
        return leg, member

    # --- talking ------------------------------------------------------------------------------

    def answered(self, channel: Channel) -> None:
        switch, caller, queue = self._switch, self.caller, self.queue
        leg, member = self._stop_ringing()
        self.leg, self._member = leg, member
        waited = switch.now - self.joined_at
        self._hold_time = int(waited)
        queue.record_answer(self._hold_time)
        self._connected_at = switch.now
        caller.outstanding.append(self)
        leg.agents_part = self
        switch.set_state(leg, ChannelState.UP)
        dial_end(switch, caller, leg, "ANSWER")
        switch.emit("MusicOnHoldStop", caller)
        switch.refresh(switch.devices[leg.device])
        if queue.recorded:
            self._record()
        self._leave_queue()
        ring_time = ("RingTime", str(int(switch.now - self._rang_at)))
        facts = [*self._member_headers(member), ("HoldTime", str(self._hold_time)), ring_time]
        switch.emit("AgentConnect", caller, ("Dest", leg), facts)
        member.in_call = True
        switch.join(leg, caller)
        switch.people.connected(caller, leg)

    def _record(self) -> None:
        path = f"{RECORDINGS}/{self.queue.name}-{self.caller.uniqueid}.wav"
        self.caller.variables["MIXMONITOR_FILENAME"] = path
        variable = [("Variable", "MIXMONITOR_FILENAME"), ("Value", path)]
        self._switch.emit("VarSet", self.caller, variable)
        self._switch.emit("MixMonitorStart", self.caller)

    def _leave_queue(self) -> None:
        position = self.queue.waiting.index(self) + 1
        self.queue.waiting.remove(self)
        self._switch.refresh_waiting(self.queue)
        place = [("Queue", self.queue.name), ("Position", str(position))]
        self._switch.emit("QueueCallerLeave", self.caller, [*place, ("Count", str(len(self.queue.waiting)))])

    # --- the end ------------------------------------------------------------------------------

    def party_hung_up(self, channel: Channel) -> None:
        switch, caller, leg = self._switch, self.caller, self.leg
        if leg is None or self._connected_at is None:
            if channel is leg:
                self.rejected(channel, HUNG_UP)
                return
            switch.request_hangup(channel)
            self._abandon(hang_up=True)
            return
        switch.request_hangup(channel)
        self.complete("caller" if channel is caller else "agent")
        switch.leave(channel)
        switch.leave(leg if channel is caller else caller)
        switch.soft_hangup(caller)
        switch.end(caller)
        switch.end(leg)

    def _abandon(self, *, hang_up: bool) -> None:
        """The caller goes without an agent: by hanging up, or because somebody moved him."""
        switch, caller, leg = self._switch, self.caller, self.leg
        waited = int(switch.now - self.joined_at)
        position = self.queue.waiting.index(self) + 1
        switch.emit("MusicOnHoldStop", caller)
        if leg is not None:
            self._stop_ringing()
            dial_end(switch, caller, leg, "CANCEL")
            dial_end(switch, caller, leg, "CANCEL")
        self.queue.record_abandon(waited)
        facts = [
            ("Queue", self.queue.name),
            ("Position", str(position)),
            ("OriginalPosition", str(self._original_position)),
            ("HoldTime", str(waited)),
        ]
        switch.emit("QueueCallerAbandon", caller, facts)
        self._leave_queue()
        if hang_up:
            switch.soft_hangup(caller)
        if leg is not None:
            switch.end(leg, 0)
        if hang_up:
            switch.end(caller, 0)

    def detach(self, channel: Channel) -> Channel | None:
        switch, leg = self._switch, self.leg
        if leg is None or self._connected_at is None:
            if channel is self.caller:
                self._abandon(hang_up=False)
                channel.task = None
            return None
        other = leg if channel is self.caller else self.caller
        if channel is leg:
            # The caller's stay in the queue is over when the agent's leg is moved away.
            self.complete("agent")
        switch.leave(channel)
        channel.task = None
        other.task = LeftAlone(switch)
        return other

    def complete(self, reason: str) -> None:
        """AgentComplete, once. Without Dest* if the agent's leg has gone, as in Asterisk."""
        if self._completed or self._connected_at is None or self._member is None:
            return
        self._completed = True
        self.caller.outstanding.remove(self)
        leg = self.leg
        talked = int(self._switch.now - self._connected_at)
        facts = [
            *self._member_headers(self._member),
            ("HoldTime", str(self._hold_time)),
            ("TalkTime", str(talked)),
            ("Reason", reason),
        ]
        if leg is not None and not leg.gone:
            self._switch.emit("AgentComplete", self.caller, ("Dest", leg), facts)
        elif self.bare:
            self._switch.emit("AgentComplete", facts)
        else:
            self._switch.emit("AgentComplete", self.caller, facts)
        self.count()

    def count(self) -> None:
        """The agent's part is over: queue and member figures, once."""
        if self._counted or self._connected_at is None or self._member is None:
            return
        self._counted = True
        now = self._switch.now
        self.queue.record_completion(self._hold_time, int(now - self._connected_at))
        self._member.calls_taken += 1
        self._member.last_call = int(now)
        self._member.in_call = False

    @staticmethod
    def _member_headers(member: Member) -> list[tuple[str, str]]:
        return [("Queue", member.queue), ("Interface", member.interface), ("MemberName", member.name)]

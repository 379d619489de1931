"""Queues, members and their figures, kept as Asterisk keeps them.

Source: Asterisk `apps/app_queue.c`, recalc_holdtime(), update_queue(), record_abandoned(),
get_queue_summary. The "averages" are (3*old + new) >> 2, truncated; completed calls are
counted when the call ends, and are in the service level by how long they had waited.
"""

from dataclasses import dataclass, field
from typing import Protocol

from services.demo_pbx.core.channels import Channel, Headers
from services.demo_pbx.core.devices import DeviceState


class Waiting(Protocol):
    """A caller in a queue."""

    caller: Channel
    joined_at: float
    leg: Channel | None

    def may_ring(self) -> bool: ...

    def ring(self, member: "Member") -> None: ...


@dataclass(slots=True, eq=False)
class Member:
    """One agent in one queue. Times are whole seconds since the epoch, 0 for never."""

    queue: str
    name: str
    interface: str
    penalty: int = 0
    paused: bool = False
    paused_reason: str = ""
    login_time: int = 0
    calls_taken: int = 0
    last_call: int = 0
    last_pause: int = 0
    in_call: bool = False
    ring_in_use: bool = False
    status: DeviceState = DeviceState.NOT_INUSE
    turn: int = 0

    def event_headers(self) -> Headers:
        """The member as QueueMember* events show it."""
        return [
            ("Queue", self.queue),
            ("MemberName", self.name),
            ("Interface", self.interface),
            *self._middle(),
            ("Ringinuse", str(int(self.ring_in_use))),
            ("Wrapuptime", "0"),
        ]

    def list_headers(self) -> Headers:
        """The member as QueueStatus shows it: other names, and no `Ringinuse`."""
        return [
            ("Queue", self.queue),
            ("Name", self.name),
            ("Location", self.interface),
            *self._middle(),
            ("Wrapuptime", "0"),
        ]

    def _middle(self) -> Headers:
        return [
            ("StateInterface", self.interface),
            ("Membership", "dynamic"),
            ("Penalty", str(self.penalty)),
            ("CallsTaken", str(self.calls_taken)),
            ("LastCall", str(self.last_call)),
            ("LastPause", str(self.last_pause)),
            ("LoginTime", str(self.login_time)),
            ("InCall", str(int(self.in_call))),
            ("Status", str(int(self.status))),
            ("Paused", str(int(self.paused))),
            ("PausedReason", self.paused_reason),
        ]


@dataclass(slots=True, eq=False)
class Queue:
    """A queue: its settings, members, waiting callers in order, and figures."""

    name: str
    exten: str
    strategy: str = "rrmemory"
    service_level_s: int = 20
    weight: int = 0
    ring_s: float = 15.0
    recorded: bool = True
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    waiting: list[Waiting] = field(default_factory=list[Waiting])
    hold_time: int = 0
    talk_time: int = 0
    completed: int = 0
    abandoned: int = 0
    completed_in_level: int = 0
    abandoned_in_level: int = 0
    turns: int = 0
    serving: bool = False

    def record_answer(self, waited_s: int) -> None:
        """The hold time average moves when the agent answers, not when the call ends."""
        self.hold_time = (3 * self.hold_time + waited_s) >> 2

    def record_completion(self, waited_s: int, talked_s: int) -> None:
        self.completed += 1
        self.completed_in_level += waited_s <= self.service_level_s
        self.talk_time = (3 * self.talk_time + talked_s) >> 2

    def record_abandon(self, waited_s: int) -> None:
        self.abandoned += 1
        self.abandoned_in_level += waited_s <= self.service_level_s

    def reset(self) -> None:
        """QueueReset: the queue's figures and its members' counters begin again."""
        self.hold_time = self.talk_time = self.completed = self.abandoned = 0
        self.completed_in_level = self.abandoned_in_level = 0
        for member in self.members.values():
            member.calls_taken = member.last_call = 0

    def params_headers(self) -> Headers:
        """QueueParams of QueueStatus."""
        ended = self.completed + self.abandoned
        in_level = self.completed_in_level + self.abandoned_in_level
        return [
            ("Queue", self.name),
            ("Max", "0"),
            ("Strategy", self.strategy),
            ("Calls", str(len(self.waiting))),
            ("Holdtime", str(self.hold_time)),
            ("TalkTime", str(self.talk_time)),
            ("Completed", str(self.completed)),
            ("Abandoned", str(self.abandoned)),
            ("ServiceLevel", str(self.service_level_s)),
            ("ServicelevelPerf", _percent(self.completed_in_level, self.completed)),
            ("ServicelevelPerf2", _percent(in_level, ended)),
            ("Weight", str(self.weight)),
        ]

    def summary_headers(self, now: float) -> Headers:
        """QueueSummary; `LoggedIn` leaves out members whose phone cannot be reached."""
        reachable = [
            member
            for member in self.members.values()
            if member.status not in (DeviceState.UNAVAILABLE, DeviceState.INVALID)
        ]
        available = [m for m in reachable if m.status == DeviceState.NOT_INUSE and not m.paused]
        longest = max((int(now - entry.joined_at) for entry in self.waiting), default=0)
        return [
            ("Queue", self.name),
            ("LoggedIn", str(len(reachable))),
            ("Available", str(len(available))),
            ("Callers", str(len(self.waiting))),
            ("HoldTime", str(self.hold_time)),
            ("TalkTime", str(self.talk_time)),
            ("LongestHoldTime", str(longest)),
        ]

    def next_member(self) -> Member | None:
        """Whom to ring, or None: the free member with the least penalty, then by strategy."""
        free = [m for m in self.members.values() if m.status == DeviceState.NOT_INUSE and not m.paused]
        if not free:
            return None
        chosen = min(free, key=lambda member: (member.penalty, self._rank(member), member.interface))
        self.turns += 1
        chosen.turn = self.turns
        return chosen

    def _rank(self, member: Member) -> int:
        if self.strategy == "leastrecent":
            return member.last_call
        if self.strategy == "fewestcalls":
            return member.calls_taken
        return member.turn


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 0.0:.1f}"

"""Queue members: who is in which queue, in what state, and under what name.

Every `QueueMember…` event carries the whole member, so each replaces what was known. Keyed by queue and
agent, as the events are; should two interfaces of one queue belong to one agent (`PJSIP/148` and
`Local/148@…`), the event tells of the livelier one.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.ami_bridge.core.ami_message import (
    AmiMessage,
    flag,
    instant,
    integer,
    name,
    optional,
    whole,
)
from services.ami_bridge.core.device_states import device_word
from services.ami_bridge.core.identity import Identifier, plain_interface
from shared.events import AgentName, DeviceWord, MemberWord, QueueMemberStatus

_LIVELINESS: tuple[MemberWord, ...] = (
    "inuse",
    "ringinuse",
    "ringing",
    "onhold",
    "busy",
    "not_inuse",
    "paused",
    "unknown",
    "unavailable",
)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """What Asterisk tells of one interface in one queue.

    ``state_interface`` is what tells the phone's state, ``""`` when the interface does. ``name`` is ``None``
    when it has none of its own.
    """

    queue: str
    interface: str
    state_interface: str
    agent: str
    name: str | None
    device: DeviceWord
    paused: bool
    paused_reason: str | None
    penalty: int
    calls_taken: int
    last_call: int | None

    @property
    def word(self) -> MemberWord:
        """Its state: the pause hides the state of the phone."""
        return "paused" if self.paused else self.device


def read_member(message: AmiMessage, identifier: Identifier) -> Member:
    """Read a member.

    Args:
        message: AMI `QueueMemberStatus`, `…Added`, `…Pause`, `…Penalty`, `…Ringinuse` or `…Removed`; or the
            `QueueMember` of QueueStatus, where the headers are `Name` and `Location`.

    Raises:
        MalformedMessageError: a header is missing or unreadable.
    """
    interface = optional(message, "Interface", "Location") or name(message, "Interface")
    state_interface = optional(message, "StateInterface")
    told = optional(message, "MemberName", "Name")
    paused = flag(message, "Paused")
    return Member(
        queue=name(message, "Queue"),
        interface=interface,
        state_interface=state_interface if state_interface != interface else "",
        agent=identifier.agent_of_member(interface, state_interface),
        name=told if told and told != interface else None,
        device=device_word(integer(message, "Status")),
        paused=paused,
        paused_reason=(optional(message, "PausedReason") or None) if paused else None,
        penalty=whole(message, "Penalty"),
        calls_taken=whole(message, "CallsTaken"),
        last_call=instant(message, "LastCall"),
    )


class Members:
    """All members of all queues, and what the agents are called."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], dict[str, Member]] = {}
        self._since: dict[tuple[str, str], tuple[MemberWord, int]] = {}
        self._queues_of: dict[str, set[str]] = {}
        self._interfaces: dict[str, dict[str, str]] = {}
        self._names: dict[str, str] = {}

    def __contains__(self, agent: str) -> bool:
        """Whether the agent is in any queue."""
        return agent in self._queues_of

    def __iter__(self) -> Iterator[Member]:
        for interfaces in self._members.values():
            yield from interfaces.values()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every queue and agent that is told of, also those logged off."""
        return iter(self._since)

    def named(self) -> Iterator[str]:
        """Every agent that has an agentName."""
        return iter(self._names)

    def agent_of(self, interface: str) -> str | None:
        """The agent who is in some queue with that interface, given without Local's options."""
        agents = self._interfaces.get(interface)
        return next(reversed(agents.values())) if agents else None

    def of(self, agent: str) -> list[Member]:
        """Under which interfaces an agent is in which queues, by queue."""
        found = [
            member
            for queue in self._queues_of.get(agent, ())
            for member in self._members[queue, agent].values()
        ]
        return sorted(found, key=lambda member: (member.queue, member.interface))

    def put(self, member: Member, now_ms: int) -> bool:
        """Take over a member; whether the agent's name may have changed by it.

        Only a name that changes in its queue counts, so two queues that know an agent by different
        names do not take turns.
        """
        pair = (member.queue, member.agent)
        interfaces = self._members.setdefault(pair, {})
        before = interfaces.get(member.interface)
        interfaces[member.interface] = member
        if before is None:
            self._queues_of.setdefault(member.agent, set()).add(member.queue)
            agents = self._interfaces.setdefault(plain_interface(member.interface), {})
            agents[member.queue] = member.agent
        self._settle(pair, now_ms)
        if before is not None and before.name == member.name:
            return False
        if member.name is not None or member.agent not in self._names:
            self._names[member.agent] = member.name or member.agent
        return True

    def remove(self, queue: str, interface: str, agent: str, now_ms: int) -> None:
        """Log a member off."""
        pair = (queue, agent)
        interfaces = self._members.get(pair, {})
        interfaces.pop(interface, None)
        if not interfaces:
            self._members.pop(pair, None)
            queues = self._queues_of.get(agent, set())
            queues.discard(queue)
            if not queues:
                self._queues_of.pop(agent, None)
        plain = plain_interface(interface)
        agents = self._interfaces.get(plain, {})
        if agents.get(queue) == agent:
            del agents[queue]
            if not agents:
                del self._interfaces[plain]
        self._settle(pair, now_ms)

    def recall(self, before: QueueMemberStatus, now_ms: int) -> None:
        """Take over since when a member has been in his state, as an earlier event told, if it still is his.

        One who is in the queue no more is logged off.
        """
        pair = (before.queue, before.agent)
        current = self._since.get(pair, ("loggedoff", now_ms))
        if before.status == current[0] and before.since is not None:
            current = (current[0], before.since)
        self._since[pair] = current

    def forget_queue(self, queue: str) -> None:
        """Drop what there is of a queue that no longer exists."""
        for member in [member for member in self if member.queue == queue]:
            self.remove(queue, member.interface, member.agent, 0)
        for pair in [pair for pair in self._since if pair[0] == queue]:
            del self._since[pair]

    def call(self, agent: str, told: str) -> None:
        """Say what an agent is called."""
        self._names[agent] = told

    def name(self, pbx: str, agent: str) -> AgentName | None:
        """The agentName event; ``None`` of one who was never in a queue.

        It is the newest name that was not empty; the agent's number when no queue ever told one.
        """
        told = self._names.get(agent)
        return None if told is None else AgentName(pbx=pbx, agent=agent, name=told)

    def document(self, pbx: str, queue: str, agent: str) -> QueueMemberStatus | None:
        """The queueMemberStatus event; ``None`` when neither is known."""
        pair = (queue, agent)
        state = self._since.get(pair)
        if state is None:
            return None
        if pair not in self._members:
            return QueueMemberStatus(pbx=pbx, queue=queue, agent=agent, status="loggedoff", since=state[1])
        member = self._front(pair)
        return QueueMemberStatus(
            pbx=pbx,
            queue=queue,
            agent=agent,
            status=state[0],
            device_status=member.device,
            paused=member.paused,
            paused_reason=member.paused_reason,
            penalty=member.penalty,
            calls_taken=member.calls_taken,
            last_call=member.last_call,
            since=state[1],
        )

    def _settle(self, pair: tuple[str, str], now_ms: int) -> None:
        """Note since when the state is what it is."""
        word: MemberWord = self._front(pair).word if pair in self._members else "loggedoff"
        before = self._since.get(pair)
        if before is None or before[0] != word:
            self._since[pair] = (word, now_ms)

    def _front(self, pair: tuple[str, str]) -> Member:
        interfaces = self._members[pair]
        if len(interfaces) == 1:
            return next(iter(interfaces.values()))
        return min(interfaces.values(), key=lambda member: (_LIVELINESS.index(member.word), member.interface))

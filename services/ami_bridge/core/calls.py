"""The agents' calls: whom each agent talks to.

A **leg** is a channel of an agent's phone, kept by Uniqueid from the first message that tells of it as a
call (AgentCalled, DialBegin, BridgeEnter, …) until its Hangup, and no shorter: BridgeLeave is no end. Only
messages that the smallest event filter lets through make or move a leg, so a session that sees every event
class and one that sees the filtered ones give the same events.

A **call** is what the event shows. Mostly one leg; but an agent who is reached through a Local channel
has two inbound legs with one Linkedid, his phone's and the Local channel's `;1`. Those are one call, and the
phone's leg tells about it. When the phone is no agent's, the Local one stands alone.

The number is the remote party's: the caller's of AgentCalled or DialBegin, what the agent dialled, then
the ConnectedLineNum of the leg. It is kept when a message does not know it. A number equal to the
agent's own tells nothing (click-to-call shows the dialled number on both sides). Of a call that this
system asked for it is the destination, from the first message on until he is connected.

``unique_id`` of a call names it across event types: the caller's Uniqueid of a queue call (as in queueCallers
and agentComplete), the Linkedid of another inbound call, the agent's own Uniqueid when he placed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from services.ami_bridge.core.asked_calls import AskedCall, is_own_id
from services.ami_bridge.core.caller_id import shown
from services.ami_bridge.core.identity import is_local
from shared.events import Call, CallState, Direction, PhoneNumber

# In front comes the connected call, then the ringing or dialled one, then the held one.
_RANK: dict[CallState, int] = {"connected": 2, "ringing": 1, "dialing": 1, "held": 0}

_REMEMBERED = 512

_T = TypeVar("_T")


class Leg:
    """One channel of an agent.

    Attributes:
        since: when ``word`` became what it is, in ms since the epoch.
        asked: what is known of the request, when this system asked for the call.
    """

    __slots__ = (
        "agent",
        "asked",
        "channel",
        "direction",
        "held",
        "linkedid",
        "name",
        "number",
        "originated",
        "parked",
        "queue",
        "queue_uniqueid",
        "refused",
        "since",
        "state",
        "uniqueid",
    )

    def __init__(
        self, uniqueid: str, channel: str, agent: str, linkedid: str, direction: Direction, now_ms: int
    ) -> None:
        self.uniqueid = uniqueid
        self.channel = channel
        self.agent = agent
        self.linkedid = linkedid
        self.direction: Direction = direction
        self.state: CallState = "ringing" if direction == "inbound" else "dialing"
        self.held = False
        self.parked = False
        self.originated = False
        self.asked = AskedCall() if is_own_id(uniqueid) else None
        self.refused: tuple[str, str] | None = None  # ActionID and Channel of an OriginateResponse
        self.since = now_ms
        self.number: str | None = None
        self.name: str | None = None
        self.queue: str | None = None
        self.queue_uniqueid: str | None = None

    @property
    def word(self) -> CallState:
        """The state as events tell it: a leg that is parked, or on hold, is held."""
        return "held" if self.state == "connected" and (self.held or self.parked) else self.state

    @property
    def group(self) -> tuple[str, str]:
        """Legs with the same group are one call."""
        if self.direction == "inbound":
            return "inbound", self.linkedid
        return "outbound", self.uniqueid

    def move(
        self,
        now_ms: int,
        *,
        state: CallState | None = None,
        held: bool | None = None,
        parked: bool | None = None,
    ) -> None:
        """Change the state, and ``since`` with the word."""
        before = self.word
        if state is not None:
            self.state = state
        if held is not None:
            self.held = held
        if parked is not None:
            self.parked = parked
        if self.word != before:
            self.since = now_ms

    def learn(self, number: str | None, name: str | None) -> None:
        """Take over who the remote party is, if this tells it."""
        if number is not None and number != self.agent:
            self.number, self.name = number, name


class Calls:
    """All legs, by Uniqueid and by agent."""

    def __init__(self) -> None:
        self._legs: dict[str, Leg] = {}
        self._of_agent: dict[str, dict[str, Leg]] = {}
        # A message that was overtaken by its channel's Hangup must not make a leg that never ends.
        self._ended: dict[str, None] = {}
        # Local channels that go on without the agent to whom they led: no list tells that.
        self._left: dict[str, None] = {}
        # Whether a leg of the model before was on hold: the word alone does not tell that from parked.
        self._holds: dict[str, bool] = {}
        # Our requests that have no leg yet, and those of the model before: no list tells whom they call and
        # how their dialling went.
        self._asked: dict[str, AskedCall] = {}
        # Legs of our requests that no list of the same session has: their Hangup came meanwhile, or will.
        self._between: dict[str, Leg] = {}

    def __iter__(self) -> Iterator[Leg]:
        return iter(self._legs.values())

    def __len__(self) -> int:
        return len(self._legs)

    def get(self, uniqueid: str) -> Leg | None:
        """The leg with that Uniqueid."""
        return self._legs.get(uniqueid)

    def asked(self, uniqueid: str) -> AskedCall | None:
        """What is known of our request with that leg, also if it hung up while the lists were read."""
        leg = self._legs.get(uniqueid) or self._between.get(uniqueid)
        return leg.asked if leg is not None else None

    def agents(self) -> Iterator[str]:
        """The agents who have a call."""
        return iter(self._of_agent)

    def asked_for(self, agent: str) -> Leg | None:
        """The call that another program asked for and that still rings the agent, if one does; the newest."""
        legs = [
            leg
            for leg in self._of_agent.get(agent, {}).values()
            if leg.originated and leg.asked is None and leg.state == "ringing"
        ]
        return legs[-1] if legs else None

    def has_ended(self, uniqueid: str) -> bool:
        """Whether a channel is known to have hung up."""
        return uniqueid in self._ended

    def has_left(self, uniqueid: str) -> bool:
        """Whether the agent to whom that Local channel led has left the call."""
        return uniqueid in self._left

    def follow(self, previous: Calls, *, same_session: bool) -> None:
        """Take over from the calls before what :meth:`recall` needs; and which channels have ended,
        unless Asterisk may have been restarted since and their Uniqueids may come again.
        """
        self._holds = {leg.uniqueid: leg.held for leg in previous} or previous._holds
        self._asked = previous._asked
        for leg in previous:
            if leg.asked is not None:
                _remember(self._asked, leg.uniqueid, leg.asked)
        if same_session:
            self._ended = previous._ended
            self._left = previous._left
            self._between = {leg.uniqueid: leg for leg in previous if leg.asked is not None}

    def was_held(self, uniqueid: str) -> bool:
        """Whether the leg was on hold in the calls that these follow."""
        return self._holds.get(uniqueid, False)

    def expect(self, action_id: str, destination: str) -> None:
        """Remember whom a request of ours calls; its leg may come, or never."""
        _remember(self._asked, action_id, AskedCall(destination))

    def recall_asked(self, leg: Leg) -> None:
        """Take over what is known of our request, from its command or from the calls that these follow."""
        leg.asked = self._asked.get(leg.uniqueid, leg.asked)

    def add(self, leg: Leg) -> None:
        """Begin a leg."""
        before = self._between.pop(leg.uniqueid, None)
        if before is not None:
            leg.asked = before.asked
        self._legs[leg.uniqueid] = leg
        self._of_agent.setdefault(leg.agent, {})[leg.uniqueid] = leg

    def rename(self, leg: Leg, channel: str, agent: str | None) -> None:
        """A masquerade (call pickup) gave the channel another name, perhaps another agent's."""
        leg.channel = channel
        if agent != leg.agent:
            self._discard(leg)
            if agent is not None:
                leg.agent = agent
                self.add(leg)

    def end(self, uniqueid: str) -> Leg | None:
        """Apply Hangup; the leg that ended, if the channel was one, or was before the lists were read."""
        _remember(self._ended, uniqueid, None)
        self._left.pop(uniqueid, None)
        self._asked.pop(uniqueid, None)
        leg = self._legs.get(uniqueid)
        if leg is None:
            return self._between.pop(uniqueid, None)
        self._discard(leg)
        for other in [*self._of_agent.get(leg.agent, {}).values()]:
            if other.group != leg.group:
                continue
            if leg.state == "connected" and is_local(other.channel) and not is_local(leg.channel):
                # His phone has left, say by a transfer: the Local channel goes on without him.
                self._discard(other)
                self._left[other.uniqueid] = None
            elif leg.queue is not None and other.queue is None:
                # A Local channel that is optimised away leaves the queue call to the phone's leg.
                other.queue, other.queue_uniqueid = leg.queue, leg.queue_uniqueid
        return leg

    def fronts(self, agent: str) -> list[tuple[Leg, Call]]:
        """The agent's calls, each with the leg that tells of it, in the order of their unique ids."""
        groups: dict[tuple[str, str], list[Leg]] = {}
        for leg in self._of_agent.get(agent, {}).values():
            groups.setdefault(leg.group, []).append(leg)
        fronts = [(_front(legs), legs) for legs in groups.values()]
        return sorted(
            ((front, _call(front, legs)) for front, legs in fronts), key=lambda pair: pair[1].unique_id
        )

    def document(self, pbx: str, agent: str) -> PhoneNumber:
        """The phoneNumber event."""
        calls = tuple(call for _, call in self.fronts(agent))
        if not calls:
            return PhoneNumber(pbx=pbx, agent=agent, number=None)
        front = max(calls, key=lambda call: (_RANK[call.state], call.since, call.unique_id))
        return PhoneNumber(
            pbx=pbx,
            agent=agent,
            number=front.number,
            name=front.name,
            queue=front.queue,
            direction=front.direction,
            unique_id=front.unique_id,
            since=front.since,
            calls=calls,
        )

    def recall(self, document: PhoneNumber) -> None:
        """Take over what no list tells: since when, and whether a call is on hold.

        A published `held` may mean parked. What this process knew of the leg counts more, and a leg that is
        parked now was published as held for that.
        """
        known = {call.unique_id: call for call in document.calls}
        for leg, call in self.fronts(document.agent):
            before = known.get(call.unique_id)
            if before is None:
                continue
            if before.state == "held" and not leg.parked and leg.uniqueid not in self._holds:
                leg.held = True
            for each in self._of_agent[leg.agent].values():
                if each.group == leg.group and each.word == before.state:
                    each.since = before.since

    def _discard(self, leg: Leg) -> None:
        del self._legs[leg.uniqueid]
        legs = self._of_agent[leg.agent]
        del legs[leg.uniqueid]
        if not legs:
            del self._of_agent[leg.agent]


def _remember(known: dict[str, _T], uniqueid: str, value: _T) -> None:
    """Keep the newest ones only: not of each does the end come."""
    known.pop(uniqueid, None)
    known[uniqueid] = value
    if len(known) > _REMEMBERED:
        del known[next(iter(known))]


def _front(legs: Iterable[Leg]) -> Leg:
    return max(legs, key=lambda leg: (not is_local(leg.channel), _RANK[leg.word], leg.since, leg.uniqueid))


def _call(front: Leg, legs: Sequence[Leg]) -> Call:
    queued = next((leg for leg in legs if leg.queue is not None), front)
    return Call(
        unique_id=queued.queue_uniqueid or front.group[1],
        number=shown(front.number),
        name=front.name,
        queue=queued.queue,
        direction=front.direction,
        state=front.word,
        # The Local channel rang, or was answered, before the phone behind it or after it.
        since=min(leg.since for leg in legs if leg.word == front.word),
    )

"""Clients that believe nothing: what they get is compared with the log, event by event."""

from __future__ import annotations

import random
from collections import Counter, deque
from typing import Any, cast

import msgspec

from services.gateway.core import scope as scopes
from services.gateway.core.frames import Message
from services.gateway.core.position import Position, parse_position
from services.gateway.core.scope import Scope, resolve
from services.gateway.core.tickets import Ticket
from services.gateway.lanes.poll import PollLane
from services.gateway.subscription import Subscription
from shared import subjects
from tests.fuzz.hub_world import AGENTS, PBXS, QUEUES, Document, Gateway, Key, Log, World
from tests.support.gateway_fakes import FakeLane

_CONTROL = {"ready", "reset", "ping"}
_GIVEN_ALWAYS = {"agentName", "extensionStatus", "phoneNumber", "queueCount", "queueCallers"}


def any_scope(rng: random.Random) -> Scope:
    """Some ticket's scope."""

    def names(all_names: tuple[str, ...]) -> tuple[str, ...]:
        kind = rng.random()
        if kind < 0.3:
            return ("*",)
        chosen = rng.sample(all_names, rng.randint(0, len(all_names)))
        return tuple(f"{name}@{rng.choice(PBXS)}" if rng.random() < 0.2 else name for name in chosen)

    pbx = rng.choice(((), (), ("hq",)))
    ticket = Ticket(
        agents=names(AGENTS), queues=names(QUEUES), callers=rng.random() < 0.5, pbx=pbx, created=1
    )
    return resolve(ticket, PBXS)


class Client:
    """What one client knows: its place in the log, its figures, and whether these are complete.

    Attributes:
        position: the last id it got, as text, and read.
    """

    def __init__(self, world: World, scope: Scope, done: Counter[str]) -> None:
        self._world = world
        self._done = done
        self.scope = scope
        self.position: Position | None = None
        self.shown: dict[str, str] = {}
        self._state: dict[Key, Document] = {}
        self._in_snapshot = True

    def begin_anew(self) -> None:
        """It has nothing that it could resume."""
        self.position = None
        self._state.clear()
        self._in_snapshot = True

    def take(self, message: Message) -> None:
        """Compare one message with the log."""
        event = cast("Document", msgspec.json.decode(message.json, type=dict[str, Any]))
        kind = cast("str", event["type"])
        event_id = event.pop("id", None)
        if kind == "reset":
            self._done["resets"] += 1
            self.begin_anew()
        elif kind == "ready":
            self._ready(event, parse_position(cast("str", event_id)))
        elif kind == "ping":
            assert event_id is None
        elif event_id is not None:
            self._live(event, parse_position(cast("str", event_id)))
        elif kind == "pbxStatus":
            self.shown[cast("str", event["pbx"])] = cast("str", event["status"])
        else:
            assert self._in_snapshot, f"a state without an id outside a snapshot: {event}"
            self._state[_key(event)] = event

    def check_honest(self) -> None:
        """While nobody can know how it is, it shows no PBX as live, unless it knows that it has no state."""
        assert self._in_snapshot or "online" not in self.shown.values(), self.shown

    def check_complete(self, gateway: Gateway) -> None:
        """At the end it has everything, and sees what the gateway sees."""
        log = self._world.log
        assert not self._in_snapshot
        assert self.position is not None
        assert self.position.generation == log.generation, (self.position, log.generation)
        assert log.admitted(self.scope, self.position.sequence, log.last) == []
        self._check_state(log, log.last)
        statuses = gateway.hub.pbx_statuses()
        assert self.shown == {pbx: statuses[pbx] for pbx in self.scope.pbxs}

    def _live(self, event: Document, at: Position) -> None:
        self._done["events"] += 1
        assert not self._in_snapshot, f"a live event within a snapshot: {event} {at}"
        log = self._follow(at)
        assert self.position is not None
        due = log.admitted(self.scope, self.position.sequence, at.sequence)
        assert [one.sequence for one in due] == [at.sequence], f"after {self.position} came {at}, due {due}"
        assert event == msgspec.json.decode(due[0].payload), event
        self.position = at
        if event["type"] == "pbxStatus":
            self.shown[cast("str", event["pbx"])] = cast("str", event["status"])
        elif subjects.parse(due[0].subject).family == "state":
            self._state[_key(event)] = event

    def _ready(self, event: Document, at: Position) -> None:
        assert event["resumed"] is not self._in_snapshot, event
        if self._in_snapshot:
            self._done["snapshots"] += 1
        else:
            self._done["resumed"] += 1
            log = self._follow(at)
            assert self.position is not None
            missed = log.admitted(self.scope, self.position.sequence, at.sequence)
            assert missed == [], f"ready at {at} after {self.position}, yet {missed}"
        self._in_snapshot = False
        self.position = at
        self._check_state(self._world.logs[at.generation], at.sequence)

    def _follow(self, at: Position) -> Log:
        assert self.position is not None
        assert at.generation == self.position.generation, (self.position, at)
        assert at.sequence >= self.position.sequence, f"back from {self.position} to {at}"
        return self._world.logs[at.generation]

    def _check_state(self, log: Log, end: int) -> None:
        """Its figures are those of the log; what was never told there has a natural value or is not given."""
        told = log.state(end)
        for key, stored in told.items():
            subject = subjects.parse(stored.subject)
            if key[0] == "pbxStatus" or not scopes.admits(self.scope, subject):
                continue
            assert self._state.get(key) == msgspec.json.decode(stored.payload), (key, end, stored)
        for key in self._state.keys() - told.keys():
            assert key[0] in _GIVEN_ALWAYS or self._state[key]["status"] == "loggedoff", self._state[key]


class StreamClient(Client):
    """A WebSocket or an event stream: a lane with some room, read now and then."""

    def __init__(self, world: World, scope: Scope, done: Counter[str]) -> None:
        super().__init__(world, scope, done)
        self.gateway: Gateway | None = None
        self._subscription: Subscription | None = None
        self._lane = FakeLane()
        self._received: deque[Message] = deque()

    def connect(self, gateway: Gateway) -> None:
        """Come to a gateway with what it has."""
        rng = self._world.rng
        if rng.random() < 0.1 or self._in_snapshot:
            self.begin_anew()
        self._done["connections"] += 1
        self._lane = FakeLane(rng.choice((None, 1, 3, 50)))
        self.gateway = gateway
        self._subscription = gateway.hub.join(self.scope, self._lane, self.position)

    def disconnect(self) -> None:
        """Go away; what it had not read is lost."""
        if self.gateway is not None and self._subscription is not None:
            self.gateway.hub.leave(self._subscription)
        self.gateway = None
        self._lane = FakeLane()
        self._received.clear()

    def stall(self) -> None:
        """Its connection takes no more, until it reads."""
        self._lane.stop()

    def read(self, most: int) -> None:
        """Read so many messages, if there are."""
        if not self._received:
            self._received.extend(self._lane.take())
        for _ in range(min(most, len(self._received))):
            self.take(self._received.popleft())

    @property
    def has_read_all(self) -> bool:
        """Whether nothing is left to read."""
        return not self._received and not self._lane.messages

    @property
    def at_rest(self) -> bool:
        """Whether it has read everything, and nothing is on its way to it."""
        return self._subscription is not None and self._subscription.live and self.has_read_all

    @property
    def ended(self) -> bool:
        """Whether the gateway has ended it."""
        return self._subscription is not None and self._subscription.ended is not None


class PollClient(Client):
    """Long polls with ``after``, at any gateway; now and then an answer is lost."""

    def __init__(self, world: World, scope: Scope, done: Counter[str]) -> None:
        super().__init__(world, scope, done)
        self._open: tuple[Gateway, Subscription, PollLane] | None = None

    def ask(self, gateway: Gateway) -> None:
        """Begin a poll, if none waits."""
        if self._open is None and gateway.hub.position() is not None:
            lane = PollLane()
            if self.position is None:
                self.begin_anew()
            subscription = gateway.hub.join(self.scope, lane, self.position, poll=True)
            self._open = (gateway, subscription, lane)

    @property
    def due(self) -> bool:
        """Whether the poll that waits has something, or will have nothing."""
        return self._open is not None and (self._open[2].filled.is_set() or self._open[1].live)

    def drop(self, gateway: Gateway) -> None:
        """Its gateway is gone, and there will be no answer."""
        if self._open is not None and self._open[0] is gateway:
            self._open = None

    def answer(self, *, lost: bool = False) -> bool:
        """End the poll that waits: as the route does when there is something, or the time is up.

        False when it is answered with an error, or none waits.
        """
        if self._open is None:
            return False
        gateway, subscription, lane = self._open
        self._open = None
        position = gateway.hub.settle(subscription)
        messages = lane.take()
        is_all = subscription.live or subscription.ended is not None
        gateway.hub.leave(subscription)
        self._done["polls"] += 1
        if position is None:  # 503, or the gateway stopped before there was a state
            return False
        if messages and messages[-1].type != "ready" and is_all:
            messages.append(gateway.hub.ready_message(position, resumed=True))
        if not lost:
            for message in messages:
                self.take(message)
        return True


def _key(event: Document) -> Key:
    return (
        cast("str", event["type"]),
        cast("str", event["pbx"]),
        cast("str | None", event.get("queue")),
        cast("str | None", event.get("agent")),
    )

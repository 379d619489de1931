"""The hub: the log on one side, the clients on the other.

How it works: the feed calls the methods of ``ports.FeedSink``. A live message goes into the cache, the ring
and the pending list of every *group* that is interested; a group is the clients of equal
scope. One callback a tick (``schedule``) hands each group's list to its members. Joining is atomic: from
what was pending before, over the snapshot or the ring, to the entry into a group there is no ``await``, so
no event is missed and none comes twice. While a snapshot is on its way (``begin`` to ``caught_up``), clients
wait.

To change what a stream begins with, see ``_opening``; which status a PBX shows, ``core/pbx_board.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from services.gateway.core import frames, snapshot
from services.gateway.core import scope as scopes
from services.gateway.core.frames import Message
from services.gateway.core.interest import Interest
from services.gateway.core.liveness import Liveness
from services.gateway.core.pbx_board import PbxBoard
from services.gateway.core.position import Position
from services.gateway.core.ring import Entry, Ring
from services.gateway.core.scope import Scope
from services.gateway.core.state_cache import StateCache
from services.gateway.ports import Clock
from services.gateway.subscription import End, Subscription
from shared.errors import MalformedEventError, MalformedSubjectError
from shared.subjects import Subject, parse

log = logging.getLogger("pbxis.gateway.hub")

_FRAMING_BYTES = 64
"""What a frame adds to its payload, about."""


class _Group:
    """The clients of one scope, and what this tick has for them."""

    def __init__(self) -> None:
        self.members: set[Subscription] = set()
        self.pending: list[Message] = []
        self.size = 0


class Hub:
    """Fan-out of the log to subscriptions. ``schedule`` calls a function back at the end of the tick."""

    def __init__(
        self, pbxs: Iterable[str], clock: Clock, schedule: Callable[[Callable[[], None]], object]
    ) -> None:
        self._pbxs = tuple(pbxs)
        self._clock = clock
        self._schedule = schedule
        self._cache = StateCache()
        self._ring = Ring()
        self._board = PbxBoard(self._pbxs, clock.now_ms())
        self._liveness = Liveness(self._pbxs, clock.monotonic())
        self._interest: Interest[_Group] = Interest()
        self._groups: dict[Scope, _Group] = {}
        self._subscriptions: set[Subscription] = set()
        self._dirty: dict[_Group, None] = {}
        self._generation: str | None = None
        self._catching_up = False
        self._over: End | None = None

    # What the feed calls.

    def begin(self, generation: str) -> None:
        """Forget everything: a new snapshot follows."""
        self._catching_up = False
        self._generation = generation
        self._cache.clear()
        self._board.clear()
        self._ring.restart(0)
        for group in self._dirty:
            group.pending.clear()
            group.size = 0
        self._dirty.clear()
        now_ms = self._clock.now_ms()
        for subscription in self._subscriptions:
            subscription.forget()
            if subscription.begun:
                # until the reset they show figures that may be old by now
                payloads = [self._board.unread(pbx, now_ms) for pbx in subscription.scope.pbxs]
                size = sum(len(payload) for payload in payloads)
                subscription.push([Message(payload) for payload in payloads], size)

    def restore(self, subject: str, payload: bytes, sequence: int) -> None:
        """One document of the snapshot."""
        parsed = self._read(subject, payload)
        if parsed is not None:
            self._keep(parsed, payload)
        self._ring.restart(max(sequence, self._ring.last))

    def caught_up(self, last_sequence: int) -> None:
        """Ready: clients get what they waited for."""
        if last_sequence > self._ring.last:
            self._ring.restart(last_sequence)
        self._cache.complete = True
        self._liveness.log_regained(self._clock.monotonic())
        self.tick()
        self.flush()  # what that may have said, the opening says again
        for subscription in self._subscriptions:
            subscription.open(self._opening(subscription))

    def deliver(self, subject: str, payload: bytes, sequence: int) -> None:
        """A message of the log."""
        if not self._catching_up and not self._ready:
            self._catching_up = True
            self._ring.restart(sequence - 1)
        parsed = self._read(subject, payload)
        if parsed is None or not self._keep(parsed, payload):
            self._ring.skip(sequence)
            return
        self._ring.append(Entry(sequence, parsed, payload))
        if not self._ready:
            return
        self._liveness.heard(parsed.pbx, self._clock.monotonic())
        self._send(parsed, Message(payload, str(Position(self._generation or "", sequence))))
        if parsed.type == "pbxStatus":
            self._judge(parsed.pbx)

    def stale(self, reason: str) -> None:
        """Contact with the log is lost."""
        self._liveness.log_lost(reason)
        self.tick()

    def fresh(self) -> None:
        """Contact is back, nothing was missed."""
        self._liveness.log_regained(self._clock.monotonic())
        self.tick()

    def alive(self, pbx: str) -> None:
        """A bridge's heartbeat."""
        if pbx in self._pbxs:
            self._liveness.heard(pbx, self._clock.monotonic())
            self._judge(pbx)

    # What the clock calls.

    def tick(self) -> None:
        """Look whether a bridge has fallen silent; to be called about every second."""
        for pbx in self._pbxs:
            self._judge(pbx)

    def ping(self) -> None:
        """Send every stream the time."""
        message = frames.ping(self._clock.now_ms())
        for subscription in self._subscriptions:
            if not subscription.poll:
                subscription.push((message,), len(message.payload) + _FRAMING_BYTES)

    # What the transports call.

    @property
    def not_ready(self) -> list[str]:
        """Why the gateway cannot show live figures; empty when it can."""
        if not self._ready:
            return ["the state has not been read from NATS yet"]
        lost = self._liveness.lost
        return [] if lost is None else [f"contact with the log is lost: {lost}"]

    @property
    def states(self) -> StateCache:
        """The last values, for whoever looks a name up; read only."""
        return self._cache

    @property
    def clients(self) -> int:
        """How many subscriptions there are."""
        return len(self._subscriptions)

    def join(
        self, scope: Scope, after: Position | None = None, *, poll: bool = False, resume: bool = False
    ) -> Subscription:
        """Enter a client. The arguments are those of :class:`Subscription`."""
        self.flush()
        subscription = Subscription(scope, after, poll=poll, resume=resume or after is not None)
        group = self._groups.get(scope)
        if group is None:
            group = self._groups[scope] = _Group()
            self._interest.add(group, scope)
        group.members.add(subscription)
        self._subscriptions.add(subscription)
        if self._ready:
            subscription.open(self._opening(subscription))
        if self._over is not None:
            subscription.end(self._over)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Take a client out; twice does no harm."""
        self._subscriptions.discard(subscription)
        group = self._groups.get(subscription.scope)
        if group is not None:
            group.members.discard(subscription)
            if not group.members:
                del self._groups[subscription.scope]
                self._interest.remove(group, subscription.scope)
                self._dirty.pop(group, None)

    def position(self) -> Position | None:
        """Where a client is that has taken everything; ``None`` while there is no state."""
        if not self._ready or self._generation is None:
            return None
        return Position(self._generation, self._ring.last, self._board.mark)

    def ready_message(self, position: Position, *, resumed: bool) -> Message:
        """``ready`` for a client at a position."""
        return frames.ready(resumed=resumed, now_ms=self._clock.now_ms(), position=str(position))

    def end_all(self, reason: End) -> None:
        """End every subscription, also those that may still come."""
        self._over = reason
        self.flush()
        for subscription in self._subscriptions:
            subscription.end(reason)

    def flush(self) -> None:
        """Hand what is pending to the clients."""
        dirty, self._dirty = self._dirty, {}
        for group in dirty:
            messages, size = group.pending, group.size
            group.pending, group.size = [], 0
            for subscription in group.members:
                subscription.push(messages, size)

    # Inside.

    @property
    def _ready(self) -> bool:
        return self._cache.complete

    def _read(self, subject: str, payload: bytes) -> Subject | None:
        """The subject, if it and the payload are ours. What is not is left out: it must not stop the feed."""
        try:
            parsed = parse(subject)
            frames.check(parsed.type, payload)
        except (MalformedSubjectError, MalformedEventError) as error:
            log.warning("left out a message of the log: %s", error)
            return None
        return parsed if parsed.pbx in self._pbxs else None

    def _keep(self, subject: Subject, payload: bytes) -> bool:
        """Put a state into the cache; false when it cannot be one."""
        if subject.family != "state":
            return True
        if subject.type == "pbxStatus":
            try:
                self._board.log(subject.pbx, payload)
            except MalformedEventError as error:
                log.warning("left out a pbxStatus of %s: %s", subject.pbx, error)
                return False
        self._cache.put(subject, payload)
        return True

    def _send(self, subject: Subject, message: Message) -> None:
        for group in self._interest.find(subject):
            group.pending.append(message)
            group.size += len(message.payload) + _FRAMING_BYTES
            if not self._dirty:
                self._schedule(self.flush)
            self._dirty[group] = None

    def _judge(self, pbx: str) -> None:
        """Show another status of a PBX if it is due. It has no id: it is not in the log."""
        if not self._ready:
            return
        doubt = self._liveness.doubt(pbx, self._clock.monotonic())
        payload = self._board.judge(pbx, doubt, self._clock.now_ms())
        if payload is not None:
            self._send(Subject("state", pbx, "pbxStatus", None, None), Message(payload))

    def _opening(self, subscription: Subscription) -> list[Message]:
        """What a subscription gets first: what it missed, or the state."""
        position = self.position()
        assert position is not None  # noqa: S101 - only asked when ready
        if not subscription.poll:
            position = position._replace(mark=0)  # what a stream was told later, no ready would say
        after, scope = subscription.after, subscription.scope
        first = not subscription.begun
        same_log = after is not None and after.generation == position.generation
        if first and after is not None and same_log and self._ring.reaches(after.sequence):
            return self._missed(subscription, after, position)
        messages = [frames.RESET] if subscription.resume or not first else []
        payloads = snapshot.documents(scope, self._cache, self._board.shown)
        messages.extend(Message(payload) for payload in payloads)
        messages.append(self.ready_message(position, resumed=False))
        return messages

    def _missed(self, subscription: Subscription, after: Position, position: Position) -> list[Message]:
        scope = subscription.scope
        messages = [
            Message(entry.payload, str(Position(after.generation, entry.sequence)))
            for entry in self._ring.after(after.sequence)
            if scopes.admits(scope, entry.subject)
        ]
        for pbx in scope.pbxs:
            # A stream may have been told of a doubt by another gateway, which is in no log: tell how it is.
            # A poll's position says what it was told.
            if not subscription.poll or self._board.differs(pbx, after.mark):
                messages.append(Message(self._board.shown(pbx)))
        if not subscription.poll:
            messages.append(self.ready_message(position, resumed=True))
        return messages

"""The hub: the log on one side, the clients on the other.

How it works: the feed calls the methods of ``ports.FeedSink``. A live message goes into the cache, the ring
and to the groups that are interested (``fan_out.py``). What a client gets before it takes part in that, and
again when it fell behind, is decided in ``openings.py``. Joining is atomic: between looking at the ring and
entering a group there is no ``await``, so no event is missed and none comes twice. While a snapshot is on its
way (``begin`` to ``caught_up``), clients wait.

Which status a PBX shows: ``core/pbx_board.py``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache

from services.gateway.core import frames
from services.gateway.core.batch import Batch
from services.gateway.core.frames import Message
from services.gateway.core.liveness import Liveness
from services.gateway.core.pbx_board import PbxBoard
from services.gateway.core.position import Position
from services.gateway.core.ring import Entry, Ring
from services.gateway.core.scope import Scope
from services.gateway.core.state_cache import StateCache
from services.gateway.counters import StreamCounters
from services.gateway.fan_out import FanOut, Scheduler
from services.gateway.lanes.lane import Lane
from services.gateway.openings import Openings
from services.gateway.ports import Clock, Stored
from services.gateway.subscription import End, Subscription
from shared import subjects
from shared.errors import MalformedEventError, MalformedSubjectError
from shared.subjects import Subject

log = logging.getLogger("pbxis.gateway.hub")

STUCK_S = 30.0
"""A client that takes nothing for so long is ended; it may come back and resume."""

AHEAD_S = 2.0
"""How long a client that has seen more than this gateway yet waits for it to get there."""

_parse = lru_cache(maxsize=65536)(subjects.parse)


def _ask_nobody(subscription: Subscription) -> None:
    raise NotImplementedError("nothing reads the log for this hub")


class Hub:
    """Fan-out of the log to subscriptions.

    Attributes:
        counters: what it did.
        ring: the newest messages.
        ask_log: has what a client missed read from the log; ends with :meth:`replayed`, :meth:`restart` or
            :meth:`retry`. Set by whoever puts the gateway together.
    """

    def __init__(self, pbxs: Iterable[str], clock: Clock, scheduler: Scheduler) -> None:
        self._pbxs = tuple(pbxs)
        self._clock = clock
        self.counters = StreamCounters()
        self.ring = Ring()
        self.ask_log: Callable[[Subscription], None] = _ask_nobody
        self._cache = StateCache()
        self._board = PbxBoard(self._pbxs, clock.now_ms())
        self._liveness = Liveness(self._pbxs, clock.monotonic())
        self._subscriptions: dict[Subscription, None] = {}
        self._lagging: dict[Subscription, None] = {}
        self._stuck: dict[Subscription, None] = {}
        self._ahead: dict[Subscription, float] = {}
        self._fan = FanOut(
            scheduler, clock.monotonic, self.ring, self.counters, self._refill, self._fall_behind
        )
        self._openings = Openings(
            self._cache, self.ring, self._board, clock, self.counters, lambda one: self.ask_log(one)
        )
        self._catching_up = False
        self._over: End | None = None

    # What the feed calls.

    def begin(self, generation: str) -> None:
        """Forget everything: a new snapshot follows."""
        if self._openings.generation:
            self.counters.feed_restarts += 1
        self._catching_up = False
        self._openings.generation = generation
        self._openings.clear()
        self._cache.clear()
        self._board.clear()
        self.ring.restart(0)
        self._fan.clear()
        self._ahead.clear()
        now_ms = self._clock.now_ms()
        for subscription in self._subscriptions:
            subscription.forget()
            subscription.due = True
            subscription.resuming = False
            payloads = [self._board.unread(pbx, now_ms) for pbx in subscription.scope.pbxs]
            if subscription.begun and subscription.paused_since is None and payloads:
                # until the reset they show figures that may be old by now
                subscription.lane.write(Batch([Message(payload) for payload in payloads], 0))

    def restore(self, subject: str, payload: bytes, sequence: int) -> None:
        """One document of the snapshot."""
        parsed = self._read(subject, payload)
        if parsed is not None:
            self._keep(parsed, payload, sequence)
        self.ring.restart(max(sequence, self.ring.last))

    def caught_up(self, last_sequence: int) -> None:
        """Ready: clients get what they waited for."""
        if last_sequence > self.ring.last:
            self.ring.restart(last_sequence)
        self._cache.complete = True
        self._liveness.log_regained(self._clock.monotonic())
        self.tick()
        for subscription in self._subscriptions:
            self._fan.want(subscription)

    def deliver(self, subject: str, payload: bytes, sequence: int) -> None:
        """A message of the log."""
        if not self._catching_up and not self._ready:
            self._catching_up = True
            self.ring.restart(sequence - 1)
        entry = self.entry(Stored(subject, payload, sequence))
        if entry is None or not self._keep(entry.subject, payload, sequence):
            self.ring.skip(sequence)
        else:
            parsed = entry.subject
            self.ring.append(entry)
            if self._ready:
                self.counters.events_in += 1
                self._liveness.heard(parsed.pbx, self._clock.monotonic())
                position = Position(self._openings.generation, sequence)
                self._fan.send(parsed, Message(payload, str(position), sequence))
                if parsed.type == "pbxStatus":
                    self._judge(parsed.pbx)
        if self._ahead:
            self._look_at_those_ahead()

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
        """Look for what falls silent: a bridge, a client; to be called about every second."""
        for pbx in self._pbxs:
            self._judge(pbx)
        now = self._clock.monotonic()
        for subscription in list(self._stuck):
            since = subscription.paused_since
            if since is not None and now - since > STUCK_S:
                del self._stuck[subscription]
                self.counters.closed_too_slow += 1
                subscription.end(End.TOO_SLOW)
        if self._ahead:
            self._look_at_those_ahead()

    def ping(self) -> None:
        """Send every stream the time."""
        streams = [one for one in self._subscriptions if one.live and not one.poll]
        self._fan.send_to(streams, frames.ping(self._clock.now_ms()))

    # What the transports call.

    @property
    def not_ready(self) -> list[str]:
        """Why the gateway cannot show live figures; empty when it can."""
        if self._over is not None:
            return ["the gateway stops"]
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

    @property
    def lagging(self) -> int:
        """How many of them were live and have fallen behind."""
        return len(self._lagging)

    @property
    def generation(self) -> str:
        """Of the log; ``""`` before there was one."""
        return self._openings.generation

    @property
    def log_contact(self) -> bool:
        """Whether it hears the log."""
        return self._ready and self._liveness.lost is None

    def pbx_statuses(self) -> dict[str, str]:
        """The status that each PBX is shown with."""
        return self._board.statuses()

    def clients_by(self) -> dict[tuple[str, str], int]:
        """How many there are by transport and lane."""
        return Counter((one.lane.transport, one.lane.name) for one in self._subscriptions)

    def join(
        self,
        scope: Scope,
        lane: Lane,
        after: Position | None = None,
        *,
        poll: bool = False,
        resume: bool = False,
    ) -> Subscription:
        """Enter a client. The arguments are those of :class:`Subscription`."""
        subscription = Subscription(self, scope, lane, after, poll=poll, resume=resume or after is not None)
        self._fan.add(subscription)
        self._subscriptions[subscription] = None
        self._refill(subscription)
        if self._over is not None:
            subscription.end(self._over)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Take a client out; twice does no harm."""
        subscription.live = False
        self._subscriptions.pop(subscription, None)
        self._fan.remove(subscription)
        for kept in (self._lagging, self._stuck, self._ahead):
            kept.pop(subscription, None)

    def position(self) -> Position | None:
        """Where a client is that has taken everything; ``None`` while there is no state."""
        if not self._ready:
            return None
        return Position(self._openings.generation, self.ring.last, self._board.mark)

    def settle(self, subscription: Subscription) -> Position | None:
        """Give a client what is there for it; where it is then. ``None``: a state is still to come."""
        if not self._ready or not subscription.begun or subscription.due:
            return None
        if subscription.live:
            self._fan.settle(subscription)
        if subscription.live:
            subscription.at = self.ring.last
        return self._openings.place(subscription)

    def ready_message(self, position: Position, *, resumed: bool) -> Message:
        """``ready`` for a client at a position."""
        return frames.ready(resumed=resumed, now_ms=self._clock.now_ms(), position=str(position))

    def end_all(self, reason: End) -> None:
        """End every subscription, also those that may still come."""
        self._over = reason
        self._fan.finish()
        for subscription in list(self._subscriptions):
            subscription.end(reason)

    # What lanes call, by way of their subscriptions.

    def paused(self, subscription: Subscription) -> None:
        """Its lane takes no more."""
        if subscription.ended is None and subscription.paused_since is None:
            subscription.paused_since = self._clock.monotonic()
            self._stuck[subscription] = None
            if subscription.live:
                self._fall_behind(subscription)

    def writable(self, subscription: Subscription) -> None:
        """Its lane takes more again."""
        subscription.paused_since = None
        self._stuck.pop(subscription, None)
        if subscription.ended is None and subscription in self._subscriptions:
            self._fan.want(subscription)

    # What the reader of the log calls.

    def replayed(self, subscription: Subscription, entries: list[Entry], end: int) -> None:
        """What follows where a client stands, up to ``end``."""
        subscription.from_log = True
        self._openings.put(subscription, entries, end)
        self.retry(subscription)

    def restart(self, subscription: Subscription) -> None:
        """What a client missed is not in the log any more."""
        self._openings.restart(subscription)
        self.retry(subscription)

    def retry(self, subscription: Subscription) -> None:
        """There is more for a client, perhaps: the ring reaches further back now."""
        if subscription.ended is None and subscription in self._subscriptions:
            self._fan.want(subscription)

    def has(self, subscription: Subscription) -> bool:
        """Whether it is still there."""
        return subscription in self._subscriptions

    def entry(self, stored: Stored) -> Entry | None:
        """A message of the log for the ring; ``None``: it is not for clients."""
        parsed = None if subjects.is_fence(stored.subject) else self._read(stored.subject, stored.payload)
        return None if parsed is None else Entry(stored.sequence, parsed, stored.payload)

    # Inside.

    @property
    def _ready(self) -> bool:
        return self._cache.complete

    def _read(self, subject: str, payload: bytes) -> Subject | None:
        """The subject, if it and the payload are ours. What is not is left out: it must not stop the feed."""
        try:
            parsed = _parse(subject)
            frames.check(parsed.type, payload)
        except (MalformedSubjectError, MalformedEventError) as error:
            log.warning("left out a message of the log: %s", error)
            return None
        return parsed if parsed.pbx in self._pbxs else None

    def _keep(self, subject: Subject, payload: bytes, sequence: int) -> bool:
        """Put a state into the cache; false when it cannot be one."""
        if subject.family != "state":
            return True
        if subject.type == "pbxStatus":
            try:
                self._board.log(subject.pbx, payload, sequence)
            except MalformedEventError as error:
                log.warning("left out a pbxStatus of %s: %s", subject.pbx, error)
                return False
        self._cache.put(subject, payload)
        return True

    def _judge(self, pbx: str) -> None:
        """Show another status of a PBX if it is due. It has no id: it is not in the log."""
        if not self._ready:
            return
        doubt = self._liveness.doubt(pbx, self._clock.monotonic())
        payload = self._board.judge(pbx, doubt, self._clock.now_ms())
        if payload is not None:
            self._fan.send(Subject("state", pbx, "pbxStatus", None, None), Message(payload))

    def _refill(self, subscription: Subscription) -> None:
        """Give a client what it has not got, as much as its lane takes; in the end it is live."""
        while self._ready and subscription.paused_since is None and subscription.ended is None:
            if subscription.backlog:
                batch = subscription.backlog.pop(0)
                subscription.at = batch.last
                self.counters.writes += 1
                self.counters.deliveries += len(batch.messages)
                subscription.lane.write(batch)
            elif subscription.live:
                if self._lagging.pop(subscription, 0) is None:
                    self.counters.caught_up += 1
                subscription.behind_since = None
                return
            elif not self._openings.next(subscription, self._fan):
                if subscription.at > self.ring.last:
                    self._ahead.setdefault(subscription, self._clock.monotonic())
                return

    def _fall_behind(self, subscription: Subscription) -> None:
        subscription.live = False
        subscription.behind_since = self._clock.monotonic()
        if not subscription.poll:
            self.counters.lagged += 1
            self._lagging[subscription] = None

    def _look_at_those_ahead(self) -> None:
        """They have seen, from another gateway, what the log has not brought here yet."""
        now = self._clock.monotonic()
        for subscription, since in list(self._ahead.items()):
            if subscription.at <= self.ring.last or now - since > AHEAD_S:
                del self._ahead[subscription]
                if subscription.at > self.ring.last:
                    self._openings.restart(subscription)
                self._fan.want(subscription)

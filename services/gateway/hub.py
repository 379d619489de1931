"""The hub: the log on one side, the clients on the other.

How it works: the feed calls the methods of ``ports.FeedSink``. A live message goes into the cache, the ring
and to the groups that are interested (``fan_out.py``). What a client gets before it takes part in that, and
again when it fell behind, is decided in ``openings.py``; what becomes of those who do not get on, in
``waiting.py``. Joining is atomic: between looking at the ring and entering a group there is no ``await``, so
no event is missed and none comes twice. While a snapshot is on its way (``begin`` to ``caught_up``), clients
wait.

Which status a PBX shows: ``core/pbx_board.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

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
from services.gateway.intake import Intake
from services.gateway.lanes.lane import Lane
from services.gateway.openings import BEHIND_S, Openings
from services.gateway.ports import Clock, Stored
from services.gateway.subscription import End, Subscription
from services.gateway.waiting import Remedies, Waiting
from shared.subjects import Subject


def _ask_nobody(subscription: Subscription) -> None:
    raise NotImplementedError("nothing reads the log for this hub")


class Hub:
    """Fan-out of the log to subscriptions.

    Attributes:
        counters: what it did.
        ring: the newest messages.
        intake: takes what the log says.
        ask_log: has what a client missed read from the log; ends with :meth:`retry` or :meth:`restart`.
            Set by whoever puts the gateway together.
    """

    def __init__(self, pbxs: Iterable[str], clock: Clock, scheduler: Scheduler) -> None:
        self._pbxs = tuple(pbxs)
        self._clock = clock
        self.counters = StreamCounters()
        self.ring = Ring()
        self.ask_log: Callable[[Subscription], None] = _ask_nobody
        self._cache = StateCache()
        self._board = PbxBoard(self._pbxs, clock.now_ms())
        self.intake = Intake(self._pbxs, self._cache, self._board)
        self._liveness = Liveness(self._pbxs, clock.monotonic())
        self._subscriptions: dict[Subscription, None] = {}
        self._lagging: dict[Subscription, None] = {}
        self._fan = FanOut(
            scheduler, clock.monotonic, self.ring, self.counters, self._refill, self._fall_behind
        )
        self._openings = Openings(
            self._cache, self.ring, self._board, clock, self.counters, lambda one: self.ask_log(one)
        )
        remedies = Remedies(self.retry, self._openings.restart, self._doubt, self._give_up)
        self._waiting = Waiting(self.ring, clock.monotonic, remedies)
        self._catching_up = False
        self._over: End | None = None

    # What the feed calls.

    def begin(self, generation: str) -> None:
        """Forget everything: a new snapshot follows."""
        if self._openings.generation:
            self.counters.feed_restarts += 1
        self._catching_up = False
        self._openings.begin(generation)
        self._cache.clear()
        self._board.clear()
        self.ring.restart(0)
        self._fan.clear()
        self._waiting.clear()
        for subscription in self._subscriptions:
            subscription.forget()
            subscription.due = True
            subscription.resuming = subscription.doubted = False
            self._doubt(subscription)

    def restore(self, subject: str, payload: bytes, sequence: int) -> None:
        """One document of the snapshot."""
        entry = self.intake.entry(Stored(subject, payload, sequence))
        if entry is not None:
            self.intake.keep(entry)
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
        entry = self.intake.entry(Stored(subject, payload, sequence))
        if entry is None or not self.intake.keep(entry):
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
        self._waiting.came(sequence)

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
        """Look for what falls silent: a bridge, a client; to be called about every second.

        Raises:
            Exception: whatever failed in the fan-out: a bug, and clients get nothing any more.
        """
        self._fan.check()
        for pbx in self._pbxs:
            self._judge(pbx)
        if self._ready:
            self._waiting.look(contact=self._liveness.lost is None)

    def ping(self) -> None:
        """Send every stream that has begun the time, also those that wait for something."""
        message = frames.ping(self._clock.now_ms())
        batch = Batch((message,), 0)
        live: list[Subscription] = []
        for one in self._subscriptions:
            if one.live and not one.poll:
                live.append(one)
            elif one.begun and not one.poll and one.reads:
                one.lane.write(batch)
        self._fan.send_to(live, message)

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
        if self._ready or poll:
            self._refill(subscription)
        else:
            self._doubt(subscription)
        if self._over is not None:
            subscription.end(self._over)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Take a client out; twice does no harm."""
        subscription.live = False
        self._subscriptions.pop(subscription, None)
        self._fan.remove(subscription)
        self._lagging.pop(subscription, None)
        self._waiting.leave(subscription)

    def position(self) -> Position | None:
        """Where a client is that has taken everything; ``None`` while there is no state."""
        if not self._ready:
            return None
        return Position(self._openings.generation, self.ring.last, self._board.mark)

    def settle(self, subscription: Subscription) -> Position | None:
        """Give a client what is there for it; where it is then.

        ``None``: a state is still to come, or what followed, and it has got nothing of that.
        """
        if not self._ready or not subscription.begun or subscription.due or self._openings.owes(subscription):
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
            self._waiting.paused(subscription)
            if subscription.live:
                self._fall_behind(subscription)

    def writable(self, subscription: Subscription) -> None:
        """Its lane takes more again."""
        self._waiting.takes(subscription)
        if not self._ready and not subscription.doubted:
            self._doubt(subscription)
        self.retry(subscription)

    # What the reader of the log calls.

    def reaches(self, sequence: int) -> bool:
        """Whether what followed a place need not be read from the log."""
        return self._openings.pages.reaches(sequence)

    def replayed(self, after: int, entries: list[Entry], end: int) -> None:
        """What followed a place, up to ``end``; :meth:`retry` those who stand there.

        What has not come here yet is left out: whoever had that would have seen more than this gateway.
        """
        last = self.ring.last
        known = [entry for entry in entries if entry.sequence <= last] if end > last else entries
        self._openings.pages.read_back.put(after, known, min(end, last))

    def restart(self, subscription: Subscription) -> None:
        """What a client missed is not in the log any more."""
        self._openings.restart(subscription)
        self.retry(subscription)

    def retry(self, subscription: Subscription) -> None:
        """There is more for a client, perhaps."""
        if subscription.ended is None and subscription in self._subscriptions:
            self._fan.want(subscription)

    def has(self, subscription: Subscription) -> bool:
        """Whether it is still there."""
        return subscription in self._subscriptions

    # Inside.

    @property
    def _ready(self) -> bool:
        return self._cache.complete

    def _judge(self, pbx: str) -> None:
        """Show another status of a PBX if it is due. It has no id: it is not in the log."""
        if not self._ready:
            return
        doubt = self._liveness.doubt(pbx, self._clock.monotonic())
        payload = self._board.judge(pbx, doubt, self._clock.now_ms())
        if payload is not None:
            self._fan.send(Subject("state", pbx, "pbxStatus", None, None), Message(payload))

    def _refill(self, subscription: Subscription) -> None:
        """Give a client what it has not got, as much as its lane takes; in the end it is live.

        A page at a time: so those who come from the same place share each page, and none keeps others
        waiting. A poll gets its whole answer at once.
        """
        parts = 0
        while self._ready and subscription.reads:
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
            elif parts and subscription.at < self.ring.last and not subscription.poll:
                self._waiting.has_far_to_go(subscription)
                self._fan.want(subscription)
                return
            elif self._openings.next(subscription, self._fan):
                self._waiting.goes_on(subscription)
                parts += 1
            else:
                self._waiting.waits(subscription)
                return

    def _doubt(self, subscription: Subscription) -> None:
        """Tell a client that its figures may be old by now, if it has any and reads."""
        if not subscription.reads or not (subscription.begun or subscription.resume):
            return
        now_ms = self._clock.now_ms()
        messages = [Message(self._board.unread(pbx, now_ms)) for pbx in subscription.scope.pbxs]
        if messages:
            subscription.doubted = True
            subscription.lane.write(Batch(messages, 0))

    def _give_up(self, subscription: Subscription) -> None:
        self.counters.closed_too_slow += 1
        subscription.end(End.TOO_SLOW)

    def _fall_behind(self, subscription: Subscription) -> None:
        subscription.live = False
        subscription.behind_since = self._clock.monotonic()
        subscription.behind_by = 0
        subscription.allowed_s = BEHIND_S
        if not subscription.poll:
            self.counters.lagged += 1
            self._lagging[subscription] = None

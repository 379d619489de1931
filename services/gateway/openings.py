"""What a client gets that is not live: the state to begin with, or exactly what it missed.

:meth:`Openings.next` is asked again and again, each time its client has taken what it got before. In order:
the state (or nothing, for one that resumes), then what happened since, page by page (``core/pages.py``),
until it has everything; then it is live. What the ring no longer has is read from the log (``replay.py``).

A client that was live and fell behind for longer than ``BEHIND_S`` is given the state instead of all that
happened: its figures are then those of now at once. One that was just given the state has as long as the
state took: another one would take as long again. And it is left in peace while it comes nearer, for nothing
would bring it to now sooner. One that resumes is given all of it, however long it was away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from services.gateway.core import frames, snapshot
from services.gateway.core.batch import Batch, slices
from services.gateway.core.frames import Message
from services.gateway.core.pages import Pages
from services.gateway.core.pbx_board import PbxBoard
from services.gateway.core.position import Position
from services.gateway.core.ring import Ring
from services.gateway.core.scope import Scope
from services.gateway.core.state_cache import StateCache
from services.gateway.counters import StreamCounters
from services.gateway.fan_out import FanOut
from services.gateway.ports import Clock
from services.gateway.subscription import Subscription

BEHIND_S = 5.0
NEARER_BY = 0.1
"""Such a part of its way a client goes in the time that it is given, or it does not come nearer."""

_STATES_KEPT = 4


class Openings:
    """Gives clients what they have not got.

    Attributes:
        pages: what followed each place.
    """

    def __init__(
        self,
        cache: StateCache,
        ring: Ring,
        board: PbxBoard,
        clock: Clock,
        counters: StreamCounters,
        ask_log: Callable[[Subscription], None],
    ) -> None:
        """``ask_log``: have what a client missed read from the log; then ask for it again."""
        self._cache = cache
        self._ring = ring
        self._board = board
        self._clock = clock
        self._counters = counters
        self._ask_log = ask_log
        self._states: OrderedDict[Scope, tuple[tuple[int, int], list[Batch]]] = OrderedDict()
        self.pages = Pages(ring)

    @property
    def generation(self) -> str:
        """Of the log; ``""`` before there is one."""
        return self.pages.generation

    def begin(self, generation: str) -> None:
        """The log is another one, or read anew."""
        self.pages.begin(generation)
        self._states.clear()

    def next(self, subscription: Subscription, fan: FanOut) -> bool:
        """Put the next part into its backlog, or make it live; false when it has to wait for the log."""
        if subscription.due:
            self._begin(subscription, fan)
            if not subscription.resuming:
                return True
        if subscription.opening:  # it has taken the state, however long that was: these figures are live now
            subscription.opening = False
            self._allow(subscription)
            subscription.backlog.append(Batch((self._ready(subscription, resumed=False),), subscription.at))
            return True
        if subscription.at > self._ring.last:
            return False
        if self._too_long_behind(subscription):
            self._begin(subscription, fan)
            return True
        if subscription.at == self._ring.last:
            self._arrive(subscription, fan)
            return True
        if not self.pages.reaches(subscription.at):
            self._ask_log(subscription)
            return False
        if not self._ring.reaches(subscription.at):
            subscription.from_log = True
        page = self.pages.page(subscription.scope, subscription.at)
        if page.end == self._ring.last and subscription.behind_since is not None:
            subscription.behind_since = self._clock.monotonic()  # with this it has everything up to now
        if page.batches:
            subscription.backlog.extend(page.batches)
        else:
            subscription.at = page.end
        return True

    def restart(self, subscription: Subscription) -> None:
        """What it missed can no longer be told: it gets ``reset`` and the state."""
        subscription.after = None
        subscription.resume = True
        subscription.resuming = False
        subscription.due = True

    def place(self, subscription: Subscription) -> Position:
        """Where it is with what it has got, and what it was told of PBXs."""
        mark: str | None = self._board.mark
        if not subscription.live:  # what was said of them meanwhile it has not got
            after = subscription.after if subscription.resuming else None
            mark = None if after is None else self._board.mark_behind(after, subscription.at)
        return Position(self.generation, subscription.at, mark)

    def owes(self, subscription: Subscription) -> bool:
        """Whether there is something that followed where it came back, and it was given nothing of it yet."""
        after = subscription.after
        if subscription.live or not subscription.resuming or after is None:
            return False
        return subscription.doubted or subscription.at == after.sequence

    def _allow(self, subscription: Subscription) -> None:
        """It has taken the state: it has time for what happened meanwhile."""
        now = self._clock.monotonic()
        subscription.allowed_s = max(BEHIND_S, now - subscription.state_since)
        subscription.behind_since = now
        subscription.behind_by = self._ring.last - subscription.at

    def _too_long_behind(self, subscription: Subscription) -> bool:
        since = subscription.behind_since
        if subscription.resuming or since is None:
            return False
        now = self._clock.monotonic()
        if now - since <= subscription.allowed_s:
            return False
        left = self._ring.last - subscription.at
        if left >= subscription.behind_by * (1 - NEARER_BY):
            return True
        subscription.behind_since = now
        subscription.behind_by = left
        return False

    def _begin(self, subscription: Subscription, fan: FanOut) -> None:
        subscription.due = False
        after = subscription.after
        if not subscription.begun:
            self._counters.openings += 1
            if after is not None and after.generation == self.generation:
                subscription.begun = subscription.resuming = True
                subscription.at = after.sequence
                return
        fan.seal()
        ring_last = self._ring.last
        if subscription.resume or subscription.begun:
            subscription.backlog.append(Batch((frames.RESET,), ring_last))
            self._counters.resets += 1
        subscription.backlog.extend(self._state(subscription))
        subscription.at = ring_last
        subscription.state_since = self._clock.monotonic()
        subscription.serial = fan.serial
        subscription.begun = subscription.opening = True
        subscription.doubted = False

    def _state(self, subscription: Subscription) -> list[Batch]:
        """Shared by those who come at the same time with the same scope."""
        scope = subscription.scope
        version = (self._ring.last, self._board.version)
        found = self._states.get(scope)
        if found is None or found[0] != version:
            payloads = snapshot.documents(scope, self._cache, self._board.shown)
            batches = [Batch(part, self._ring.last) for part in slices(Message(one) for one in payloads)]
            found = self._states[scope] = (version, batches)
            if len(self._states) > _STATES_KEPT:
                self._states.popitem(last=False)
        return found[1]

    def _arrive(self, subscription: Subscription, fan: FanOut) -> None:
        """It has everything: say what it could not know, and let it take part."""
        fan.seal()
        words: list[Message] = []
        if subscription.resuming:
            # Of what a client was told of PBXs only a poll's position says something.
            knows = subscription.poll and not subscription.doubted
            words = self._statuses(subscription, subscription.after if knows else None)
            if not subscription.poll:
                words.append(self._ready(subscription, resumed=True))
            if subscription.from_log:
                self._counters.resumed_from_log += 1
            else:
                self._counters.resumed_from_ring += 1
        elif subscription.serial < fan.group_of(subscription).told:
            words = self._statuses(subscription, None)  # it was told something since it came
        subscription.resuming = subscription.doubted = False
        subscription.serial = fan.serial
        subscription.live = True
        if words:
            subscription.lane.write(Batch(words, subscription.at))

    def _statuses(self, subscription: Subscription, after: Position | None) -> list[Message]:
        """Of each PBX: a doubt is in no log, and another gateway may have told of it, or nobody.

        ``after`` is where the client came back, if what it was told there is known.
        """
        return [
            Message(self._board.shown(pbx))
            for pbx in subscription.scope.pbxs
            if self._board.differs(pbx, after)
        ]

    def _ready(self, subscription: Subscription, *, resumed: bool) -> Message:
        # What a stream was told later no ready would say, so only a poll's position has a mark.
        mark = self._board.mark if subscription.poll else None
        position = Position(self.generation, subscription.at, mark)
        return frames.ready(resumed=resumed, now_ms=self._clock.now_ms(), position=str(position))

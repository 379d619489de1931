"""The outbox: events into the log, each once, in order, whatever NATS does.

How it works. ``put`` only queues. A pump takes from the queue and publishes in the order in which events
were put, up to a window of unanswered messages, **one a subject**: when the next event's subject is still
unanswered, everything waits for that answer.

A message is *settled* when the log says that it has it. One whose answer is an error, is late, or cannot
come because the connection was lost is *unsettled*. Until none is left nothing new is published, and the
unsettled are published again one at a time, the oldest first, each with the same bytes and the same
``Nats-Msg-Id``. So none is lost, none is stored twice (the log drops the second), and none after its
successor of the same subject; nor of another, unless the log refuses single messages of the window (no room,
or no leader just then). Before it is sent again the log is asked whether its subject ends with that id: then
it is settled, even when the outage was longer than the time for which the log remembers ids.

While NATS is away nothing is handed to the client library; what waits here is bounded (core/outgoing).

Every message is sent under a fence (fences.py). The fences are put up anew, with nothing under way, before
they fall out of the log; after each new connection, so that nothing of the old one is stored any more; and
when a message is refused for its fence. They cannot be when another bridge acts: that is the outbox's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services import cancellation
from services.ami_bridge.adapters.fences import FENCES, Fences
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.outbox_fences import OutboxFences
from services.ami_bridge.adapters.outbox_message import (
    Counters,
    NewMessages,
    OutboxMessage,
    Refusal,
    read_answer,
    unfit,
)
from services.ami_bridge.adapters.outbox_trouble import Trouble
from services.ami_bridge.adapters.under_way import UnderWay
from services.ami_bridge.clocks import now
from services.ami_bridge.core.kept_moments import KeptMoments
from services.ami_bridge.core.outgoing import Lost, Outgoing
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError, LogShapeError
from services.jetstream.log import MESSAGE_ID
from shared import wire
from shared.config import NatsSection
from shared.events import Event, EventsLost, is_state, subject_of
from shared.subjects import build

log = logging.getLogger("pbxis.outbox")

MOMENTS_LIMIT = 100_000
WINDOW = FENCES
ACK_WITHIN_S = 5.0
STALLED_AFTER_S = 3.0
_TICK_S = 0.1
_LOOK_EVERY_S = 30.0


class Outbox:
    """Publishes the events of one PBX. ``start`` it, ``put`` into it, ``close`` it."""

    def __init__(
        self,
        connection: Connection,
        section: NatsSection,
        pbx: str,
        *,
        fences: Fences | None = None,
        on_new_log: Callable[[], None] | None = None,
        kept: KeptMoments | None = None,
        known: KnownLog | None = None,
        moments_limit: int = MOMENTS_LIMIT,
        ack_within_s: float = ACK_WITHIN_S,
    ) -> None:
        """Args: ``fences`` were put up (``None``: no other process can be writing); ``on_new_log`` is called
        when the log or its mirror was made anew, and all states must be put again; ``kept`` is to forget a
        moment when the log has it, or it was counted as lost; ``known`` is what was seen of the log before.
        """
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._pbx = pbx
        self._on_new_log = on_new_log
        self._kept = kept if kept is not None else KeptMoments(moments_limit)
        self._ack_within_s = ack_within_s
        self._queue = Outgoing(moments_limit)
        self._new = NewMessages(pbx)
        self._under_way = UnderWay(WINDOW)
        self._log = known or KnownLog(connection, section)
        self._log.checked = False
        self._fences = OutboxFences(fences, section, self._log)
        self._held = False
        self._look_at = self._loop.time() + _LOOK_EVERY_S
        self._trouble = Trouble(self._loop.time)
        self._progress_at = self._loop.time()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._quiet = asyncio.Event()
        self.fenced_off = asyncio.Event()
        self._inbox = connection.client.new_inbox()
        self._subscription: Subscription | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._unlisten = connection.listen(self._on_change)
        self.counters = Counters()

    # --- for the bridge ---------------------------------------------------------------------------

    @property
    def pending_states(self) -> int:
        """How many states wait to be sent."""
        return self._queue.states

    @property
    def pending_moments(self) -> int:
        """How many moments wait to be sent."""
        return self._queue.moments

    @property
    def in_flight(self) -> int:
        """How many messages were sent and are not known to be stored."""
        return len(self._under_way)

    @property
    def stalled(self) -> bool:
        """Whether events wait and none was stored for a while: what the log says is not live then."""
        return self.stalled_s > STALLED_AFTER_S

    @property
    def stalled_s(self) -> float:
        """For how long events wait and none was stored."""
        return 0.0 if self._idle.is_set() else self._loop.time() - self._progress_at

    @property
    def dropped(self) -> int:
        """How many moments were dropped, ever; each is also told by an `eventsLost`."""
        return self._queue.dropped

    async def start(self) -> None:
        """Begin to publish."""
        # No limits: nats-py would drop answers above them; the window bounds how many there can be.
        self._subscription = await self._connection.client.subscribe(
            f"{self._inbox}.*", cb=self._on_answer, pending_msgs_limit=0, pending_bytes_limit=0
        )
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]

    def put(self, event: Event, moment_id: str) -> None:
        """Publish an event as soon as can be; see ``ports.EventPublisher``."""
        try:
            subject = build(subject_of(event))
        except ValueError as error:
            self._refuse(type(event).__name__, str(error))
            self._kept.settled(moment_id)
            return
        if is_state(event):
            self._queue.put_state(subject, event)
        elif (dropped := self._queue.put_moment(subject, event, moment_id, now().wall_ms)) is not None:
            self._kept.settled(dropped)
        if self._idle.is_set():
            self._progress_at = self._loop.time()
        self._idle.clear()
        self._wake.set()

    def tell_lost(self, lost: Lost) -> None:
        """Moments were dropped before they came here."""
        self._queue.count_lost(lost.since, lost.count)
        self._idle.clear()
        self._wake.set()

    async def flushed(self, within_s: float) -> bool:
        """Wait until everything that was put is in the log; false when it is not in time, or never."""
        if self.fenced_off.is_set():
            return False
        return await cancellation.seen(self._idle, within_s) and not self.fenced_off.is_set()

    async def hold(self, within_s: float) -> bool:
        """Send nothing new until `go_on`, and wait for the answers to what is under way; whether all came."""
        self._held = True
        return not self._under_way.unanswered or await cancellation.seen(self._quiet, within_s)

    def go_on(self) -> None:
        """Send again."""
        self._held = False
        self._wake.set()

    async def close(self, flush_within_s: float) -> None:
        """Publish what waits, for so long at most, and stop."""
        await self.flushed(flush_within_s)
        await cancellation.end(self._tasks)
        self._unlisten()
        if self._subscription is not None:
            with contextlib.suppress(errors.Error):
                await self._subscription.unsubscribe()
        if lost := self._queue.take_lost():
            self._kept.count_lost(lost, now())
        left = self._queue.states + self._queue.moments + len(self._under_way)
        if left:
            log.info(
                "stopped with %d events not published: the next to act publishes what the log lacks", left
            )

    # --- the pump ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._publish_what_may_go()
            except Exception:
                log.exception("the outbox failed; going on")
                self._trouble.back_off()

    async def _tick(self) -> None:
        """Wake the pump for what no event tells of: late answers, ended pauses, a mirror that was deleted."""
        while True:
            await asyncio.sleep(_TICK_S)
            if self._loop.time() > self._look_at:
                self._log.checked = False
            if not self._log.checked or self._under_way or not self._idle.is_set():
                self._wake.set()

    async def _publish_what_may_go(self) -> None:
        if not self._connection.connected or self.fenced_off.is_set():
            return
        self._give_up_waiting()
        if self._held or not self._trouble.may_go:
            return
        self._fences.take_down_if_worn()
        if not self._log.checked:
            await self._check_log()
        elif not self._fences.stand:
            await self._put_up_fences()
        elif self._under_way.oldest_unsettled is not None:
            await self._publish_again(self._under_way.oldest_unsettled)
        else:
            await self._publish_waiting()

    async def _publish_waiting(self) -> None:
        under_way = self._under_way
        lost_subject = build(subject_of(EventsLost(pbx=self._pbx, count=0, since=0)))
        if under_way.room and not under_way.is_unanswered(lost_subject) and (lost := self._queue.take_lost()):
            await self._publish_lost(lost_subject, lost)
        while under_way.room and under_way.oldest_unsettled is None and self._may_send_new:
            head = self._queue.head()
            if head is None or under_way.is_unanswered(head.subject):
                break
            self._queue.take()
            payload = wire.encode(head.event)
            reason = unfit(head.subject, payload, self._connection.client.max_payload)
            if reason is None:
                await self._publish(self._new.message(head.subject, payload, head.moment_id))
                continue
            self._refuse(head.subject[:200], reason)
            self._lose(head.moment_id)
        if not under_way and self._queue.head() is None:
            self._idle.set()

    @property
    def _may_send_new(self) -> bool:
        return self._fences.stand and not self._held

    async def _publish_lost(self, subject: str, lost: Lost) -> None:
        """It is a moment too: when this term ends before the log has it, the next one tells it."""
        event = EventsLost(pbx=self._pbx, count=lost.count, since=lost.since)
        name = self._new.name()
        self._kept.keep(event, name, now())
        await self._publish(self._new.message(subject, wire.encode(event), name))

    async def _publish_again(self, message: OutboxMessage) -> None:
        """Alone."""
        if self._under_way.unanswered:
            return
        try:
            stored = await self._log.ends_with(message)
        except BusUnavailableError as error:
            return self._trouble.put_off(error)
        if not self._under_way.is_unsettled(message) or not self._connection.connected:
            return  # settled by a late answer, or away again
        if stored:
            self._settle(message)
        else:
            self.counters.retries += 1
            await self._publish(message)

    async def _publish(self, message: OutboxMessage) -> None:
        self._under_way.send(message, self._loop.time())
        self._quiet.clear()
        try:
            await self._connection.client.publish(
                message.subject,
                message.payload,
                reply=f"{self._inbox}.{message.number}",
                headers=self._fences.headers(message),
            )
        except errors.Error as error:
            self._fail(message, Refusal(description=str(error) or type(error).__name__))

    async def _put_up_fences(self) -> None:
        """They do not stand any more, or are not to be relied on; or another bridge has put up its own."""
        if self._under_way.unanswered:
            return
        try:
            stand = await self._fences.put_up()
        except BusUnavailableError as error:
            return self._trouble.put_off(error)
        self._wake.set()
        if not stand:
            self.fenced_off.set()
            self._idle.set()  # nobody need wait any longer

    async def _check_log(self) -> None:
        """After every connect, and now and then: is the log there, and the one we know?"""
        try:
            anew = await self._log.check()
        except (BusUnavailableError, LogShapeError) as error:
            return self._trouble.put_off(error)
        self._look_at = self._loop.time() + _LOOK_EVERY_S
        self._wake.set()
        if anew:
            log.warning("the log or its mirror was made anew; publishing everything again")
            self._fences.take_down()
            if self._on_new_log is not None:
                self._on_new_log()

    # --- what becomes of a message ----------------------------------------------------------------

    async def _on_answer(self, answer: Msg) -> None:
        message = self._under_way.numbered(int(answer.subject.rpartition(".")[2]))
        if message is None:
            return
        read = read_answer(answer)
        if read.error is None:
            self._log.has(read.seq, message.headers[MESSAGE_ID])
            self._settle(message)
        elif read.error.for_good:
            self._refuse(message.subject, read.error.description)
            self._lose(message.moment_id)
            self._forget(message)
        else:
            again = self._under_way.is_unsettled(message)
            if read.error.fenced_off or (read.error.in_process and again):
                self._fences.take_down()
            if read.error.fenced_off or read.error.no_stream:
                self._log.checked = False  # perhaps another bridge made it anew, without our fences
            self._fail(message, read.error)

    def _settle(self, message: OutboxMessage) -> None:
        self._progress_at = self._loop.time()
        self.counters.published += 1
        self._kept.settled(message.moment_id)
        self._forget(message)

    def _forget(self, message: OutboxMessage) -> None:
        """Nothing more is to be done about it."""
        if self._under_way.forget(message):
            self._trouble.try_now()
            if self._under_way.oldest_unsettled is None:
                self._trouble.is_over()
        if not self._under_way.unanswered:
            self._quiet.set()
        self._wake.set()

    def _fail(self, message: OutboxMessage, refusal: Refusal) -> None:
        again = self._under_way.fail(message)
        if not self._under_way.unanswered:
            self._quiet.set()
        if not refusal.fenced_off:
            self._trouble.say(f"the log does not take events: {refusal.description}")
        if again or not self._trouble.pausing:
            self._trouble.back_off()

    def _lose(self, moment_id: str) -> None:
        if moment_id:
            self._queue.count_lost(now().wall_ms)
            self._kept.settled(moment_id)

    def _give_up_waiting(self) -> None:
        for message in self._under_way.late(self._loop.time() - self._ack_within_s):
            self._fail(message, Refusal(description=f"no answer within {self._ack_within_s:g} s"))

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self._fences.take_down()
            self._under_way.fail_all()
            self._quiet.set()
        self._trouble.try_now()
        self._wake.set()

    def _refuse(self, what: str, reason: str) -> None:
        self.counters.refused += 1
        log.error("cannot publish %s: %s", what, reason)

"""The outbox: events into the log, each once, in order, whatever NATS does.

How it works. ``put`` only queues. A pump takes from the queue and publishes, up to a window of
unanswered messages, **one a subject**: when the next event's subject is still unanswered, everything
waits for that answer, so the log has the order in which the events were put.

A message is *settled* when the log says that it has it. One whose answer is an error, is late, or cannot
come because the connection was lost is *unsettled*. Until none is left nothing new is published, and the
unsettled are published again one at a time, the oldest first, each with the same bytes and the same
``Nats-Msg-Id``. So none is stored twice (the log drops the second), none is stored after its successor
(a socket that a hanging server still has to read may yet deliver the first attempt), and none is lost.
Before it is sent again the log is asked whether its subject ends with that id: then it is settled, even
when the outage was longer than the time for which the log remembers ids.

While NATS is away nothing is handed to the client library; what waits here is bounded (core/outgoing).

Every message is sent under a fence (fences.py). When the log refuses one for its fence, all stops until the
fences have been put up anew; they cannot be when another bridge acts, and then the outbox is at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services import cancellation
from services.ami_bridge.adapters.fences import FENCES, Fences
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.outbox_message import (
    MESSAGE_ID,
    Counters,
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
        self._fences = fences
        self._on_new_log = on_new_log
        self._kept = kept
        self._ack_within_s = ack_within_s
        self._queue = Outgoing(moments_limit)
        # Part of every id, so that none comes again after a restart.
        self._process = secrets.token_hex(6)
        self._numbered = 0
        self._under_way = UnderWay(WINDOW)
        self._log = known or KnownLog(connection, section)
        self._log.checked = False
        self._fences_stand = True
        self._look_at = self._loop.time() + _LOOK_EVERY_S
        self._trouble = Trouble()
        self._progress_at = self._loop.time()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
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
        return not self._idle.is_set() and self._loop.time() - self._progress_at > STALLED_AFTER_S

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
            self._settled(moment_id)
            return
        if is_state(event):
            self._queue.put_state(subject, event)
        elif (dropped := self._queue.put_moment(subject, event, moment_id, now().wall_ms)) is not None:
            self._settled(dropped)
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

    async def close(self, flush_within_s: float) -> None:
        """Publish what waits, for so long at most, and stop."""
        await self.flushed(flush_within_s)
        await cancellation.end(self._tasks)
        self._unlisten()
        if self._subscription is not None:
            with contextlib.suppress(errors.Error):
                await self._subscription.unsubscribe()
        if self._kept is not None and (lost := self._queue.take_lost()):
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
                self._back_off()

    async def _tick(self) -> None:
        """Wake the pump for what no event tells of: late answers, ended pauses, a mirror that was deleted."""
        while True:
            await asyncio.sleep(_TICK_S)
            if self._loop.time() > self._look_at:
                self._log.checked = False
                self._wake.set()
            if self._under_way or not self._idle.is_set():
                self._wake.set()

    async def _publish_what_may_go(self) -> None:
        if not self._connection.connected or self.fenced_off.is_set():
            return
        self._give_up_waiting()
        if not self._trouble.may_go(self._loop.time()):
            return
        if not self._log.checked:
            await self._check_log()
        elif not self._fences_stand:
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
        while under_way.room and under_way.oldest_unsettled is None:
            head = self._queue.head()
            if head is None or under_way.is_unanswered(head.subject):
                break
            self._queue.take()
            payload = wire.encode(head.event)
            reason = unfit(head.subject, payload, self._connection.client.max_payload)
            if reason is None:
                await self._publish_new(head.subject, payload, head.moment_id)
                continue
            self._refuse(head.subject[:200], reason)
            if head.moment_id:
                self._lose(head.moment_id)
        if not under_way and self._queue.head() is None:
            self._idle.set()

    async def _publish_lost(self, subject: str, lost: Lost) -> None:
        """It is a moment too: when this term ends before the log has it, the next one tells it."""
        event = EventsLost(pbx=self._pbx, count=lost.count, since=lost.since)
        name = f"{self._pbx}:{self._process}:lost:{self._numbered}"
        if self._kept is not None:
            self._kept.keep(event, name, now())
        await self._publish_new(subject, wire.encode(event), name)

    async def _publish_new(self, subject: str, payload: bytes, moment_id: str) -> None:
        self._numbered += 1
        name = moment_id or f"{self._pbx}:{self._process}:{self._numbered}"
        await self._publish(OutboxMessage(self._numbered, subject, payload, {MESSAGE_ID: name}, moment_id))

    async def _publish_again(self, message: OutboxMessage) -> None:
        """Alone."""
        if self._under_way.unanswered:
            return
        try:
            stored = await self._log.ends_with(message)
        except BusUnavailableError as error:
            return self._put_off(error)
        if not self._under_way.is_unsettled(message) or not self._connection.connected:
            return  # settled by a late answer, or away again
        if stored:
            self._settle(message)
        else:
            self.counters.retries += 1
            await self._publish(message)

    async def _publish(self, message: OutboxMessage) -> None:
        self._under_way.send(message, self._loop.time())
        fence = self._fences.headers(message.fence) if self._fences else {}
        try:
            await self._connection.client.publish(
                message.subject,
                message.payload,
                reply=f"{self._inbox}.{message.number}",
                headers={**message.headers, **fence},
            )
        except errors.Error as error:
            self._fail(message, Refusal(description=str(error) or type(error).__name__))

    async def _put_up_fences(self) -> None:
        """They are gone: too old for the log, or removed with it; or another bridge has put up its own."""
        if self._under_way.unanswered or self._fences is None:
            return
        try:
            self._fences_stand = await self._fences.put_up()
        except BusUnavailableError as error:
            return self._put_off(error)
        self._wake.set()
        if self._fences_stand:
            log.info("the fences were gone from the log; they are up again")
        else:
            self.fenced_off.set()
            self._idle.set()  # nobody need wait any longer

    async def _check_log(self) -> None:
        """After every connect, and now and then: is the log there, and the one we know?"""
        try:
            anew = await self._log.check()
        except (BusUnavailableError, LogShapeError) as error:
            return self._put_off(error)
        self._look_at = self._loop.time() + _LOOK_EVERY_S
        self._wake.set()
        if anew:
            log.warning("the log or its mirror was made anew; publishing everything again")
            if self._on_new_log is not None:
                self._on_new_log()

    # --- what becomes of a message ----------------------------------------------------------------

    async def _on_answer(self, answer: Msg) -> None:
        message = self._under_way.numbered(int(answer.subject.rpartition(".")[2]))
        if message is None:
            return
        read = read_answer(answer)
        if read.error is None:
            self._log.has(read.seq)
            self._settle(message)
        elif read.error.for_good:
            self._refuse(message.subject, read.error.description)
            if message.moment_id:
                self._lose(message.moment_id)
            self._forget(message)
        else:
            self._log.checked = self._log.checked and not read.error.no_stream
            again = self._under_way.is_unsettled(message)
            if read.error.fenced_off or (read.error.in_process and again):
                self._fences_stand = False
            self._fail(message, read.error)

    def _settle(self, message: OutboxMessage) -> None:
        self._progress_at = self._loop.time()
        self.counters.published += 1
        if message.moment_id:
            self._settled(message.moment_id)
        self._forget(message)

    def _forget(self, message: OutboxMessage) -> None:
        """Nothing more is to be done about it."""
        if self._under_way.forget(message):
            self._trouble.try_now()
            if self._under_way.oldest_unsettled is None:
                self._trouble.is_over()
        self._wake.set()

    def _fail(self, message: OutboxMessage, refusal: Refusal) -> None:
        again = self._under_way.fail(message)
        if not refusal.fenced_off:
            self._trouble.say(f"the log does not take events: {refusal.description}")
        if again or not self._trouble.pausing:
            self._back_off()

    def _settled(self, moment_id: str) -> None:
        if self._kept is not None:
            self._kept.settled(moment_id)

    def _lose(self, moment_id: str) -> None:
        self._queue.count_lost(now().wall_ms)
        self._settled(moment_id)

    def _give_up_waiting(self) -> None:
        for message in self._under_way.late(self._loop.time() - self._ack_within_s):
            self._fail(message, Refusal(description=f"no answer within {self._ack_within_s:g} s"))

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self._log.checked = False
            self._under_way.fail_all()
        self._trouble.try_now()
        self._wake.set()

    def _put_off(self, error: Exception) -> None:
        self._trouble.say(str(error))
        self._back_off()

    def _back_off(self) -> None:
        self._trouble.back_off(self._loop.time())

    def _refuse(self, what: str, reason: str) -> None:
        self.counters.refused += 1
        log.error("cannot publish %s: %s", what, reason)

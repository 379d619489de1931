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
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import NotFoundError

from services import cancellation
from services.ami_bridge.adapters.fences import FENCES, Fences
from services.ami_bridge.adapters.outbox_message import OutboxMessage, Refusal, read_answer
from services.ami_bridge.core.outgoing import Lost, Outgoing
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError, LogShapeError
from services.jetstream.log import LOG, ensure_log
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
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0
# nats-server closes a connection over a longer protocol line (4096 by default, with reply and sizes).
_LONGEST_SUBJECT = 3500
_ID = "Nats-Msg-Id"


@dataclass(slots=True)
class Counters:
    """For metrics; they only grow."""

    published: int = 0
    retries: int = 0
    refused: int = 0


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
        on_settled: Callable[[str], None] | None = None,
        last_sequence: int = 0,
        moments_limit: int = MOMENTS_LIMIT,
        ack_within_s: float = ACK_WITHIN_S,
    ) -> None:
        """
        Args:
            fences: those that were put up; ``None``: no other process can be writing.
            on_new_log: called when the log or its mirror was made anew: all states must be put again.
            on_settled: called with the name of a moment that the log has, or that was counted as lost.
            last_sequence: the highest that the log is known to have had.
        """
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._section = section
        self._pbx = pbx
        self._fences = fences
        self._on_new_log = on_new_log
        self._on_settled = on_settled or _nobody
        self._ack_within_s = ack_within_s
        self._queue = Outgoing(moments_limit)
        # Part of every id, so that none comes again after a restart.
        self._process = secrets.token_hex(6)
        self._numbered = 0
        self._unanswered: dict[str, OutboxMessage] = {}
        self._unsettled: dict[int, OutboxMessage] = {}
        self._open: dict[int, OutboxMessage] = {}
        self._generation: str | None = None
        self.last_sequence = last_sequence
        self._free = deque(range(WINDOW))
        self._fences_stand = True
        self._prepared = False
        self._look_at = self._loop.time() + _LOOK_EVERY_S
        self._pause_s = 0.0
        self._not_before = 0.0
        self._trouble = ""
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
        return len(self._open)

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
        """Publish an event as soon as can be; returns at once.

        Args:
            event: a state or a moment.
            moment_id: of a moment: made from Asterisk's own ids, so that the log drops it when it comes
                twice. ``""`` for a state.
        """
        try:
            subject = build(subject_of(event))
        except ValueError as error:
            self._refuse(type(event).__name__, str(error))
            self._on_settled(moment_id)
            return
        if is_state(event):
            self._queue.put_state(subject, event)
        elif (dropped := self._queue.put_moment(subject, event, moment_id, _now_ms())) is not None:
            self._on_settled(dropped)
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
        left = self._queue.states + self._queue.moments + len(self._open)
        if left:
            log.warning("stopped with %d events not published", left)

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
                self._prepared = False
                self._wake.set()
            if self._open or not self._idle.is_set():
                self._wake.set()

    async def _publish_what_may_go(self) -> None:
        if not self._connection.connected or self.fenced_off.is_set():
            return
        self._give_up_waiting()
        if self._loop.time() < self._not_before:
            return
        if not self._prepared:
            await self._prepare()
        elif not self._fences_stand:
            await self._put_up_fences()
        elif self._unsettled:
            await self._publish_again()
        else:
            await self._publish_waiting()

    async def _publish_waiting(self) -> None:
        lost_subject = build(subject_of(EventsLost(pbx=self._pbx, count=0, since=0)))
        if self._free and lost_subject not in self._unanswered and (lost := self._queue.take_lost()):
            event = EventsLost(pbx=self._pbx, count=lost.count, since=lost.since)
            await self._publish_new(lost_subject, wire.encode(event), "")
        while not self._unsettled and self._free:
            head = self._queue.head()
            if head is None or head.subject in self._unanswered:
                break
            self._queue.take()
            payload = wire.encode(head.event)
            if self._fits(head.subject, payload):
                await self._publish_new(head.subject, payload, head.moment_id)
            elif head.moment_id:
                self._lose(head.moment_id)
        if not self._open and self._queue.head() is None:
            self._idle.set()

    async def _publish_new(self, subject: str, payload: bytes, moment_id: str) -> None:
        self._numbered += 1
        name = moment_id or f"{self._pbx}:{self._process}:{self._numbered}"
        message = OutboxMessage(self._numbered, subject, payload, {_ID: name}, moment_id)
        self._open[message.number] = message
        await self._publish(message)

    async def _publish_again(self) -> None:
        """The oldest of the unsettled, alone."""
        if self._unanswered:
            return
        message = self._unsettled[min(self._unsettled)]
        stored = await self._is_stored(message)
        if stored is None:
            self._back_off()
        elif message.number not in self._unsettled or not self._connection.connected:
            return  # settled by a late answer, or away again
        elif stored:
            self._settle(message)
        else:
            self.counters.retries += 1
            await self._publish(message)

    async def _publish(self, message: OutboxMessage) -> None:
        message.sent_at = self._loop.time()
        message.fence = self._free.popleft()
        self._unanswered[message.subject] = message
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

    async def _is_stored(self, message: OutboxMessage) -> bool | None:
        """Whether its subject ends with it; ``None`` when the log does not say."""
        try:
            request = self._connection.jetstream.get_last_msg(LOG, message.subject)
            last = await self._connection.call(request)
        except NotFoundError:
            return False
        except (errors.Error, TimeoutError) as error:
            self._say(f"the log does not answer: {error}")
            return None
        self.last_sequence = max(self.last_sequence, last.seq or 0)
        return (last.headers or {}).get(_ID) == message.headers[_ID]

    async def _put_up_fences(self) -> None:
        """They are gone: too old for the log, or removed with it; or another bridge has put up its own."""
        if self._unanswered or self._fences is None:
            return
        try:
            self._fences_stand = await self._fences.put_up()
        except BusUnavailableError as error:
            self._say(str(error))
            self._back_off()
            return
        self._wake.set()
        if not self._fences_stand:
            self.fenced_off.set()
            self._idle.set()  # nobody need wait any longer

    async def _prepare(self) -> None:
        """After every connect, and now and then: is the log there, and the one we know?"""
        try:
            found = await ensure_log(self._connection, self._section, last_sequence=self.last_sequence)
        except (BusUnavailableError, LogShapeError) as error:
            self._say(str(error))
            self._back_off()
            return
        known, self._generation = self._generation, found.generation
        self._prepared = True
        self._look_at = self._loop.time() + _LOOK_EVERY_S
        self._wake.set()
        if known is not None and (known != found.generation or found.mirror_made):
            log.warning("the log or its mirror was made anew; publishing everything again")
            self.last_sequence = found.last_sequence
            if self._on_new_log is not None:
                self._on_new_log()

    # --- what becomes of a message ----------------------------------------------------------------

    async def _on_answer(self, answer: Msg) -> None:
        message = self._open.get(int(answer.subject.rpartition(".")[2]))
        if message is None:
            return
        read = read_answer(answer)
        if read.error is None:
            self.last_sequence = max(self.last_sequence, read.seq)
            self._settle(message)
        elif read.error.for_good:
            self._refuse(message.subject, read.error.description)
            if message.moment_id:
                self._lose(message.moment_id)
            self._forget(message)
        else:
            self._prepared = self._prepared and not read.error.no_stream
            again = message.number in self._unsettled
            if read.error.fenced_off or (read.error.in_process and again):
                self._fences_stand = False
            self._fail(message, read.error)

    def _settle(self, message: OutboxMessage) -> None:
        self._progress_at = self._loop.time()
        self.counters.published += 1
        if message.moment_id:
            self._on_settled(message.moment_id)
        self._forget(message)

    def _forget(self, message: OutboxMessage) -> None:
        """Nothing more is to be done about it."""
        self._forget_unanswered(message)
        self._open.pop(message.number, None)
        if self._unsettled.pop(message.number, None) is not None:
            self._pause_s = 0.0
            self._not_before = 0.0
            if not self._unsettled and self._trouble:
                log.info("the log takes events again")
                self._trouble = ""
        self._wake.set()

    def _fail(self, message: OutboxMessage, refusal: Refusal) -> None:
        again = message.number in self._unsettled
        self._forget_unanswered(message)
        self._unsettled[message.number] = message
        self._say(f"the log does not take events: {refusal.description}")
        if again or not self._pause_s:
            self._back_off()

    def _forget_unanswered(self, message: OutboxMessage) -> None:
        if self._unanswered.get(message.subject) is message:
            del self._unanswered[message.subject]
            self._free.append(message.fence)

    def _lose(self, moment_id: str) -> None:
        self._queue.count_lost(_now_ms())
        self._on_settled(moment_id)

    def _give_up_waiting(self) -> None:
        """Late answers. The messages are in the order of their sending."""
        before = self._loop.time() - self._ack_within_s
        first = next(iter(self._unanswered.values()), None)
        if first is None or first.sent_at >= before:
            return
        late = [message for message in self._unanswered.values() if message.sent_at < before]
        for message in late:
            self._fail(message, Refusal(description=f"no answer within {self._ack_within_s:g} s"))

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self._prepared = False
            for message in self._unanswered.values():
                self._unsettled[message.number] = message
                self._free.append(message.fence)
            self._unanswered.clear()
        self._pause_s = 0.0
        self._not_before = 0.0
        self._wake.set()

    def _back_off(self) -> None:
        self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._not_before = self._loop.time() + self._pause_s

    def _fits(self, subject: str, payload: bytes) -> bool:
        """Whether the server would take it; one that it would not must not hold up all others."""
        largest = self._connection.client.max_payload - 512
        if len(payload) > largest:
            self._refuse(subject, f"{len(payload)} bytes; raise max_payload of the NATS server ({largest})")
        elif len(subject) > _LONGEST_SUBJECT:
            self._refuse(subject[:200], "its names are too long for a NATS subject")
        else:
            return True
        return False

    def _refuse(self, what: str, reason: str) -> None:
        self.counters.refused += 1
        log.error("cannot publish %s: %s", what, reason)

    def _say(self, trouble: str) -> None:
        """Say a trouble once, until it is over or another."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning(
                "%s; keeping events and trying again (is the disk full? see `nats stream info %s`)",
                trouble,
                LOG,
            )


def _nobody(_moment_id: str) -> None:
    pass


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

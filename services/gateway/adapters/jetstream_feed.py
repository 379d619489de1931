"""The feed: the mirror as a snapshot, then the log from there on, without a gap and without a duplicate.

How it works. The snapshot is read whole, then handed over at once; X is its highest sequence. The log is
read from X + 1. That is exact wherever the reading of the mirror happens to stop: a state's newest
document is either below X, and then it was in the mirror when the reader came by, or above, and then the
log has it. (Moments between X and the mirror's real end are told as live events before ``caught_up``.
They are: they have their ids, a client that resumes from X needs them, and no client is there yet.)

A consumer that misses anything ends (see PushConsumer); another is made from the place where we stand. A
log that cannot be read on from there - another generation, an end before our place, a beginning behind
it - begins anew with a snapshot.

``stale`` is told once when contact is lost, at once when the connection is; ``fresh`` when it is back and
read to the end. A ``begin`` in between needs no ``fresh``: its ``caught_up`` says it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator

from nats import errors
from nats.aio.msg import Msg

from services import cancellation
from services.gateway.core.log_place import LogPlace, Step
from services.gateway.ports import FeedSink
from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery
from services.jetstream.errors import BusUnavailableError, NatsUnavailableError, ReadInterruptedError
from services.jetstream.log import LOG, STATE, LogInfo, read_log
from services.jetstream.push_consumer import End, PushConsumer
from services.jetstream.reading import read_to_end
from shared.errors import MalformedSubjectError
from shared.subjects import ALIVE_SUBJECTS, pbx_of_alive

log = logging.getLogger("pbxis.feed")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_BEHIND_S = 5.0


class LogFeed:
    """Reads the log for one gateway. ``run`` it."""

    def __init__(self, connection: Connection, sink: FeedSink) -> None:
        self._connection = connection
        self._sink = sink
        self._place = LogPlace()
        self._consumer: PushConsumer | None = None
        self._ready = False
        self._stale = False
        self._behind_since: float | None = None
        self._changed = asyncio.Event()

    @property
    def generation(self) -> str:
        """The generation of the log; ``""`` before there was one."""
        return self._place.generation

    @property
    def last_sequence(self) -> int:
        """The last sequence that the sink has."""
        return self._place.last

    async def run(self) -> None:
        """Feed the sink until cancelled.

        Raises:
            Exception: whatever the sink raised: a bug, and the sink can no longer be trusted.
        """
        unlisten = self._connection.listen(self._on_change)
        try:
            async with self._heartbeats():
                await self._follow_for_ever()
        finally:
            unlisten()

    async def _follow_for_ever(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            cancellation.heed()
            self._changed.clear()
            try:
                end = await self._follow()
            except BusUnavailableError as error:
                self._lose(str(error))
                await self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                continue
            pause = _FIRST_PAUSE_S
            log.info("reading the log again from %d: %s", self._place.last + 1, end.reason)
            if end.contact_lost:
                self._lose(end.reason)
            if not self._connection.connected:
                await self._pause(_LONGEST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        """Cut short by the return of the connection."""
        await cancellation.seen(self._changed, seconds)

    async def _follow(self) -> End:
        """Read the log from where we stand; why it ended."""
        if not self._connection.connected:
            raise NatsUnavailableError(self._connection.url, "not connected")
        found = await read_log(self._connection)
        self._wait_if_behind(found)
        if self._place.must_begin_anew(found.generation, found.first_sequence, found.last_sequence):
            await self._snapshot(found.generation, found.first_sequence)
        consumer = PushConsumer(
            self._connection,
            LOG,
            first_sequence=self._place.last + 1,
            on_message=self._on_message,
            on_idle=self._at_end,
        )
        self._consumer = consumer
        try:
            if await consumer.open() == 0:
                self._at_end()
            return await asyncio.shield(consumer.ended)
        finally:
            await consumer.close()

    def _wait_if_behind(self, found: LogInfo) -> None:
        """Believe that the log lost its end only when it says so for a while.

        Raises:
            ReadInterruptedError: it says so; ask again soon.
        """
        now = asyncio.get_running_loop().time()
        if not self._place.is_behind(found.generation, found.last_sequence):
            self._behind_since = None
            return
        self._behind_since = self._behind_since or now
        if now - self._behind_since < _BEHIND_S:
            reason = f"it ends at {found.last_sequence}, and {self._place.last} was read from it"
            raise ReadInterruptedError(LOG, reason)

    async def _snapshot(self, generation: str, first_sequence: int) -> None:
        documents: list[tuple[str, bytes, int]] = []
        last = await read_to_end(
            self._connection,
            STATE,
            lambda subject, payload, sequence: documents.append((subject, payload, sequence)),
        )
        self._ready = False
        self._place.begin(generation, last, first_sequence)
        self._sink.begin(generation)
        for subject, payload, sequence in documents:
            self._sink.restore(subject, payload, sequence)
        log.info("snapshot of %d documents up to %d, generation %s", len(documents), last, generation)

    def _on_message(self, subject: str, payload: bytes, delivery: Delivery) -> None:
        step = self._place.step(delivery.sequence)
        if step is Step.LOOK:
            if self._consumer is not None:
                reason = f"message {delivery.sequence} follows {self._place.last}"
                self._consumer.end(End(reason, contact_lost=False))
            return
        if step is Step.DELIVER:
            self._sink.deliver(subject, payload, delivery.sequence)
        if delivery.pending == 0:
            self._at_end()

    def _at_end(self) -> None:
        """Everything that the log has was given."""
        if not self._ready:
            self._ready = True
            self._stale = False
            self._sink.caught_up(self._place.last)
        elif self._stale:
            self._stale = False
            self._sink.fresh()

    def _lose(self, reason: str) -> None:
        if not self._stale:
            self._stale = True
            log.warning("figures are not live: %s", reason)
            self._sink.stale(reason)

    def _on_change(self, connected: bool) -> None:
        if connected:
            self._changed.set()
        else:
            self._lose("the connection to NATS was lost")

    @contextlib.asynccontextmanager
    async def _heartbeats(self) -> AsyncGenerator[None]:
        try:
            subscription = await self._connection.client.subscribe(ALIVE_SUBJECTS, cb=self._on_alive)
        except errors.Error as error:
            raise NatsUnavailableError(self._connection.url, error) from error
        try:
            yield
        finally:
            with contextlib.suppress(errors.Error):
                await subscription.unsubscribe()

    async def _on_alive(self, message: Msg) -> None:
        try:
            pbx = pbx_of_alive(message.subject)
        except MalformedSubjectError as error:
            log.warning("%s", error)
            return
        self._sink.alive(pbx)

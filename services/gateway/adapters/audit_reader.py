"""Readers of the audit.

Each has a consumer of its own, and a buffer that a slow client cannot fill: when it is full the consumer
ends, and another begins where the buffer did when that is empty again. The same happens after a loss of
contact, so a reader misses nothing and gets nothing twice. A stream that was made anew is read from its
start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator

from nats import errors
from nats.js import api

from services import cancellation
from services.gateway.errors import BusAwayError
from services.gateway.ports import AuditEntry
from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery
from services.jetstream.errors import BusUnavailableError
from services.jetstream.permissions import AUDIT
from services.jetstream.push_consumer import End, PushConsumer

log = logging.getLogger("pbxis.gateway.audit")

_BUFFER = 500
_PAUSE_S = 0.5


class NatsAuditReader:
    """Fulfils :class:`~services.gateway.ports.AuditReader`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextlib.asynccontextmanager
    async def read(self, after: int | None, newest: int) -> AsyncGenerator[_Reading]:
        """Read what follows a sequence."""
        if not self._connection.connected:
            raise BusAwayError("not connected")
        try:
            state = (await _info(self._connection)).state
        except (errors.Error, TimeoutError) as error:
            raise BusAwayError(str(error) or type(error).__name__) from error
        if after is None or after > state.last_seq:
            after = max(state.last_seq - newest, 0)
        reading = _Reading(self._connection, after)
        task = asyncio.create_task(reading.run())
        try:
            yield reading
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class _Reading:
    def __init__(self, connection: Connection, after: int) -> None:
        self._connection = connection
        self._last = after
        self._buffer: list[AuditEntry] = []
        self._consumer: PushConsumer | None = None
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    async def next(self, within_s: float) -> list[AuditEntry]:
        await cancellation.seen(self._filled, within_s)
        entries, self._buffer = self._buffer, []
        self._filled.clear()
        self._emptied.set()
        return entries

    async def run(self) -> None:
        while True:
            try:
                await self._consume()
            except (errors.Error, TimeoutError, BusUnavailableError) as error:
                log.debug("the audit cannot be read now: %s", error)
                await asyncio.sleep(_PAUSE_S)

    async def _consume(self) -> None:
        if (await _info(self._connection)).state.last_seq < self._last:
            self._last = 0  # made anew
        consumer = PushConsumer(
            self._connection,
            AUDIT,
            first_sequence=self._last + 1,
            on_message=self._take,
            on_idle=lambda: None,
        )
        self._consumer = consumer
        try:
            await consumer.open()
            end = await asyncio.shield(consumer.ended)
            log.debug("reading the audit again from %d: %s", self._last + 1, end.reason)
        finally:
            await consumer.close()
        if len(self._buffer) >= _BUFFER:
            self._emptied.clear()
            await self._emptied.wait()

    def _take(self, _: str, payload: bytes, delivery: Delivery) -> None:
        self._buffer.append(AuditEntry(delivery.sequence, payload))
        self._last = delivery.sequence
        self._filled.set()
        if len(self._buffer) >= _BUFFER and self._consumer is not None:
            self._consumer.end(End("the reader is slow", contact_lost=False))


async def _info(connection: Connection) -> api.StreamInfo:
    if not connection.connected:
        raise errors.ConnectionReconnectingError
    return await connection.call(connection.jetstream.stream_info(AUDIT))

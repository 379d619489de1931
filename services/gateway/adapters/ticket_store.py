"""Tickets and cursors in two key-value buckets of NATS, which the gateways make.

A bucket's time to live is that of a ticket: the server forgets what was not written for so long. So a
ticket in use is written again now and then, and its cursor with it, which may stay where it is for longer:
while the log is silent. A ticket is good on every gateway the moment it is issued, and bad the moment it is
revoked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from services import cancellation
from services.gateway.adapters.kv_bucket import KvBucket, Value
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BusAwayError
from services.gateway.ports import Cursor, StoredTicket
from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery
from services.jetstream.errors import BusUnavailableError
from services.jetstream.permissions import CURSORS, TICKETS
from services.jetstream.push_consumer import PushConsumer

log = logging.getLogger("pbxis.gateway.tickets")

_WATCH_AGAIN_S = 0.25
_MOVES = 5
_LOGGED_CHARACTERS = 8


class _Record(msgspec.Struct, frozen=True):
    """A ticket as stored."""

    ticket: Ticket
    touched_ms: int


_decoder = msgspec.json.Decoder(_Record)


def _record_of(key: str, found: Value | None) -> _Record | None:
    """What is stored; ``None`` also when it cannot be read, for one ticket must not end all."""
    if found is None:
        return None
    try:
        return _decoder.decode(found.data)
    except msgspec.DecodeError as error:
        log.warning("the ticket %s… cannot be read and counts as none: %s", key[:_LOGGED_CHARACTERS], error)
        return None


class NatsTicketStore:
    """Fulfils :class:`~services.gateway.ports.TicketStore`."""

    def __init__(self, connection: Connection, *, ttl_s: int, replicas: int) -> None:
        self._connection = connection
        self._tickets = KvBucket(
            connection, TICKETS, description="pbxis: tickets", ttl_s=ttl_s, replicas=replicas
        )
        self._cursors = KvBucket(
            connection, CURSORS, description="pbxis: where long polls ended", ttl_s=ttl_s, replicas=replicas
        )

    async def create(self, key: str, ticket: Ticket, now_ms: int) -> None:
        """Keep a new ticket."""
        record = msgspec.json.encode(_Record(ticket, now_ms))
        if await self._tickets.create(key, record) is None:
            raise BusAwayError("there is a ticket of this id already")

    async def read(self, key: str) -> StoredTicket | None:
        """The ticket, if there is one."""
        record = _record_of(key, await self._tickets.get(key))
        return None if record is None else StoredTicket(record.ticket, record.touched_ms)

    async def touch(self, key: str, now_ms: int) -> bool:
        """Write both again, which is what prolongs their lives, unless the ticket is gone."""
        found = await self._tickets.get(key)
        record = _record_of(key, found)
        if found is None or record is None:
            return False
        # Ahead of the ticket, so that it never expires first. If it moves meanwhile, that will do.
        cursor = await self._cursors.get(key)
        if cursor is not None:
            await self._cursors.update(key, cursor.data, cursor.revision)
        record = msgspec.structs.replace(record, touched_ms=now_ms)
        written = await self._tickets.update(key, msgspec.json.encode(record), found.revision)
        # Else another gateway touched it first, or it was revoked meanwhile.
        return written or await self._tickets.get(key) is not None

    async def revoke(self, key: str) -> bool:
        """Delete ticket and cursor."""
        if await self._tickets.get(key) is None:
            return False
        await self._tickets.delete(key)
        await self._cursors.delete(key)
        return True

    async def read_cursor(self, key: str) -> Cursor | None:
        """Where the ticket's last long poll ended."""
        found = await self._cursors.get(key)
        return None if found is None else Cursor(found.data.decode("ascii", "replace"), found.revision)

    async def move_cursor(self, key: str, position: str, found: Cursor | None) -> bool:
        """Write it, if it is still where it was, or lost; it may have been touched."""
        at = found
        for _ in range(_MOVES):
            revision = 0 if at is None else at.revision
            if await self._cursors.update(key, position.encode("ascii"), revision):
                return True
            at = await self.read_cursor(key)
            if found is None or (at is not None and at.position != found.position):
                break
        return False

    async def watch(self, revoked: Callable[[str], None], watching: Callable[[], None]) -> None:
        """Make the buckets and tell of revocations, again and again after every loss of contact."""
        while True:
            try:
                await self._watch_once(revoked, watching)
            except (BusAwayError, BusUnavailableError) as error:
                log.debug("cannot watch the tickets: %s", error)
            cancellation.heed()
            await asyncio.sleep(_WATCH_AGAIN_S)

    async def _watch_once(self, revoked: Callable[[str], None], watching: Callable[[], None]) -> None:
        subject = self._tickets.subject

        def on_message(changed: str, payload: bytes, _: Delivery) -> None:
            if not payload:  # only the mark of a deletion has none
                revoked(changed.removeprefix(subject))

        state = (await self._tickets.ensure()).state
        await self._cursors.ensure()
        consumer = PushConsumer(
            self._connection,
            self._tickets.stream,
            first_sequence=state.last_seq + 1,
            on_message=on_message,
            on_idle=lambda: None,
        )
        try:
            await consumer.open()
            cancellation.heed()
            watching()
            end = await consumer.ended
            log.info("the watch of the tickets ended: %s", end.reason)
        finally:
            await consumer.close()

"""Tickets and cursors in two key-value buckets of NATS, which the gateways make.

A bucket's time to live is that of a ticket: the server forgets what was not written for so long. A ticket
is good on every gateway the moment it is issued, and bad the moment it is revoked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from services import cancellation
from services.gateway.adapters.kv_bucket import KvBucket
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


class _Record(msgspec.Struct, frozen=True):
    """A ticket as stored."""

    ticket: Ticket
    touched_ms: int


_decoder = msgspec.json.Decoder(_Record)


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
        found = await self._tickets.get(key)
        if found is None:
            return None
        record = _decoder.decode(found[0])
        return StoredTicket(record.ticket, record.touched_ms)

    async def touch(self, key: str, now_ms: int) -> bool:
        """Write it again, which is what prolongs its life, unless it is gone."""
        found = await self._tickets.get(key)
        if found is None:
            return False
        record = msgspec.structs.replace(_decoder.decode(found[0]), touched_ms=now_ms)
        written = await self._tickets.update(key, msgspec.json.encode(record), found[1])
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
        return None if found is None else Cursor(found[0].decode("ascii"), found[1])

    async def move_cursor(self, key: str, position: str, revision: int) -> bool:
        """Write it, if it is still where it was."""
        return await self._cursors.update(key, position.encode("ascii"), revision)

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

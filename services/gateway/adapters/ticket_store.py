"""Tickets and cursors in two key-value buckets of NATS, which the gateways make.

A bucket's time to live is that of a ticket: the server forgets what was not written for so long. Reads go
to the stream's leader, never to a replica that may lag: a ticket is good on every gateway the moment it
is issued, and bad the moment it is revoked. Files, not memory: revisions must not start again after a
crash of the server, or an old cursor could be moved.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from nats import errors
from nats.js import api
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from services.gateway.core.tickets import Ticket
from services.gateway.errors import BusAwayError
from services.gateway.ports import Cursor, StoredTicket
from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery
from services.jetstream.errors import BusUnavailableError
from services.jetstream.permissions import CURSORS, TICKETS
from services.jetstream.push_consumer import PushConsumer

log = logging.getLogger("pbxis.gateway.tickets")

_WITHIN_S = 2.0
_WATCH_AGAIN_S = 0.25
_NAME_IN_USE = 10058
_DUPLICATE_WINDOW_S = 120.0

T = TypeVar("T")


class _Record(msgspec.Struct, frozen=True):
    """A ticket as stored."""

    ticket: Ticket
    touched_ms: int


_decoder = msgspec.json.Decoder(_Record)


class NatsTicketStore:
    """Fulfils :class:`~services.gateway.ports.TicketStore`."""

    def __init__(self, connection: Connection, *, ttl_s: int, replicas: int) -> None:
        self._connection = connection
        self._ttl_s = ttl_s
        self._replicas = replicas
        self._tickets = self._bucket(TICKETS)
        self._cursors = self._bucket(CURSORS)

    async def create(self, key: str, ticket: Ticket, now_ms: int) -> None:
        """Keep a new ticket."""
        record = msgspec.json.encode(_Record(ticket, now_ms))
        await self._ask(lambda: self._tickets.create(key, record))

    async def read(self, key: str) -> StoredTicket | None:
        """The ticket, if there is one."""
        found = await self._get(self._tickets, key)
        if found is None:
            return None
        record = _decoder.decode(found[0])
        return StoredTicket(record.ticket, record.touched_ms)

    async def touch(self, key: str, now_ms: int) -> bool:
        """Write it again, which is what prolongs its life, unless it is gone."""
        found = await self._get(self._tickets, key)
        if found is None:
            return False
        record = msgspec.structs.replace(_decoder.decode(found[0]), touched_ms=now_ms)
        written = await self._update(self._tickets, key, msgspec.json.encode(record), found[1])
        # Else another gateway touched it first, or it was revoked meanwhile.
        return written or await self._get(self._tickets, key) is not None

    async def revoke(self, key: str) -> bool:
        """Delete ticket and cursor."""
        if await self._get(self._tickets, key) is None:
            return False
        await self._ask(lambda: self._tickets.delete(key))
        await self._ask(lambda: self._cursors.delete(key))
        return True

    async def read_cursor(self, key: str) -> Cursor | None:
        """Where the ticket's last long poll ended."""
        found = await self._get(self._cursors, key)
        return None if found is None else Cursor(found[0].decode("ascii"), found[1])

    async def move_cursor(self, key: str, position: str, revision: int) -> bool:
        """Write it, if it is still where it was."""
        return await self._update(self._cursors, key, position.encode("ascii"), revision)

    async def watch(self, revoked: Callable[[str], None], watching: Callable[[], None]) -> None:
        """Make the buckets and tell of revocations, again and again after every loss of contact."""
        while True:
            try:
                await self._watch_once(revoked, watching)
            except (BusAwayError, BusUnavailableError) as error:
                log.debug("cannot watch the tickets: %s", error)
            _heed_cancellation()
            await asyncio.sleep(_WATCH_AGAIN_S)

    async def _watch_once(self, revoked: Callable[[str], None], watching: Callable[[], None]) -> None:
        subject = f"$KV.{TICKETS}."

        def on_message(changed: str, payload: bytes, _: Delivery) -> None:
            if not payload:  # only the mark of a deletion has none
                revoked(changed.removeprefix(subject))

        state = (await self._ensure(TICKETS)).state
        await self._ensure(CURSORS)
        consumer = PushConsumer(
            self._connection,
            f"KV_{TICKETS}",
            first_sequence=state.last_seq + 1,
            on_message=on_message,
            on_idle=lambda: None,
        )
        try:
            await consumer.open()
            _heed_cancellation()
            watching()
            end = await consumer.ended
            log.info("the watch of the tickets ended: %s", end.reason)
        finally:
            await consumer.close()

    def _bucket(self, name: str) -> KeyValue:
        js = self._connection.client.jetstream(timeout=_WITHIN_S)
        return KeyValue(name=name, stream=f"KV_{name}", pre=f"$KV.{name}.", js=js, direct=False)

    async def _ensure(self, name: str) -> api.StreamInfo:
        """Make a bucket, or bring it in line with the configuration."""
        js = self._connection.jetstream
        wanted = self._config(name)
        try:
            found = await self._ask(lambda: js.stream_info(f"KV_{name}"))
        except _MissingError:
            try:
                return await self._ask(lambda: js.add_stream(wanted))
            except _RefusedError as error:
                if error.api_code != _NAME_IN_USE:
                    raise
            found = await self._ask(lambda: js.stream_info(f"KV_{name}"))  # another gateway was faster
        if found.config.max_age != wanted.max_age or found.config.num_replicas != wanted.num_replicas:
            found = await self._ask(lambda: js.update_stream(wanted))
        return found

    def _config(self, name: str) -> api.StreamConfig:
        return api.StreamConfig(
            name=f"KV_{name}",
            description="pbxis: tickets" if name == TICKETS else "pbxis: where long polls ended",
            subjects=[f"$KV.{name}.>"],
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            max_msgs_per_subject=1,
            max_age=float(self._ttl_s),
            duplicate_window=min(_DUPLICATE_WINDOW_S, float(self._ttl_s)),
            num_replicas=self._replicas,
            allow_rollup_hdrs=True,
            allow_direct=False,
            deny_delete=True,
        )

    async def _get(self, bucket: KeyValue, key: str) -> tuple[bytes, int] | None:
        try:
            entry = await self._ask(lambda: bucket.get(key))
        except _MissingError:
            return None
        return entry.value or b"", entry.revision or 0

    async def _update(self, bucket: KeyValue, key: str, value: bytes, revision: int) -> bool:
        try:
            await self._ask(lambda: bucket.update(key, value, last=revision))
        except _MovedError:
            return False
        return True

    async def _ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """Await an answer, with what can go wrong in our terms.

        Raises:
            BusAwayError: no server, no answer, or a refusal.
        """
        if not self._connection.connected:
            raise BusAwayError("not connected")
        try:
            return await request()
        except KeyWrongLastSequenceError as error:
            raise _MovedError(str(error)) from error
        except (KeyNotFoundError, NotFoundError) as error:
            raise _MissingError(str(error)) from error
        except APIError as error:
            raise _RefusedError(str(error.description), error.err_code) from error
        except (errors.Error, TimeoutError) as error:
            raise BusAwayError(str(error) or type(error).__name__) from error


def _heed_cancellation() -> None:
    """nats-py swallows a cancellation that comes while it flushes; the task remembers that there was one."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _MissingError(BusAwayError):
    """The key or the stream is not there."""


class _MovedError(BusAwayError):
    """The key has another revision."""


class _RefusedError(BusAwayError):
    """JetStream refuses."""

    def __init__(self, reason: str, code: int | None) -> None:
        self.api_code = code
        super().__init__(reason)

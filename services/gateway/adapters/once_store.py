"""Idempotency keys in a key-value bucket of NATS, shared by all gateways.

A key is taken by creating it, so of many gateways that try at once one has it. It then says *running* until
the same gateway writes how it ended; a gateway that is killed in between leaves it running, which after
``give_up_ms`` means that its end will never be known. Whatever could not be written because NATS was away
is written when it is back: an end that is known must not stay unknown, and a key of a request that was
never sent must be free again. Several attempts may wait for one key; each writes what is its own.

A key that was asked for in vain (no answer came) may still be taken, for the question may be on its way in a
connection that is lost or a server that is stopped. Giving it back leaves a mark at the key, by which such
a question fails however late it arrives.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from services import cancellation
from services.gateway.adapters.kv_bucket import KvBucket, NotConnectedError
from services.gateway.errors import BusAwayError, KeyReusedError
from services.gateway.ports import Running, Settled
from services.jetstream.connection import Connection
from services.jetstream.permissions import ACTIONS
from shared.commands import Outcome

log = logging.getLogger("pbxis.gateway.actions")

KEPT_S = 24 * 60 * 60
LATER_LIMIT = 1000
_TRIES = 5
_RESTLESS = "the idempotency key is taken and given back all the time"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0

Write = Callable[[], Coroutine[Any, Any, None]]


class _Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored. Without an ``outcome`` it is running."""

    fingerprint: str
    command_id: str
    give_up_ms: int
    outcome: Outcome | None = None


_decoder = msgspec.json.Decoder(_Record)


class NatsOnceStore:
    """Fulfils :class:`~services.gateway.ports.OnceStore`. ``run`` it."""

    def __init__(self, connection: Connection, *, replicas: int) -> None:
        self._connection = connection
        self._bucket = KvBucket(
            connection, ACTIONS, description="pbxis: idempotency keys", ttl_s=KEPT_S, replicas=replicas
        )
        self._made = False
        self._later: OrderedDict[tuple[str, str], Write] = OrderedDict()
        self._wake = asyncio.Event()

    @property
    def not_ready(self) -> list[str]:
        """Why idempotency keys cannot be used; empty when they can."""
        return [] if self._made else ["the idempotency keys in NATS cannot be read yet"]

    @property
    def later(self) -> int:
        """How many writes wait for NATS."""
        return len(self._later)

    async def run(self) -> None:
        """Make the bucket, also anew after it was lost, and write what waits, until cancelled."""
        unlisten = self._connection.listen(self._on_change)
        pause_s = _FIRST_PAUSE_S
        try:
            while True:
                cancellation.heed()
                self._wake.clear()
                try:
                    await self._bucket.ensure()
                    self._made = True
                    await self._catch_up()
                except BusAwayError as error:
                    log.debug("idempotency keys have to wait: %s", error.reason)
                    await cancellation.seen(self._wake, pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                    continue
                pause_s = _FIRST_PAUSE_S
                await self._wake.wait()
        finally:
            unlisten()

    async def begin(
        self, key: str, fingerprint: str, command_id: str, give_up_ms: int
    ) -> int | Running | Settled:
        """Take the key."""
        mine = msgspec.json.encode(_Record(fingerprint, command_id, give_up_ms))
        try:
            for _ in range(_TRIES):
                revision = await self._bucket.create(key, mine)
                if revision is not None:
                    return revision
                found = await self._read(key)
                if found is None:
                    continue  # given back just now
                if found.fingerprint != fingerprint:
                    raise KeyReusedError
                return _state(found)
        except NotConnectedError:
            raise
        except BusAwayError:
            self._write_later((key, command_id), lambda: self._release(key, command_id))
            raise
        raise BusAwayError(_RESTLESS)

    async def settle(self, key: str, revision: int, fingerprint: str, settled: Settled) -> None:
        """Keep how it ended."""
        record = msgspec.json.encode(_Record(fingerprint, settled.command_id, 0, settled.outcome))

        async def write() -> None:
            await self._bucket.update(key, record, revision)

        await self._write((key, settled.command_id), write)

    async def release(self, key: str, command_id: str) -> None:
        """Give the key back."""
        await self._write((key, command_id), lambda: self._release(key, command_id))

    async def look(self, key: str) -> Running | Settled | None:
        """How far it has come."""
        found = await self._read(key)
        return None if found is None else _state(found)

    async def _release(self, key: str, command_id: str) -> None:
        for _ in range(_TRIES):
            value = await self._bucket.get(key)
            if value is None:
                if await self._bucket.bar(key):
                    return
                continue
            found = _decoder.decode(value.data)
            if found.command_id != command_id or found.outcome is not None:
                return  # whatever is still on its way finds this here, and fails
            if await self._bucket.delete(key, value.revision):
                return
        raise BusAwayError(_RESTLESS)

    async def _read(self, key: str) -> _Record | None:
        value = await self._bucket.get(key)
        return None if value is None else _decoder.decode(value.data)

    async def _write(self, attempt: tuple[str, str], write: Write) -> None:
        try:
            await write()
        except BusAwayError:
            self._write_later(attempt, write)

    def _write_later(self, attempt: tuple[str, str], write: Write) -> None:
        """``attempt``: the key and the command's id. Another attempt with the key has its own to write."""
        self._later[attempt] = write
        if len(self._later) > LATER_LIMIT:
            self._later.popitem(last=False)
            log.warning("NATS is away for too long: an idempotency key stays without a known end")
        self._wake.set()

    async def _catch_up(self) -> None:
        while self._later:
            attempt, write = next(iter(self._later.items()))
            await write()
            if self._later.get(attempt) is write:
                del self._later[attempt]

    def _on_change(self, connected: bool) -> None:
        if connected:
            self._wake.set()


def _state(record: _Record) -> Running | Settled:
    if record.outcome is None:
        return Running(record.command_id, record.give_up_ms)
    return Settled(record.command_id, record.outcome)

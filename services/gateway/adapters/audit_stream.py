"""The audit: a stream of its own, which the gateways make, write and read.

How it is written. A beginning is published at once, without waiting for an answer, on the connection that
takes the command after it. An end waits in a queue until the stream says that it has it; it holds all that
the beginning had, so nothing is missing when that was lost. Each has its own ``Nats-Msg-Id``: what is sent
again after a doubtful time is stored once. While NATS is away the queue is bounded: the oldest go, and
the log, which has every end anyway, says how many.

To change what is kept: ``max_age`` is ``gateway.audit_max_age_s``; records are never deleted otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

import msgspec
from nats import errors
from nats.js import api

from services import cancellation
from services.gateway.adapters.replies import NoAnswerError, NobodyThereError, NotSentError, Replies
from services.jetstream.connection import Connection
from services.jetstream.permissions import AUDIT
from services.jetstream.streams import ensure_stream
from shared import subjects
from shared.audit import AuditRecord, encode
from shared.subjects import AUDIT_SUBJECTS

log = logging.getLogger("pbxis.gateway.audit")
records = logging.getLogger("pbxis.audit")

QUEUE_LIMIT = 10_000
WINDOW = 64
_ACK_WITHIN_S = 5.0
_GATHER_S = 0.1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_ID = "Nats-Msg-Id"


class _Refusal(msgspec.Struct):
    code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    seq: int = 0
    error: _Refusal | None = None


_decoder = msgspec.json.Decoder(_Answer)


class _Message(NamedTuple):
    """A record on its way."""

    subject: str
    payload: bytes
    headers: dict[str, str]


class _NotStoredError(Exception):
    """The stream did not take a record; it is to be sent again."""


class AuditStream:
    """Fulfils :class:`~services.gateway.ports.AuditLog`. ``run`` it."""

    def __init__(
        self,
        connection: Connection,
        *,
        max_age_s: int,
        replicas: int,
        limit: int = QUEUE_LIMIT,
        ack_within_s: float = _ACK_WITHIN_S,
    ) -> None:
        self._connection = connection
        self._max_age_s = max_age_s
        self._replicas = replicas
        self._limit = limit
        self._ack_within_s = ack_within_s
        self._replies = Replies(connection)
        self._queue: OrderedDict[int, _Message] = OrderedDict()
        self._written = 0
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._made = False
        self._dropping = 0
        self.dropped = 0
        """How many records were dropped, ever."""

    @property
    def waiting(self) -> int:
        """How many records are not stored yet."""
        return len(self._queue)

    @property
    def not_ready(self) -> list[str]:
        """Why nothing could be written down; empty when it can."""
        return [] if self._made else ["the audit stream in NATS has not been made yet"]

    async def begin(self, record: AuditRecord) -> None:
        """Send the record of a beginning."""
        if self._connection.connected:
            with contextlib.suppress(errors.Error):
                await self._connection.client.publish(subjects.audit(record.pbx), encode(record))

    def write(self, record: AuditRecord) -> None:
        """Take the record of an end: into the log now, into the stream as soon as NATS takes it."""
        message = _Message(subjects.audit(record.pbx), encode(record), _headers(record))
        records.info("%s", message.payload.decode())
        self._written += 1
        self._queue[self._written] = message
        if len(self._queue) > self._limit:
            self._queue.popitem(last=False)
            self._drop()
        self._idle.clear()
        self._wake.set()
        if len(self._queue) >= WINDOW:
            self._hurry.set()

    async def flush(self, within_s: float) -> None:
        """Until all that was written is stored, at most that long."""
        self._hurry.set()
        await cancellation.seen(self._idle, within_s)
        if self._queue:
            log.warning("stopped with %d audit records not stored; the log has them", len(self._queue))

    async def run(self) -> None:
        """Make the stream and store what is written, until cancelled."""
        unlisten = self._connection.listen(self._on_change)
        pause_s = _FIRST_PAUSE_S
        try:
            while True:
                cancellation.heed()
                self._wake.clear()
                try:
                    if not self._made:
                        await self._ensure()
                    await self._store_all()
                except _NotStoredError as error:
                    log.debug("audit records have to wait: %s", error)
                    await self._pause(pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                    continue
                pause_s = _FIRST_PAUSE_S
                await self._wake.wait()
                await self._gather()
        finally:
            unlisten()
            await self._replies.close()

    async def _gather(self) -> None:
        """Let some more come: a write of its own for each record costs a fifth of the action itself."""
        await cancellation.seen(self._hurry, _GATHER_S)
        self._hurry.clear()

    async def _store_all(self) -> None:
        while self._queue:
            batch = list(islice(self._queue.items(), WINDOW))
            answers: list[asyncio.Future[bytes]] = []
            try:
                for _, message in batch:
                    answers.append(await self._replies.send(*message))
                await asyncio.wait(answers, timeout=self._ack_within_s)
                for (number, _), answer in zip(batch, answers, strict=True):
                    self._check(answer)
                    self._queue.pop(number, None)  # it may have been dropped meanwhile
            except NotSentError as error:
                raise _NotStoredError(str(error)) from error
            finally:
                for answer in answers:
                    if not answer.cancel():
                        answer.exception()  # seen, or asyncio would complain that nobody did
            self._tell_dropped()
        self._idle.set()

    def _check(self, answer: asyncio.Future[bytes]) -> None:
        """Whether a record is stored."""
        if not answer.done():
            raise _NotStoredError(f"no answer within {self._ack_within_s:g} s")
        try:
            said = _decoder.decode(answer.result())
        except NobodyThereError as error:
            self._made = False
            raise _NotStoredError("no stream takes it") from error
        except (NoAnswerError, msgspec.DecodeError) as error:
            raise _NotStoredError(str(error)) from error
        if said.error is not None or said.seq == 0:
            raise _NotStoredError(f"the stream refuses: {said.error}")

    async def _ensure(self) -> None:
        """Make the stream, or bring it in line with the configuration."""
        if not self._connection.connected:
            raise _NotStoredError("not connected")
        try:
            await self._connection.call(ensure_stream(self._connection.jetstream, self._config()))
        except (errors.Error, TimeoutError) as error:
            raise _NotStoredError(str(error) or type(error).__name__) from error
        self._made = True

    def _config(self) -> api.StreamConfig:
        return api.StreamConfig(
            name=AUDIT,
            description="pbxis: who did what",
            subjects=[AUDIT_SUBJECTS],
            storage=api.StorageType.FILE,
            max_age=float(self._max_age_s),
            num_replicas=self._replicas,
            deny_delete=True,
        )

    def _drop(self) -> None:
        self.dropped += 1
        if not self._dropping:
            log.warning("NATS is away for too long: the oldest audit records are in this log alone")
        self._dropping += 1

    def _tell_dropped(self) -> None:
        if self._dropping:
            log.warning("%d audit records were not stored in the stream; the log has them", self._dropping)
            self._dropping = 0

    async def _pause(self, seconds: float) -> None:
        """Cut short by whatever happens."""
        await cancellation.seen(self._wake, seconds)

    def _on_change(self, connected: bool) -> None:
        if connected:
            self._made = False  # perhaps another server, or one that forgot
            self._wake.set()


def _headers(record: AuditRecord) -> dict[str, str]:
    return {_ID: f"{record.id}.{record.phase}"}

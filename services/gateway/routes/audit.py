"""`GET /audit`: who did what, as server-sent events, for admins.

A plain ASGI handler, as the transports are, for it goes on for hours. It ends when its key is revoked or the
gateway stops, and goes on elsewhere behind `Last-Event-ID`. A key for some PBXs reads the records of those
alone: none of what is about no PBX, such as a stop or a request that was refused before one was chosen.
"""

from __future__ import annotations

import asyncio
import logging
import re

from services.gateway.core.parameters import Parameters
from services.gateway.core.principal import OPEN, Principal
from services.gateway.core.request_input import read_query
from services.gateway.errors import BadParameterError, MethodNotAllowedError, TooManyRequestsError
from services.gateway.guard import admit, caller_of
from services.gateway.key_ring import KeyRing
from services.gateway.ports import AuditEntry, AuditReader, AuditReading
from services.gateway.routes.streams import STREAM_HEADERS, AsgiScope, Receive, Send, until_gone
from services.gateway.settings import Settings
from shared import audit

log = logging.getLogger("pbxis.gateway.audit")

PATH = "/audit"
MAX_READERS = 10
NEWEST = 100
SEQUENCE_PATTERN = r"[0-9]{1,18}"

_SEQUENCE = re.compile(SEQUENCE_PATTERN)
_LOOK_EVERY_S = 1.0
_WRITE_WITHIN_S = 30.0
_PRELUDE = b"retry: 1000\n\n"
_PING = b": ping\n\n"
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream; charset=utf-8"), *STREAM_HEADERS],
}


class Audit:
    """The readers of one gateway."""

    def __init__(self, settings: Settings, ring: KeyRing, reader: AuditReader) -> None:
        self._settings = settings
        self._ring = ring
        self._reader = reader
        self._reading = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all readers."""
        self._stopping.set()

    async def handle(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            GatewayError: it is refused; nothing has been sent.
        """
        if scope["method"] != "GET":
            raise MethodNotAllowedError("GET")
        caller = caller_of(scope["headers"], scope.get("client"))
        principal = admit(self._settings, self._ring, caller, "admin")
        after = _after(scope, caller.values("last-event-id"))
        if self._reading >= MAX_READERS:
            raise TooManyRequestsError(f"{MAX_READERS} programs read this gateway's audit already")
        self._reading += 1
        try:
            async with self._reader.read(after, NEWEST) as reading:
                await send(_START)
                await self._serve(reading, principal, receive, send)
        finally:
            self._reading -= 1

    async def _serve(self, reading: AuditReading, principal: Principal, receive: Receive, send: Send) -> None:
        writer = asyncio.create_task(self._write_all(reading, principal, send))
        gone = asyncio.create_task(until_gone(receive))
        stop = asyncio.create_task(self._stopping.wait())
        tasks = (writer, gone, stop)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(ended[0], TimeoutError):
            return  # the client does not read, so it would not read an end either
        if isinstance(ended[0], Exception):
            raise ended[0]
        if not isinstance(ended[1], asyncio.CancelledError):
            return
        async with asyncio.timeout(_LOOK_EVERY_S):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_all(self, reading: AuditReading, principal: Principal, send: Send) -> None:
        """Until the key may no longer read it."""
        loop = asyncio.get_running_loop()
        await _write(send, _PRELUDE)
        written_at = loop.time()
        while self._now(principal) is not None:
            entries = await reading.next(_LOOK_EVERY_S)
            reader = self._now(principal)  # it may see less than it did when this was asked for
            if reader is None:
                return
            frames = b"".join(_frame(entry, reader) for entry in entries)
            if frames or loop.time() - written_at >= self._settings.ping_interval_s:
                await _write(send, frames or _PING)
                written_at = loop.time()

    def _now(self, principal: Principal) -> Principal | None:
        """The reader as the keys are now; ``None`` when he may read nothing more."""
        if principal is OPEN:
            return principal
        found = self._ring.principal(principal.id)
        return found if found is not None and found.has("admin") else None


def _after(scope: AsgiScope, last_event_ids: list[str]) -> int | None:
    parameters = Parameters(read_query(scope["query_string"]), {}, ("after",))
    text = parameters.text("after")
    name = "after"
    if text is None and last_event_ids:
        name, text = "Last-Event-ID", last_event_ids[0]
    if not text:
        return None
    if not _SEQUENCE.fullmatch(text):
        raise BadParameterError(name, "it must be the id of a record: a whole number")
    return int(text)


def _frame(entry: AuditEntry, reader: Principal) -> bytes:
    """The record as an event; empty when it is none, or not for this reader."""
    try:
        record = audit.decode(entry.record)
    except audit.MalformedRecordError as error:
        log.warning("record %d is left out: %s", entry.sequence, error)
        return b""
    if reader.pbxs is not None and record.pbx not in reader.pbxs:
        return b""
    data = audit.encode(record)  # in one line, whoever wrote it
    return b"event: audit\ndata: %s\nid: %d\n\n" % (data, entry.sequence)


async def _write(send: Send, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_WITHIN_S):
        await send({"type": "http.response.body", "body": data, "more_body": True})

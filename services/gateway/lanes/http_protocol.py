"""uvicorn's HTTP/1.1, with bounds: on bytes, on time, and on what is pipelined.

uvicorn tells only the newest request of a connection that the client has gone, stops reading (and so stops
seeing whether it has) while a request waits behind another, and keeps heads of any size. Here every request
is told, reading never stops for good, and what goes beyond the bounds ends the connection. Nothing is ever
written into the answer to another request.

This rests on uvicorn's insides, as ``uvicorn_protocols.py`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.gateway.errors import BadRequestError, GatewayError, RequestTimeoutError, problem
from services.gateway.lanes.deadlines import Wait, What, flush, unsent
from services.gateway.lanes.head_meter import HeadMeter
from services.gateway.lanes.untaken import untaken

MOST_PIPELINED = 16
"""So many requests may wait behind the one that is being answered."""


class HttpProtocol(HttpToolsProtocol):
    """One connection: one request after the other."""

    def __init__(self, *, too_slow: Callable[[], None], **inside: Any) -> None:
        """``too_slow`` is called when the connection is ended because its client does not read."""
        super().__init__(**inside)
        self._too_slow = too_slow
        self._meter = HeadMeter()
        self._heads = 0
        self._answers = 0
        self._in_head = False
        self._running: RequestResponseCycle | None = None

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        """Read."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        try:
            self._meter.read(len(data))
        except GatewayError as error:
            self._refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: nobody waits for any answer."""
        super().connection_lost(exc)
        self.pipeline.clear()
        self._tell_that_nobody_waits()

    # What the parser calls. An error ends its work; then it is `send_400_response` that is called.

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._meter.begin()
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """A part of its address."""
        self._meter.address(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field; those behind the body are not the request's (RFC 9110 section 6.5.1)."""
        self._meter.field(name, value)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """It can be begun, or waits for its turn."""
        self._in_head = False
        self._heads += 1
        super().on_headers_complete()
        if len(self.pipeline) > MOST_PIPELINED:
            raise BadRequestError
        if self.pipeline:
            self.flow.resume_reading()  # or nobody would see the client leave

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._meter.body()
        super().on_body(body)
        if self.cycle is not self._running and len(self.cycle.body) > HIGH_WATER_LIMIT:
            raise BadRequestError

    def send_400_response(self, msg: str) -> None:
        """The parser has given up."""
        self._refuse(self._meter.wrong or BadRequestError())

    def handle_websocket_upgrade(self) -> None:
        """The connection becomes a WebSocket, unless something else is still being answered on it."""
        if self._busy:
            self.transport.abort()
        else:
            super().handle_websocket_upgrade()

    # What uvicorn calls.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        self._answers += 1
        super()._start_asgi_task(cycle, app)

    # Deadlines.

    def waits_for(self) -> Wait | None:
        """See :class:`~services.gateway.lanes.deadlines.Waiting`."""
        if self.transport.is_closing():
            return self._flush()
        running = self._running
        if self._in_head or running is None or running.response_complete:
            return Wait("head", self._heads)
        if running.response_started and running.chunked_encoding:
            return None  # a stream
        if running.more_body and not running.response_started:
            return Wait("body", self._heads)
        # A pipelined one waits for the client to take the answers before it, until its own is written.
        return self._flush() if self.flow.write_paused else None

    def overdue(self, what: What) -> None:
        """See :class:`~services.gateway.lanes.deadlines.Waiting`."""
        if what == "flush":
            if unsent(self.transport):
                self._too_slow()
            self.transport.abort()
            return
        if what == "body":
            self._tell_that_nobody_waits()
        if what == "body" or self._in_head:
            self._refuse(RequestTimeoutError(what))
        else:
            self.transport.close()

    # Inside.

    def _flush(self) -> Wait:
        return flush(untaken(self.transport), self._answers)

    @property
    def _busy(self) -> bool:
        """Whether an answer is due or has begun."""
        running = self._running
        return running is not None and not running.response_complete and not running.disconnected

    def _tell_that_nobody_waits(self) -> None:
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()

    def _refuse(self, error: GatewayError) -> None:
        """Answer and close; or cut the connection, in the midst of another answer."""
        if self._busy:
            self.transport.abort()
            return
        status, headers, body = problem(error)
        fields = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        fields += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % field for field in (*self.server_state.default_headers, *fields)]
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        self.transport.close()

"""The outermost layer: headers of every answer, other origins' pages, and which handler takes a request.

The three transports and the audit are handled here, in front of Litestar: they last for hours, and what it
would wrap around them (its own exception handling, its request objects) would cost on each of its writes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.gateway.errors import (
    GatewayError,
    InternalError,
    MethodNotAllowedError,
    UpgradeRequiredError,
    problem,
)
from services.gateway.guard import caller_of, configured_origin
from services.gateway.routes import audit, long_poll, sse, websocket
from services.gateway.routes.requests import COMMAND_ID
from services.gateway.routes.streams import AsgiScope, Receive, Send, Streams

log = logging.getLogger("pbxis.gateway")

AsgiApp = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; frame-ancestors 'self'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",  # a ticket is part of an address
    "x-content-type-options": "nosniff",
}
_PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "access-control-max-age": "600",
}
_STREAM = re.compile(r"/(?!(?:redirect-to|ticket)/)([^/]+)/(long-poll|sse|websocket)")
_HTTP_STREAMS = {"long-poll": long_poll.handle, "sse": sse.handle}


class Edge:
    """The ASGI application: the transports, and ``inner`` for the rest."""

    def __init__(self, inner: AsgiApp, streams: Streams, readers: audit.Audit) -> None:
        self._inner = inner
        self._streams = streams
        self._readers = readers
        vary = {"vary": "Origin"} if streams.settings.origins else {}
        self._headers = _encode({**SECURITY_HEADERS, **vary})

    def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one ASGI connection.

        What is awaited for hours is kept short, here and below: each coroutine in between takes memory for
        each client.
        """
        if scope["type"] == "lifespan":
            return self._inner(scope, receive, send)
        if scope["type"] == "websocket":
            return self._websocket(scope, receive, send)
        return self._http(scope, receive, _Answer(send, self._extra_headers(scope)))

    async def _websocket(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        stream = _STREAM.fullmatch(scope["path"])
        if stream is None or stream[2] != "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await websocket.handle(self._streams, scope, receive, send, stream[1])

    async def _http(self, scope: AsgiScope, receive: Receive, send: _Answer) -> None:
        try:
            await self._route(scope, receive, send)
        except GatewayError as error:
            await _answer(send, error)
        except Exception:
            # no path: it holds the ticket
            log.exception("a request failed")
            if send.begun:
                raise
            await _answer(send, InternalError())

    def _route(self, scope: AsgiScope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["method"] == "OPTIONS" and self._origin(scope) is not None:
            return _preflight(send)
        if scope["path"] == audit.PATH:
            return self._readers.handle(scope, receive, send)
        stream = _STREAM.fullmatch(scope["path"])
        if stream is None:
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}  # the server itself leaves the body out
            return self._inner(scope, receive, send)
        if scope["method"] != "GET":
            raise MethodNotAllowedError("GET")
        if stream[2] == "websocket":
            raise UpgradeRequiredError
        return _HTTP_STREAMS[stream[2]](self._streams, scope, receive, send, stream[1])

    def _origin(self, scope: AsgiScope) -> str | None:
        if not any(name == b"origin" for name, _ in scope["headers"]):
            return None
        return configured_origin(self._streams.settings, caller_of(scope["headers"], None))

    def _extra_headers(self, scope: AsgiScope) -> list[tuple[bytes, bytes]]:
        origin = self._origin(scope)
        if origin is None:
            return self._headers
        cors = {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": f"Retry-After, {COMMAND_ID}",
        }
        return [*self._headers, *_encode(cors)]


class _Answer:
    """An ASGI ``send`` that adds headers, and knows whether anything was sent."""

    __slots__ = ("_headers", "_send", "begun")

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.begun = False

    async def __call__(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self.begun = True
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
        await self._send(message)


async def _preflight(send: Send) -> None:
    await _start(send, 204, _PREFLIGHT)
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, error: GatewayError) -> None:
    status, headers, body = problem(error)
    await _start(send, status, {**headers, "Content-Length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _encode(headers)})


def _encode(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

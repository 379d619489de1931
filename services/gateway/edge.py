"""The outermost layer: headers of every answer, other origins' pages, and which handler takes a request.

The three transports and the audit are handled here, in front of Litestar: they last for hours, and what it
would wrap around them (its own exception handling, its request objects) would cost on each of its writes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

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

    def __init__(self, inner: object, streams: Streams, readers: audit.Audit) -> None:
        self._inner = inner
        self._streams = streams
        self._readers = readers
        vary = {"vary": "Origin"} if streams.settings.origins else {}
        self._headers = _encode({**SECURITY_HEADERS, **vary})

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)  # type: ignore[operator]
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, self._with_headers(scope, send))

    async def _websocket(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        stream = _STREAM.fullmatch(scope["path"])
        if stream is None or stream[2] != "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await websocket.handle(self._streams, scope, receive, send, stream[1])

    async def _http(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: dict[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._route(scope, receive, watched)
        except GatewayError as error:
            await _answer(send, error)
        except Exception:
            # no path: it holds the ticket
            log.exception("a request failed")
            if started:
                raise
            await _answer(send, InternalError())

    async def _route(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS" and self._origin(scope) is not None:
            await _start(send, 204, _PREFLIGHT)
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["path"] == audit.PATH:
            await self._readers.handle(scope, receive, send)
            return
        stream = _STREAM.fullmatch(scope["path"])
        if stream is None:
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}  # the server itself leaves the body out
            await self._inner(scope, receive, send)  # type: ignore[operator]
            return
        if scope["method"] != "GET":
            raise MethodNotAllowedError("GET")
        if stream[2] == "websocket":
            raise UpgradeRequiredError
        await _HTTP_STREAMS[stream[2]](self._streams, scope, receive, send, stream[1])

    def _origin(self, scope: AsgiScope) -> str | None:
        if not any(name == b"origin" for name, _ in scope["headers"]):
            return None
        return configured_origin(self._streams.settings, caller_of(scope["headers"], None))

    def _with_headers(self, scope: AsgiScope, send: Send) -> Send:
        extra = self._headers
        origin = self._origin(scope)
        if origin is not None:
            cors = {
                "access-control-allow-origin": origin,
                "access-control-expose-headers": f"Retry-After, {COMMAND_ID}",
            }
            extra = [*extra, *_encode(cors)]

        async def sender(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *extra]}  # type: ignore[misc]
            await send(message)

        return sender


async def _answer(send: Send, error: GatewayError) -> None:
    status, headers, body = problem(error)
    await _start(send, status, {**headers, "Content-Length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _encode(headers)})


def _encode(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

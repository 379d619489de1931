"""`GET /<ticket>/sse`: server-sent events."""

from __future__ import annotations

from services.gateway.core import frames, sse
from services.gateway.errors import BusAwayError, NoTicketError, NotReadyError
from services.gateway.lanes.asgi import AsgiSseLane
from services.gateway.lanes.raw import RawSseLane
from services.gateway.routes.streams import (
    STREAM_HEADERS,
    AsgiScope,
    Receive,
    Send,
    Streams,
    Way,
)
from services.gateway.subscription import End

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"connection", b"close"),  # what is cut off at the end must be nobody else's by then
        *STREAM_HEADERS,
    ],
}


async def handle(streams: Streams, scope: AsgiScope, receive: Receive, send: Send, ticket_id: str) -> None:
    """Answer one request.

    Raises:
        OriginRefusedError: a page of another origin; nothing has been sent.
    """
    streams.check_origin(scope)
    # A browser's EventSource gives up for good on anything but 200; after an end it comes back.
    await _begin(send)
    try:
        key, ticket = await streams.desk.admit(ticket_id)
    except NoTicketError:
        await _end(send, _NO_TICKET)
        return
    except (BusAwayError, NotReadyError):
        await _end(send)
        return

    await streams.carry(key, ticket, scope, receive, send, _WAY)


async def _goodbye(streams: Streams, send: Send, reason: End) -> None:
    if reason is End.NO_TICKET:
        await _end(send, _NO_TICKET)
    elif reason is End.STOPPING:
        await _end(send, sse.retry(streams.retry_ms()))
    else:
        await _end(send)


_NO_TICKET = frames.CLOSED.sse + frames.CLOSE.sse


async def _begin(send: Send) -> None:
    await send(_START)
    await send({"type": "http.response.body", "body": sse.PRELUDE, "more_body": True})


async def _end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


_WAY = Way(RawSseLane, AsgiSseLane, _goodbye)

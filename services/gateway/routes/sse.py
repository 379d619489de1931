"""`GET /<ticket>/sse`: server-sent events."""

from __future__ import annotations

from services.gateway.core import frames, sse
from services.gateway.core.frames import Message
from services.gateway.errors import BusAwayError, NoTicketError, NotReadyError
from services.gateway.routes.streams import (
    STREAM_HEADERS,
    AsgiScope,
    Receive,
    Send,
    Streams,
    asked_position,
    position_or_none,
    pump,
    until_http_gone,
)
from services.gateway.subscription import End

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream; charset=utf-8"), *STREAM_HEADERS],
}


async def handle(streams: Streams, scope: AsgiScope, receive: Receive, send: Send, ticket_id: str) -> None:
    """Answer one request.

    Raises:
        OriginRefusedError: a page of another origin; nothing has been sent.
    """
    streams.check_origin(scope)
    asked = asked_position(scope)
    try:
        key, ticket = await streams.desk.admit(ticket_id)
    except NoTicketError:
        await send(_START)
        await _end(send, frames.CLOSED, frames.CLOSE)
        return
    except (BusAwayError, NotReadyError):
        # A browser's EventSource gives up for good on anything but 200; after an end it comes back.
        await send(_START)
        await _send(send, sse.PRELUDE)
        await _end(send)
        return

    async def write(messages: list[Message]) -> None:
        await _send(send, b"".join(message.sse for message in messages))

    with streams.subscribed(key, ticket, position_or_none(asked), resume=asked is not None) as subscription:
        await send(_START)
        await _send(send, sse.PRELUDE)
        finished = await pump(subscription, write, until_http_gone(receive))
    if finished and subscription.ended is End.NO_TICKET:
        await _end(send, frames.CLOSED, frames.CLOSE)
    elif finished:
        await _end(send)


async def _send(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _end(send: Send, *messages: Message) -> None:
    body = b"".join(message.sse for message in messages)
    await send({"type": "http.response.body", "body": body, "more_body": False})

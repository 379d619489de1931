"""`GET /<ticket>/long-poll`: a JSON array of events.

With `after` an answer is what followed that position, and ends with ``ready``, whose id is the next
`after`. Without, the store remembers where the ticket's last answer ended; the cursor moves before the
answer is given, and only from where this poll found it, so of two polls at the same time one gets the
events and the other an empty array.
"""

from __future__ import annotations

import asyncio

from services.gateway.core.frames import Message, json_array
from services.gateway.core.position import MalformedPositionError, parse_position
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BadParameterError, NoTicketError
from services.gateway.ports import Cursor
from services.gateway.routes.streams import (
    STREAM_HEADERS,
    AsgiScope,
    Receive,
    Send,
    Streams,
    asked_position,
    position_or_none,
    until_http_gone,
)
from services.gateway.subscription import End, Subscription

_NO_CURSOR = Cursor(position="", revision=0)


async def handle(streams: Streams, scope: AsgiScope, receive: Receive, send: Send, ticket_id: str) -> None:
    """Answer one request.

    Raises:
        OriginRefusedError, BadParameterError, NoTicketError, BusAwayError, NotReadyError: nothing has been
            sent.
    """
    streams.check_origin(scope)
    asked = asked_position(scope)
    try:
        after = None if asked is None else parse_position(asked)
    except MalformedPositionError as error:
        raise BadParameterError("after", str(error)) from error
    key, ticket = await streams.desk.admit(ticket_id)
    if after is None:
        messages = await _from_cursor(streams, key, ticket, receive)
    else:
        with streams.subscribed(key, ticket, after, poll=True) as subscription:
            messages = await _next(streams, subscription, receive)
            position = streams.hub.position()
            if messages and messages[-1].type != "ready" and position is not None:
                messages.append(streams.hub.ready_message(position, resumed=True))
    if messages is not None:
        await _answer(send, json_array(messages))


async def _from_cursor(streams: Streams, key: str, ticket: Ticket, receive: Receive) -> list[Message] | None:
    cursor = await streams.desk.cursor(key) or _NO_CURSOR
    streams.desk.check(key, ticket)
    after = position_or_none(cursor.position)
    with streams.subscribed(key, ticket, after, poll=True) as subscription:
        streams.desk.poll(key, subscription)
        messages = await _next(streams, subscription, receive)
        position = streams.hub.position()
    if messages is None or subscription.ended is not None:
        return messages  # the cursor stays: nothing was given
    if position is None or str(position) == cursor.position:
        return messages
    moved = await streams.desk.move_cursor(key, str(position), cursor.revision)
    return messages if moved else []


async def _next(streams: Streams, subscription: Subscription, receive: Receive) -> list[Message] | None:
    """What there is, else what comes next, else nothing; ``None`` when nobody waits for the answer any more.

    Nothing also when the subscription was ended: then what it holds may be incomplete.

    Raises:
        NoTicketError: the ticket ended meanwhile.
    """
    waiter = asyncio.create_task(subscription.wait())
    watcher = asyncio.create_task(until_http_gone(receive))
    try:
        await asyncio.wait(
            {waiter, watcher}, timeout=streams.settings.poll_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if watcher.done() and not waiter.done():
            return None
    finally:
        waiter.cancel()
        watcher.cancel()
        await asyncio.gather(waiter, watcher, return_exceptions=True)
    if subscription.ended is End.NO_TICKET:
        raise NoTicketError
    if subscription.ended is not None:
        return []
    streams.hub.flush()
    return subscription.take()


async def _answer(send: Send, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        *STREAM_HEADERS,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

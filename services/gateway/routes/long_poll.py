"""`GET /<ticket>/long-poll`: a JSON array of events.

With `after` an answer is what followed that position, and ends with ``ready``, whose id is the next
`after`. Without, the store remembers where the ticket's last answer ended; the cursor moves before the
answer is given, and only from where this poll found it, so of two polls at the same time one gets the
events and the other an empty array.
"""

from __future__ import annotations

import asyncio

from services import cancellation
from services.gateway.core.frames import Message, json_array
from services.gateway.core.position import MalformedPositionError, Position, parse_position
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BadParameterError, NoTicketError, NotReadyError
from services.gateway.lanes.poll import PollLane
from services.gateway.routes.streams import (
    STREAM_HEADERS,
    AsgiScope,
    Receive,
    Send,
    Streams,
    asked_position,
    position_or_none,
    until_gone,
)
from services.gateway.subscription import End, Subscription


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
    lane = PollLane()
    if after is None:
        await _from_cursor(streams, key, ticket, lane, receive, send)
        return
    with streams.subscribed(key, ticket, lane, after, poll=True) as subscription:
        if not await _filled(streams, subscription, lane, receive):
            return
        position = _settled(streams, subscription, lane)
        messages = [] if subscription.ended is End.KEYS_AWAY else lane.take()
        is_all = subscription.live or subscription.ended is not None
    if messages and messages[-1].type != "ready" and position is not None and is_all:
        messages.append(streams.hub.ready_message(position, resumed=True))
    await _answer(streams, subscription, send, messages)


async def _from_cursor(
    streams: Streams, key: str, ticket: Ticket, lane: PollLane, receive: Receive, send: Send
) -> None:
    cursor = await streams.desk.cursor(key)
    streams.desk.check(key, ticket)
    asked = None if cursor is None else cursor.position
    # Who had a state, and whose place is lost, must hear that what happened since is not told.
    resume = cursor is not None or streams.desk.may_have_polled(ticket)
    with streams.subscribed(
        key, ticket, lane, position_or_none(asked), poll=True, resume=resume
    ) as subscription:
        streams.desk.poll(key, subscription)
        if not await _filled(streams, subscription, lane, receive):
            return
        position = _settled(streams, subscription, lane)
        messages = lane.take()
    if subscription.ended in (End.REPLACED, End.KEYS_AWAY):
        messages = []  # the newer poll gives them, or the next
    elif position is not None and str(position) != asked:
        moved = await streams.desk.move_cursor(key, str(position), cursor)
        messages = messages if moved else []
    await _answer(streams, subscription, send, messages)


async def _filled(streams: Streams, subscription: Subscription, lane: PollLane, receive: Receive) -> bool:
    """Wait until there is something, or it has ended, or the time is up; false when nobody waits any more.

    Raises:
        NoTicketError: the ticket ended meanwhile.
    """
    subscription.on_end = lambda _: lane.filled.set()
    if subscription.ended is not None:
        lane.filled.set()
    waiter = asyncio.create_task(lane.filled.wait())
    watcher = asyncio.create_task(until_gone(receive))
    try:
        await asyncio.wait(
            {waiter, watcher}, timeout=streams.settings.poll_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if watcher.done():
            return False
    finally:
        await cancellation.end([waiter, watcher])
    if subscription.ended is End.NO_TICKET:
        raise NoTicketError
    return True


def _settled(streams: Streams, subscription: Subscription, lane: PollLane) -> Position | None:
    """Where the client is with its answer; ``None`` when it was ended before there was a state.

    Raises:
        NotReadyError: the state is being read anew. What a stream is told then, that figures are not live,
            no later answer would take back, since it is in no position. Or there is nothing yet of what the
            client missed: an empty answer would mean that it missed nothing.
    """
    position = streams.hub.settle(subscription)
    nothing = position is None or not (subscription.live or lane.filled.is_set())
    if nothing and subscription.ended is None:
        raise NotReadyError(streams.hub.not_ready or ["what was missed has not been read from NATS yet"])
    return position


async def _answer(streams: Streams, subscription: Subscription, send: Send, messages: list[Message]) -> None:
    body = json_array(messages)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        *STREAM_HEADERS,
    ]
    if subscription.ended is End.STOPPING:
        seconds = -(-streams.retry_ms() // 1000)
        headers.append((b"retry-after", str(seconds).encode("ascii")))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

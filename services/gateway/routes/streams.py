"""What the transports share: who may, the headers, and serving a stream until either side ends.

A transport is a plain ASGI handler. It begins its response by ASGI, then :meth:`Streams.carry` lets the hub
write: straight into the connection where the server shows it, else by an ASGI lane with a task of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from services import cancellation
from services.gateway.core.position import MalformedPositionError, Position, parse_position
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.guard import caller_of, check_origin
from services.gateway.hub import Hub
from services.gateway.lanes.asgi import AsgiLane
from services.gateway.lanes.connection import Connection, connection_of
from services.gateway.lanes.lane import Lane
from services.gateway.settings import Settings
from services.gateway.subscription import End, Subscription
from services.gateway.ticket_desk import TicketDesk

if TYPE_CHECKING:
    from collections.abc import Generator

AsgiScope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

Goodbye = Callable[[End], Coroutine[Any, Any, None]]
"""Sends the last words of a stream that ended, and its end."""

STREAM_HEADERS = [
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]

_LAST_WORDS_S = 2.0

_CLOSED = (OSError, RuntimeError)
"""What sending raises when the client went away, or the server closed first, with a code of its own."""


@dataclass(frozen=True)
class Streams:
    """What a transport needs. ``retry_ms`` gives each client of a stopping gateway its own time to return."""

    settings: Settings
    hub: Hub
    desk: TicketDesk
    retry_ms: Callable[[], int]

    def check_origin(self, scope: AsgiScope) -> None:
        """Refuse pages of other origins.

        Raises:
            OriginRefusedError: the request comes from one.
        """
        check_origin(self.settings, caller_of(scope["headers"], scope.get("client")))

    @contextmanager
    def subscribed(
        self,
        key: str,
        ticket: Ticket,
        lane: Lane,
        after: Position | None,
        *,
        poll: bool = False,
        resume: bool = False,
    ) -> Generator[Subscription]:
        """A subscription for an admitted ticket, left at the end. Nothing here awaits."""
        subscription = self._join(key, ticket, lane, after, poll=poll, resume=resume)
        try:
            yield subscription
        finally:
            self._leave(key, subscription)

    async def carry(
        self,
        key: str,
        ticket: Ticket,
        scope: AsgiScope,
        receive: Receive,
        send: Send,
        way: Way,
    ) -> None:
        """Serve an admitted ticket whose response has begun, by the lane that the server allows.

        The raw lane needs one task a client, which sleeps here. Thousands do: what a frame of this chain
        holds is part of the memory that each connection takes.
        """
        asked = asked_position(scope)
        after, resume = position_or_none(asked), asked is not None
        goodbye = partial(way.goodbye, self, send)
        connection = connection_of(scope)
        if connection is None:
            await self._carry_by_asgi(key, ticket, way.asgi(send), after, resume, receive, goodbye)
            return
        subscription = self._join(key, ticket, way.raw(connection), after, resume=resume)
        leaving = _Leaving(subscription, connection.transport, goodbye)
        try:
            while not (await receive())["type"].endswith(".disconnect"):
                pass
        finally:
            try:
                await leaving.done()
            finally:
                self._leave(key, subscription)

    async def _carry_by_asgi(
        self,
        key: str,
        ticket: Ticket,
        lane: AsgiLane,
        after: Position | None,
        resume: bool,
        receive: Receive,
        goodbye: Goodbye,
    ) -> None:
        """What a client does not take in time is given up."""
        subscription = self._join(key, ticket, lane, after, resume=resume)
        over: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        subscription.on_end = over.set_result
        if subscription.ended is not None:
            over.set_result(subscription.ended)
        writer = asyncio.create_task(lane.run())
        gone = asyncio.create_task(until_gone(receive))
        try:
            await asyncio.wait({writer, gone, over}, return_when=asyncio.FIRST_COMPLETED)
            if over.done() and not gone.done():
                with contextlib.suppress(TimeoutError, *_CLOSED):
                    async with asyncio.timeout(_LAST_WORDS_S):
                        await lane.emptied()
                        await goodbye(over.result())
        finally:
            subscription.on_end = None
            self._leave(key, subscription)
            await cancellation.end([writer, gone])
            if writer.done() and not writer.cancelled() and not isinstance(writer.exception(), _CLOSED):
                writer.result()

    def _join(
        self,
        key: str,
        ticket: Ticket,
        lane: Lane,
        after: Position | None,
        *,
        poll: bool = False,
        resume: bool = False,
    ) -> Subscription:
        scope = resolve(ticket, self.settings.pbxs)
        subscription = self.hub.join(scope, lane, after, poll=poll, resume=resume)
        self.desk.opened(key, ticket, subscription)
        return subscription

    def _leave(self, key: str, subscription: Subscription) -> None:
        self.desk.closed(key, subscription)
        self.hub.leave(subscription)


class Way(NamedTuple):
    """What is a transport's own: its lanes, and its last words."""

    raw: Callable[[Connection], Lane]
    asgi: Callable[[Send], AsgiLane]
    goodbye: Callable[[Streams, Send, End], Coroutine[Any, Any, None]]


def asked_position(scope: AsgiScope) -> str | None:
    """The position to resume at: Last-Event-ID, else `after`; ``None`` when the client asks for none.

    An EventSource that comes back repeats its address, whatever it has got since; the header is newer.
    """
    for name, value in scope["headers"]:
        if name == b"last-event-id" and value:
            return value.decode("latin-1")
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return query.get("after", [""])[-1] or None


def position_or_none(text: str | None) -> Position | None:
    """The position, ``None`` also for what is no position: a stream answers that with ``reset``."""
    if text is None:
        return None
    try:
        return parse_position(text)
    except MalformedPositionError:
        return None


async def until_gone(receive: Receive) -> None:
    """Return when the client has gone. What it says is ignored: a ticket is for receiving only."""
    while not (await receive())["type"].endswith(".disconnect"):
        pass


class _Leaving:
    """The end of a stream on the raw lane, when it is the gateway that ends it."""

    __slots__ = ("_goodbye", "_subscription", "_task", "_transport")

    def __init__(self, subscription: Subscription, transport: asyncio.Transport, goodbye: Goodbye) -> None:
        self._subscription = subscription
        self._transport = transport
        self._goodbye = goodbye
        self._task: asyncio.Task[None] | None = None
        subscription.on_end = self._begin
        if subscription.ended is not None:
            self._begin(subscription.ended)

    def _begin(self, reason: End) -> None:
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._say(reason))
        loop.call_later(_LAST_WORDS_S, _cut_off, self._transport)

    async def _say(self, reason: End) -> None:
        with contextlib.suppress(*_CLOSED):
            await self._goodbye(reason)

    async def done(self) -> None:
        """Until the last words are out, or the connection is."""
        self._subscription.on_end = None
        if self._task is not None:
            await self._task


def _cut_off(transport: asyncio.Transport) -> None:
    """End a connection whose client has not taken what was written."""
    if transport.get_write_buffer_size():
        transport.abort()

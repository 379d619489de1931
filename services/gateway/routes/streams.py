"""What the three transports share: who may, the headers, and writing until either side ends.

A transport is a plain ASGI handler. ``Streams`` holds what each needs; :func:`pump` carries messages from a
subscription to the client while it watches for the client's going.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from services.gateway.core.frames import Message
from services.gateway.core.position import MalformedPositionError, Position, parse_position
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.guard import caller_of, check_origin
from services.gateway.hub import Hub
from services.gateway.settings import Settings
from services.gateway.subscription import Subscription
from services.gateway.ticket_desk import TicketDesk

if TYPE_CHECKING:
    from collections.abc import Generator

AsgiScope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

STREAM_HEADERS = [
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]

_LAST_WORDS_S = 2.0


@dataclass(frozen=True)
class Streams:
    """What a transport needs."""

    settings: Settings
    hub: Hub
    desk: TicketDesk

    def check_origin(self, scope: AsgiScope) -> None:
        """Refuse pages of other origins.

        Raises:
            OriginRefusedError: the request comes from one.
        """
        check_origin(self.settings, caller_of(scope["headers"], scope.get("client")))

    @contextmanager
    def subscribed(
        self, key: str, ticket: Ticket, after: Position | None, *, poll: bool = False, resume: bool = False
    ) -> Generator[Subscription]:
        """A subscription for an admitted ticket, left at the end. Nothing here awaits."""
        scope = resolve(ticket, self.settings.pbxs)
        subscription = self.hub.join(scope, after, poll=poll, resume=resume)
        self.desk.opened(key, ticket, subscription)
        try:
            yield subscription
        finally:
            self.desk.closed(key, subscription)
            self.hub.leave(subscription)


def asked_position(scope: AsgiScope) -> str | None:
    """The position to resume at: `after`, else Last-Event-ID; ``None`` when the client asks for none."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    after = query.get("after", [""])[-1]
    if after:
        return after
    for name, value in scope["headers"]:
        if name == b"last-event-id" and value:
            return value.decode("latin-1")
    return None


def position_or_none(text: str | None) -> Position | None:
    """The position, ``None`` also for what is no position: a stream answers that with ``reset``."""
    if text is None:
        return None
    try:
        return parse_position(text)
    except MalformedPositionError:
        return None


async def until_http_gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pump(
    subscription: Subscription,
    write: Callable[[list[Message]], Awaitable[None]],
    gone: Coroutine[Any, Any, None],
) -> bool:
    """Write what comes until the subscription ends (true) or the client is gone (false).

    A client that does not read holds up the write; when its subscription ends for that, the write is
    given up.
    """
    writer = asyncio.create_task(_write_all(subscription, write))
    watcher = asyncio.create_task(gone)
    ending = asyncio.create_task(_last_words(subscription))
    try:
        await asyncio.wait({writer, watcher, ending}, return_when=asyncio.FIRST_COMPLETED)
        if writer.done():
            writer.result()
            return True
        return False
    finally:
        for task in (writer, watcher, ending):
            task.cancel()
        await asyncio.gather(writer, watcher, ending, return_exceptions=True)


async def _write_all(subscription: Subscription, write: Callable[[list[Message]], Awaitable[None]]) -> None:
    while True:
        await subscription.wait()
        messages = subscription.take()
        if messages:
            await write(messages)
        elif subscription.ended is not None:
            return


async def _last_words(subscription: Subscription) -> None:
    await subscription.over()
    await asyncio.sleep(_LAST_WORDS_S)

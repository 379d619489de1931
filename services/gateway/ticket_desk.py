"""Tickets in use: issued, admitted, kept alive, revoked.

The store knows which tickets there are; this knows which of them have streams open here. A stream counts
as use: its ticket is touched, at most four times in its time to live, so that the store does not let it
expire, nor the cursor of its polls. Revocations of any gateway arrive by the store's watch; because a watch
can miss one while NATS is away, every open ticket is also looked up now and then, and whenever the watch had
to begin anew.

A ticket that was made with an API key is good as long as that key is, and one that was made without is good
only where none is needed. The keys of this machine's file decide that, without a question to the store:
when they change, every open ticket is judged again. While the keys cannot be read nobody gets in, but
clients are told to come back: nothing was revoked.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from services import cancellation
from services.gateway.core.tickets import ID_BYTES, Ticket, is_id, key_of, make_id, still_good
from services.gateway.errors import BusAwayError, NoTicketError, NotReadyError
from services.gateway.key_ring import KEYS_AWAY, KeyRing
from services.gateway.ports import Clock, Cursor, TicketStore
from services.gateway.subscription import End, Subscription

log = logging.getLogger("pbxis.gateway.tickets")

_LOOK_UP_S = 60.0
_REVOKED_KEPT = 10_000
_LOGGED_CHARACTERS = 8


@dataclass(slots=True)
class _Open:
    """A ticket that has streams open here."""

    ticket: Ticket
    subscriptions: set[Subscription] = field(default_factory=set[Subscription])


class TicketDesk:
    """The tickets of one gateway.

    ``ring`` has the keys that tickets may belong to; ``keyless`` says whether those that belong to none are
    good. ``random`` gives that many unguessable bytes.
    """

    def __init__(
        self,
        store: TicketStore,
        clock: Clock,
        ring: KeyRing,
        *,
        keyless: bool,
        ttl_s: int,
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._ring = ring
        self._keyless = keyless
        self._clock = clock
        self._touch_after_ms = ttl_s * 1000 // 4
        self._random = random
        self._open: dict[str, _Open] = {}
        self._polls: dict[str, Subscription] = {}
        self._revoked: OrderedDict[str, None] = OrderedDict()
        self._started = False
        self._look = asyncio.Event()
        self.look_up_every_s = min(_LOOK_UP_S, ttl_s / 4)
        ring.on_change(self._judge_again)

    async def run(self) -> None:
        """Watch for revocations and keep open tickets alive until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store.watch(self.revoked, self._watching))
            group.create_task(self._keep_alive())

    def _watching(self) -> None:
        self._started = True
        self._look.set()

    @property
    def not_ready(self) -> list[str]:
        """Why tickets cannot be used; empty when they can."""
        return [] if self._started else ["the tickets in NATS cannot be read yet"]

    async def issue(self, ticket: Ticket) -> str:
        """Keep a ticket; its id.

        Raises:
            BusAwayError: the store cannot be reached; nothing was kept that anybody could use.
        """
        ticket_id = make_id(self._random(ID_BYTES))
        await self._store.create(key_of(ticket_id), ticket, self._clock.now_ms())
        return ticket_id

    async def admit(self, ticket_id: str) -> tuple[str, Ticket]:
        """Look a ticket up for use: its key and what it is for.

        Raises:
            NoTicketError: there is no such ticket, or no longer.
            BusAwayError: the store cannot be reached.
            NotReadyError: whether its key is good cannot be told now.
        """
        if not is_id(ticket_id):
            raise NoTicketError
        key = key_of(ticket_id)
        stored = await self._store.read(key)
        now_ms = self._clock.now_ms()
        due = stored is not None and now_ms - stored.touched_ms >= self._touch_after_ms
        if due and not await self._store.touch(key, now_ms):
            stored = None
        if stored is None:
            log.debug("refused a ticket %s…: it is unknown or expired", key[:_LOGGED_CHARACTERS])
            raise NoTicketError
        self.check(key, stored.ticket)
        return key, stored.ticket

    def check(self, key: str, ticket: Ticket) -> None:
        """Make sure that a ticket is still good; for who has awaited since :meth:`admit`.

        Raises:
            NoTicketError: it was revoked, or what made it good was.
            NotReadyError: whether its key is good cannot be told now.
        """
        end = End.NO_TICKET if key in self._revoked else self._judge(ticket)
        if end is End.NO_TICKET:
            log.info("refused a ticket %s…: it or its API key was revoked", key[:_LOGGED_CHARACTERS])
            raise NoTicketError
        if end is not None:
            raise NotReadyError([KEYS_AWAY])

    def _judge(self, ticket: Ticket) -> End | None:
        """Why who made the ticket may not receive it; ``None`` when he may."""
        principal = None if ticket.key is None else self._ring.principal(ticket.key)
        if still_good(ticket, principal, keyless=self._keyless):
            return None
        return End.NO_TICKET if ticket.key is None or self._ring.problem is None else End.KEYS_AWAY

    def _judge_again(self) -> None:
        for found in list(self._open.values()):
            end = self._judge(found.ticket)
            if end is not None:
                for subscription in list(found.subscriptions):
                    subscription.end(end)

    async def revoke(self, ticket_id: str) -> None:
        """End a ticket, and its streams on every gateway.

        Raises:
            NoTicketError: there is no such ticket, or no longer.
            BusAwayError: the store cannot be reached.
        """
        if not is_id(ticket_id):
            raise NoTicketError
        key = key_of(ticket_id)
        if not await self._store.revoke(key):
            raise NoTicketError
        self.revoked(key)

    def revoked(self, key: str) -> None:
        """A ticket has ended: end its streams here."""
        self._revoked[key] = None
        while len(self._revoked) > _REVOKED_KEPT:
            self._revoked.popitem(last=False)
        found = self._open.get(key)
        for subscription in found.subscriptions if found else ():
            subscription.end(End.NO_TICKET)

    def opened(self, key: str, ticket: Ticket, subscription: Subscription) -> None:
        """A stream of a ticket is open; to be called without an ``await`` since :meth:`admit`."""
        self._open.setdefault(key, _Open(ticket)).subscriptions.add(subscription)

    def closed(self, key: str, subscription: Subscription) -> None:
        """It no longer is."""
        found = self._open.get(key)
        if found is not None:
            found.subscriptions.discard(subscription)
            if not found.subscriptions:
                del self._open[key]
        if self._polls.get(key) is subscription:
            del self._polls[key]

    def poll(self, key: str, subscription: Subscription) -> None:
        """A poll that goes on where the ticket's last answer ended: it ends the one that may be waiting."""
        older = self._polls.get(key)
        if older is not None:
            older.end(End.REPLACED)
        self._polls[key] = subscription

    async def cursor(self, key: str) -> Cursor | None:
        """Where the ticket's last long poll ended.

        Raises:
            BusAwayError: the store cannot be reached.
        """
        return await self._store.read_cursor(key)

    def may_have_polled(self, ticket: Ticket) -> bool:
        """Whether a ticket without a cursor may have had one, which was lost."""
        return self._clock.now_ms() - ticket.created >= self._touch_after_ms

    async def move_cursor(self, key: str, position: str, found: Cursor | None) -> bool:
        """Note where an answer ends; false when another poll was faster.

        Raises:
            BusAwayError: the store cannot be reached.
        """
        return await self._store.move_cursor(key, position, found)

    async def _keep_alive(self) -> None:
        while True:
            await cancellation.seen(self._look, self.look_up_every_s)
            self._look.clear()
            await self.look_up()

    async def look_up(self) -> None:
        """End the streams of tickets that are gone, touch those that are due."""
        for key in list(self._open):
            try:
                await self._look_up(key)
            except BusAwayError as error:
                log.warning("cannot look tickets up: %s", error.reason)
                return

    async def _look_up(self, key: str) -> None:
        now_ms = self._clock.now_ms()
        stored = await self._store.read(key)
        alive = stored is not None
        if stored is not None and now_ms - stored.touched_ms >= self._touch_after_ms:
            alive = await self._store.touch(key, now_ms)
        if not alive:
            self.revoked(key)

"""Reads the log for clients that were away longer than the ring reaches.

A client asks (``want``) each time it has taken what it got and the ring still does not reach back to it; so
all take turns, a page at a time, and none holds more than a page. Who is not far behind the ring's beginning
has the ring reach further back, as far as it has room: after a gateway has started, many come back from a
little before its start, and one reading serves them all.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from services import cancellation
from services.gateway.core.ring import Entry
from services.gateway.errors import BusAwayError, HistoryGoneError
from services.gateway.hub import Hub
from services.gateway.ports import LogHistory, Stored
from services.gateway.subscription import Subscription

log = logging.getLogger("pbxis.gateway.replay")

_PAGE = 2000
_PAUSE_S = 0.25


class Replay:
    """One reader for all clients of a hub. ``run`` it."""

    def __init__(self, hub: Hub, history: LogHistory) -> None:
        self._hub = hub
        self._history = history
        self._wanted: dict[Subscription, None] = {}
        self._wake = asyncio.Event()
        hub.ask_log = self.want

    def want(self, subscription: Subscription) -> None:
        """Give it the next page of what it missed."""
        self._wanted[subscription] = None
        self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                subscription = next(iter(self._wanted))
                del self._wanted[subscription]
                if subscription.ended is not None or not self._hub.has(subscription):
                    continue
                try:
                    await self._serve(subscription)
                except BusAwayError as error:
                    log.info("the log cannot be read back now: %s", error.reason)
                    self._wanted[subscription] = None
                    cancellation.heed()
                    await asyncio.sleep(_PAUSE_S)

    async def _serve(self, subscription: Subscription) -> None:
        hub, ring = self._hub, self._hub.ring
        generation, at = hub.generation, subscription.at
        try:
            if 0 < ring.floor - at <= ring.room:
                await self._reach_back(generation, at)
            if ring.floor <= at or hub.generation != generation:
                hub.retry(subscription)
                return
            found = await self._page(generation, at)
        except HistoryGoneError:
            if self._still(subscription, generation, at):
                hub.restart(subscription)
            return
        if self._still(subscription, generation, at):
            hub.replayed(subscription, self._entries(found), found[-1].sequence)

    def _still(self, subscription: Subscription, generation: str, at: int) -> bool:
        """Whether it still waits for just this; else it was given something meanwhile, and asks anew."""
        waits = not subscription.live and not subscription.due and not subscription.backlog
        return waits and self._hub.generation == generation and subscription.at == at

    async def _page(self, generation: str, after: int) -> list[Stored]:
        """What follows a place before the ring, so there is something.

        Raises:
            HistoryGoneError: not all of it is there any more.
            BusAwayError: it cannot be read now; of a cluster's servers one may answer that has not got there.
        """
        found = await self._history.page(generation, after, _PAGE)
        if not found:
            raise BusAwayError(f"nothing follows {after} where it is read from, although there is more")
        return found

    async def _reach_back(self, generation: str, at: int) -> None:
        """Have the ring begin at the place of all who wait and are not too far behind.

        Raises:
            HistoryGoneError: what follows ``at`` is not there any more; the ring is as it was.
            BusAwayError: the same, for now.
        """
        ring = self._hub.ring
        furthest = min([at, *(one.at for one in self._wanted if ring.floor - one.at <= ring.room)])
        try:
            await self._extend(generation, furthest)
        except HistoryGoneError:
            if furthest == at:
                raise
            await self._extend(generation, at)

    async def _extend(self, generation: str, start: int) -> None:
        ring = self._hub.ring
        floor = ring.floor
        found: deque[Stored] = deque()
        size, after = 0, start
        while after < floor:
            page = await self._page(generation, after)
            found.extend(page)
            size += sum([len(one.payload) for one in page])
            while size > ring.size_limit:
                start = found[0].sequence
                size -= len(found.popleft().payload)
            after = page[-1].sequence
        if self._hub.generation == generation and ring.floor == floor:
            ring.put_before(self._entries([one for one in found if one.sequence <= floor]), start)

    def _entries(self, found: Sequence[Stored]) -> list[Entry]:
        return [entry for one in found if (entry := self._hub.entry(one)) is not None]

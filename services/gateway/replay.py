"""Reads the log for clients that were away longer than the ring reaches.

A client asks (``want``) each time it has taken what it got, and neither the ring nor what was read back last
has what follows. What is read for one serves all whose place lies in it (``core/read_back.py``): of those
who came back together only the first is read for. All take turns, in the order of their asking, and nothing
is kept for one but its place. A reading ends at a multiple of its length, so those who come from different
places soon share their readings.

Who is not far behind the ring's beginning has the ring reach further back, as far as it has room: after a
gateway has started, many come back from a little before its start.
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
        """Read what follows its place."""
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
                if not self._waits(subscription):
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
            if not hub.reaches(at) and hub.generation == generation:
                await self._read(generation, at)
        except HistoryGoneError:
            if hub.generation == generation:
                self._begin_anew([one for one in (subscription, *self._wanted) if one.at <= at])
            return
        for one in [one for one in self._wanted if hub.reaches(one.at)]:
            del self._wanted[one]
            hub.retry(one)
        hub.retry(subscription)

    def _waits(self, subscription: Subscription) -> bool:
        """Whether it still waits; else it was given something meanwhile, or has gone."""
        there = subscription.ended is None and self._hub.has(subscription)
        return there and not subscription.live and not subscription.due and not subscription.backlog

    def _begin_anew(self, subscriptions: Sequence[Subscription]) -> None:
        """What they missed is not there any more."""
        for subscription in subscriptions:
            self._wanted.pop(subscription, None)
            if self._waits(subscription):
                self._hub.restart(subscription)

    async def _read(self, generation: str, after: int) -> None:
        """Read what follows, for all.

        Raises:
            HistoryGoneError, BusAwayError: see :meth:`_page`.
        """
        found = await self._page(generation, after, _PAGE - after % _PAGE)
        if self._hub.generation == generation:
            self._hub.replayed(after, self._entries(found), found[-1].sequence)

    async def _page(self, generation: str, after: int, most: int = _PAGE) -> list[Stored]:
        """What follows a place before the ring, so there is something.

        Raises:
            HistoryGoneError: not all of it is there any more.
            BusAwayError: it cannot be read now; of a cluster's servers one may answer that has not got there.
        """
        found = await self._history.page(generation, after, most)
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
        return [entry for one in found if (entry := self._hub.intake.entry(one)) is not None]

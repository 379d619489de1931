"""Those who do not get on: who takes nothing, and who would take something and is given nothing.

Nobody is left with old figures that look live, and nobody is kept for ever:

- One that takes nothing for ``STUCK_S`` is ended; it may come back and resume.
- One that had the state and waits for the log for ``BEHIND_S``, or is behind for too long (``openings.py``),
  is given the state: that needs no log.
- One that resumes and gets no further for ``BEHIND_S`` is told that its figures are not live.
- One that resumes and does not come nearer to now, for its connection or the reading of the log is slower
  than the log grows, begins anew.
- One that has seen more than this gateway, from another one, waits for it ``AHEAD_S`` and then begins anew.
  While contact with the log is lost it goes on waiting: what it has seen is certain to come.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from services.gateway.core.ahead import Ahead
from services.gateway.core.ring import Ring
from services.gateway.openings import BEHIND_S, NEARER_BY
from services.gateway.subscription import Subscription

STUCK_S = 30.0
AHEAD_S = 2.0

NEARER_S = 30.0
"""In that time ``NEARER_BY`` of its way; a client that is slower would take more than five minutes."""


class Remedies(NamedTuple):
    """What can be done for a client.

    Attributes:
        want: look again what there is for it.
        begin_anew: give up what it missed; it gets ``reset`` and the state when it is next looked at.
        doubt: tell it that its figures are not live.
        give_up: end it, it takes nothing.
    """

    want: Callable[[Subscription], None]
    begin_anew: Callable[[Subscription], None]
    doubt: Callable[[Subscription], None]
    give_up: Callable[[Subscription], None]


class _Distance(NamedTuple):
    """How many messages a client had before it, at some time."""

    at_s: float
    messages: int


class Waiting:
    """Clients that do not get on, since when."""

    def __init__(self, ring: Ring, monotonic: Callable[[], float], remedies: Remedies) -> None:
        self._ring = ring
        self._monotonic = monotonic
        self._do = remedies
        self._stuck: dict[Subscription, None] = {}
        self._idle: dict[Subscription, float] = {}
        self._ahead: Ahead[Subscription] = Ahead()
        self._far: dict[Subscription, _Distance] = {}

    def clear(self) -> None:
        """Everybody begins anew."""
        self._idle.clear()
        self._ahead.clear()
        self._far.clear()

    def leave(self, subscription: Subscription) -> None:
        """It is no more."""
        for kept in (self._stuck, self._idle, self._far):
            kept.pop(subscription, None)
        self._ahead.remove(subscription)

    def paused(self, subscription: Subscription) -> None:
        """Its lane takes no more."""
        subscription.paused_since = self._monotonic()
        self._stuck[subscription] = None
        self.has_far_to_go(subscription)

    def takes(self, subscription: Subscription) -> None:
        """Its lane takes more again."""
        subscription.paused_since = None
        self._stuck.pop(subscription, None)

    def waits(self, subscription: Subscription) -> None:
        """There is nothing for it yet."""
        now = self._monotonic()
        self._idle.setdefault(subscription, now)
        if subscription.at > self._ring.last:
            self._ahead.add(subscription, subscription.at, now)
        self.has_far_to_go(subscription)

    def has_far_to_go(self, subscription: Subscription) -> None:
        """It has not got everything that it missed."""
        left = self._ring.last - subscription.at
        if subscription.resuming and left > 0:
            self._far.setdefault(subscription, _Distance(self._monotonic(), left))

    def goes_on(self, subscription: Subscription) -> None:
        """It was given something, or got further."""
        self._idle.pop(subscription, None)

    def look(self, *, contact: bool) -> None:
        """See what is to be done; about every second. ``contact``: with the log."""
        now = self._monotonic()
        self._look_at_those_who_take_nothing(now)
        self._look_at_those_ahead(now, contact=contact)
        for subscription, since in list(self._idle.items()):
            if not subscription.resuming:
                if now - since >= BEHIND_S and subscription.reads:
                    self._begin_anew(subscription)
                else:
                    self._do.want(subscription)
            elif now - since >= BEHIND_S and subscription.reads:
                self._idle[subscription] = math.inf  # told; it may be again, when it has got further
                self._do.doubt(subscription)
        self._look_at_those_far_behind(now)

    def came(self, sequence: int) -> None:
        """The log has come so far: whom it has reached goes on. Costs nothing for all others."""
        if sequence >= self._ahead.nearest:
            for subscription in self._ahead.reached(sequence):
                self._do.want(subscription)

    def _look_at_those_ahead(self, now: float, *, contact: bool) -> None:
        if not contact:
            self._ahead.wait_from(now)
            return
        for subscription in self._ahead.since_before(now - AHEAD_S):
            self._ahead.remove(subscription)
            self._begin_anew(subscription)

    def _look_at_those_who_take_nothing(self, now: float) -> None:
        for subscription in list(self._stuck):
            since = subscription.paused_since
            if since is not None and now - since > STUCK_S:
                del self._stuck[subscription]
                self._do.give_up(subscription)

    def _look_at_those_far_behind(self, now: float) -> None:
        for subscription, before in list(self._far.items()):
            if not subscription.resuming:
                del self._far[subscription]
            elif now - before.at_s >= NEARER_S:
                left = self._ring.last - subscription.at
                if left > before.messages * (1 - NEARER_BY):
                    del self._far[subscription]
                    self._begin_anew(subscription)
                else:
                    self._far[subscription] = _Distance(now, left)

    def _begin_anew(self, subscription: Subscription) -> None:
        self._do.begin_anew(subscription)
        self._do.want(subscription)

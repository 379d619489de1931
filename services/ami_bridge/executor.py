"""Carries commands out, each at most once, and always with an outcome.

Nothing is sent a second time: an order that comes again (a network that repeats, a gateway that does) gets
the outcome of the first, also while that is still under way. Orders are remembered longer than any deadline
reaches, so that one that comes again after its deadline is not told "too late, nothing was sent".
Queries change nothing and are simply answered again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from services.ami_bridge.attempt import MOST_AHEAD_MS, Attempt
from services.ami_bridge.core.order import Order
from services.ami_bridge.ports import LivePbx, ServerTime
from shared.commands import QUERIES, Command, Outcome, action_of

log = logging.getLogger("pbxis.bridge.commands")

REMEMBERED_S = MOST_AHEAD_MS / 1000 + 60


class Executor:
    """Fulfils ``ports.CommandHandler`` for one PBX."""

    def __init__(
        self, pbx: LivePbx, server_time: ServerTime, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``monotonic`` in seconds; tests give their own."""
        self._pbx = pbx
        self._server_time = server_time
        self._monotonic = monotonic
        # By command id, in the order they came: when, and the outcome once there is one.
        self._orders: dict[str, tuple[float, asyncio.Future[Outcome]]] = {}
        self._under_way: set[asyncio.Timeout] = set()

    async def execute(self, order: Order, command: Command) -> Outcome:
        """See ``ports.CommandHandler``."""
        if action_of(command) in QUERIES:
            return await self._logged(order, command)
        self._forget_old()
        known = self._orders.get(order.command_id)
        if known is not None:
            log.info("%s came again; it gets the outcome of the first", order.command_id)
            return await asyncio.shield(known[1])
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._orders[order.command_id] = self._monotonic(), outcome
        try:
            result = await self._logged(order, command)
        except BaseException:
            # Others may wait for it, and it has no end now.
            outcome.cancel()
            raise
        outcome.set_result(result)
        return result

    def give_up(self) -> None:
        """See ``ports.CommandHandler``."""
        now = asyncio.get_running_loop().time()
        while self._under_way:
            self._under_way.pop().reschedule(now)

    def _forget_old(self) -> None:
        oldest = self._monotonic() - REMEMBERED_S
        while self._orders:
            command_id = next(iter(self._orders))
            if self._orders[command_id][0] > oldest:
                break
            del self._orders[command_id]

    async def _logged(self, order: Order, command: Command) -> Outcome:
        began = self._monotonic()
        outcome = await self._ended(order, command)
        action = action_of(command)
        # What is done stands in the gateways' audit; here it is told when somebody looks closely.
        level = logging.DEBUG if action in QUERIES or outcome.result == "done" else logging.INFO
        if log.isEnabledFor(level):
            record = {
                "id": order.command_id,
                "caller": order.caller,
                "action": action,
                "outcome": outcome.result,
                "code": outcome.code,
                "ms": round((self._monotonic() - began) * 1000, 1),
            }
            log.log(level, "%s", msgspec.json.encode(record).decode())
        return outcome

    async def _ended(self, order: Order, command: Command) -> Outcome:
        """An outcome, whatever happens."""
        attempt = Attempt(self._pbx, self._server_time, order.deadline_ms)
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._under_way.add(limit)
                try:
                    return await attempt.run(command)
                finally:
                    self._under_way.discard(limit)
        except Exception:
            if limit.expired():
                return attempt.cut_short("The bridge was stopped")
            # The outermost: a bug must not leave whoever asked without an answer.
            log.exception("%s failed", order.command_id)
            return attempt.cut_short("The bridge failed")

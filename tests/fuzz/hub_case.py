"""Gateways and clients under everything that may happen to them, in any order.

Two gateways read one log, each at its own pace; streams and polls come, go, fall asleep, come back to either.
NATS loses old messages or the whole log, or is away. Each client checks every event against the log: exactly
once, in order, no gap that ``reset`` does not announce, figures those of the log. At the end NATS may be away
for a while, and nobody may show a PBX as live then; at last all is quiet, and everybody must have everything,
also the silence of a bridge.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable

from services.gateway.subscription import End
from tests.fuzz.hub_client import PollClient, StreamClient, any_scope
from tests.fuzz.hub_world import PBXS, Gateway, World
from tests.support.gateway_fakes import FakeClock

_ROUNDS = 400
"""In so many rounds of reading all that there is, everybody comes to rest."""
_QUICK_ROUNDS = 100
_SILENT_ROUNDS = 40
"""After so many, who has waited has waited too long."""
_PAUSE_S = 0.01  # who found NATS away tries again after a while


def run(rng: random.Random) -> Counter[str]:
    """One case."""
    logger = logging.getLogger("pbxis.gateway")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # of fences and foreign PBXs nothing need be said here
    try:
        return asyncio.run(_run(rng))
    finally:
        logger.setLevel(level)


async def _run(rng: random.Random) -> Counter[str]:
    scene = _Scene(rng)
    try:
        for _ in range(rng.randint(50, 400)):
            scene.something()
            if rng.random() < 0.5:
                await asyncio.sleep(0)
        if rng.random() < 0.4:
            await scene.lose_nats()
        await scene.come_to_rest()
    finally:
        await scene.end()
    return scene.done


class _Scene:
    """All that there is, and what may happen to it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.done: Counter[str] = Counter()
        self._clock = FakeClock()
        self._world = World(rng)
        self._world.write(rng.randint(0, 30))
        self.gateways = [Gateway(self._world, self._clock) for _ in range(2)]
        self._gone: list[Gateway] = []
        self._heard = [pbx for pbx in PBXS if rng.random() < 0.8]
        scopes = [any_scope(rng) for _ in range(3)]  # some clients share one
        self._streams = [StreamClient(self._world, rng.choice(scopes), self.done) for _ in range(4)]
        self._polls = [PollClient(self._world, rng.choice(scopes), self.done) for _ in range(2)]
        often, seldom, rarely = 20, 5, 1
        self._happenings: dict[Callable[[], None], int] = {
            self._write: often,
            self._feed: often,
            self._turn: often,
            self._read: often,
            self._connect: seldom,
            self._disconnect: seldom,
            self._ask: seldom,
            self._answer: seldom,
            self._time: seldom,
            self._contact: seldom,
            self._burst: rarely,
            self._begin: rarely,
            self._expire: rarely,
            self._renew: rarely if rng.random() < 0.3 else 0,
            self._away: rarely,
            self._stop: rarely,
            self._kill: rarely,
        }

    def something(self) -> None:
        """One thing happens."""
        self.done["happenings"] += 1
        self._rng.choices(list(self._happenings), list(self._happenings.values()))[0]()

    async def end(self) -> None:
        """End what runs."""
        for gateway in (*self.gateways, *self._gone):
            await gateway.end()

    async def lose_nats(self) -> None:
        """Nothing happens any more, for NATS is away; whoever reads must come to know it."""
        self.done["losses"] += 1
        if self._rng.random() < 0.7:  # most show their PBXs as live
            self._all_come()
            for number in range(5):
                await self._catch_up(number)
        for stream in self._streams:
            if self._rng.random() < 0.3:
                stream.stall()
        self._world.write(self._rng.choice((0, 20)))
        self._world.away = True
        for gateway in self.gateways:
            if self._rng.random() < 0.5:
                gateway.read(10**9)
            if self._rng.random() < 0.3:
                gateway.begin()  # and perhaps it does not come to an end
            gateway.hub.stale("fuzz")
        for number in range(_SILENT_ROUNDS):
            await self._catch_up(number)
        for stream in self._streams:
            if stream.gateway in self.gateways:
                stream.check_honest()
        for poll in self._polls:
            poll.answer()
            poll.ask(self._rng.choice(self.gateways))
            for number in range(_SILENT_ROUNDS):
                await self._catch_up(number)
            if poll.answer():
                poll.check_honest()

    async def come_to_rest(self) -> None:
        """Nothing happens any more, and everybody catches up."""
        self._all_come()
        for number in range(_ROUNDS):
            await self._catch_up(number)
            if number < _SILENT_ROUNDS:
                continue
            if all(one.at_rest for one in self._streams) and all(one.loop.idle for one in self.gateways):
                break
        for stream in self._streams:
            assert stream.gateway is not None
            stream.check_complete(stream.gateway)
        for poll in self._polls:
            await self._poll_to_the_end(poll)
        for gateway in self.gateways:
            assert gateway.hub.lagging == 0

    def _all_come(self) -> None:
        """Every gateway reads all that there is, and every stream is with one."""
        self._world.away = False
        for gateway in self.gateways:
            if gateway.behind > len(self._world.log.stored) or gateway.hub.position() is None:
                gateway.begin()
            gateway.read(10**9)
            gateway.hub.fresh()
        for stream in self._streams:
            if stream.gateway in self._gone:
                stream.read(10**9)
                stream.disconnect()
            if stream.gateway is None:
                stream.connect(self._rng.choice(self.gateways))

    async def _catch_up(self, number: int) -> None:
        self._clock.go(0.3)
        for pbx in self._heard:
            for gateway in self.gateways:
                gateway.hub.alive(pbx)
        for gateway in self.gateways:
            gateway.hub.tick()
            gateway.loop.run()
        await asyncio.sleep(0 if number < _QUICK_ROUNDS else _PAUSE_S)
        for stream in self._streams:
            stream.read(10**9)
            gateway = stream.gateway
            if stream.ended and gateway is not None:
                stream.disconnect()
                if gateway in self.gateways:
                    stream.connect(gateway)

    async def _poll_to_the_end(self, poll: PollClient) -> None:
        poll.answer()
        gateway = self._rng.choice(self.gateways)
        for _ in range(_ROUNDS):
            before = poll.position
            poll.ask(gateway)
            for number in range(_ROUNDS):
                await self._catch_up(number)
                if poll.due:
                    break
            if not poll.answer():
                await asyncio.sleep(_PAUSE_S)
            elif poll.position is not None and poll.position == before:
                break
        poll.check_complete(gateway)

    # What may happen.

    def _gateway(self) -> Gateway:
        return self._rng.choice(self.gateways)

    def _write(self) -> None:
        self._world.write(self._rng.randint(1, 4))

    def _burst(self) -> None:
        self._world.write(self._rng.choice((50, 700, 2500)))

    def _feed(self) -> None:
        self._gateway().read(self._rng.choice((1, 5, 10**9)))

    def _turn(self) -> None:
        loop = self._gateway().loop
        self._rng.choice((loop.turn, loop.run))()

    def _read(self) -> None:
        stream = self._rng.choice(self._streams)
        if stream.gateway is not None:
            stream.read(self._rng.choice((1, 5, 10**9)))
            if stream.ended and stream.has_read_all:
                stream.disconnect()

    def _connect(self) -> None:
        stream = self._rng.choice(self._streams)
        if stream.gateway is None:
            stream.connect(self._gateway())

    def _disconnect(self) -> None:
        self._rng.choice(self._streams).disconnect()

    def _ask(self) -> None:
        self._rng.choice(self._polls).ask(self._gateway())

    def _answer(self) -> None:
        self._rng.choice(self._polls).answer(lost=self._rng.random() < 0.2)

    def _time(self) -> None:
        self._clock.go(self._rng.choice((0.001, 0.1, 1.0, 3.0, 7.0, 40.0)))
        for gateway in self.gateways:
            if self._rng.random() < 0.7:
                gateway.hub.tick()
            if self._rng.random() < 0.3:
                gateway.hub.ping()

    def _contact(self) -> None:
        hub, kind = self._gateway().hub, self._rng.randrange(4)
        if kind == 0:
            hub.stale("fuzz")
        elif kind == 1:
            hub.fresh()
        else:
            hub.alive(self._rng.choice(PBXS))

    def _begin(self) -> None:
        self._gateway().begin()

    def _expire(self) -> None:
        log = self._world.log
        log.first = max(log.first, self._rng.randint(0, log.last))

    def _renew(self) -> None:
        self._world.renew()
        self._world.write(self._rng.randint(0, 30))

    def _stop(self) -> None:
        """A gateway stops and another comes; its clients are given what there is for them, and move."""
        self._replace().hub.end_all(End.STOPPING)

    def _kill(self) -> None:
        """A gateway is gone at once, with all that was on its way."""
        killed = self._replace()
        for stream in self._streams:
            if stream.gateway is killed:
                stream.disconnect()
        for poll in self._polls:
            poll.drop(killed)

    def _replace(self) -> Gateway:
        index = self._rng.randrange(len(self.gateways))
        gone, self.gateways[index] = self.gateways[index], Gateway(self._world, self._clock)
        self._gone.append(gone)
        self.done["gateways"] += 1
        return gone

    def _away(self) -> None:
        self._world.away = not self._world.away

"""Many orders at once over two gateways, a fifth of them twice, and one of the services dies while they run.

Clients do what an answer tells them: 503 says that nothing was sent, so they ask again with the same key;
when none comes they ask the other gateway; anything else is an end. The phone is busy, so each call is over
at once; it counts them by their numbers.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.e2e.action_scene import BUS_AWAY, NOT_SENT, UNKNOWN, Scene, acting, originate, outcome
from tests.support.asterisk_rig import AsteriskRig
from tests.support.floor_processes import Reply
from tests.support.sip import Answering
from tests.support.waiting import until

TIMEOUT_S = 3
ORDERS = 1000
KEYS = 800
AT_ONCE = 32
KILLED_AFTER = (250, 600)
"""How many orders have an end when the bridge is killed."""
MOST_TRIES = 50
WITHIN_S = 45.0


@dataclass
class Clients:
    """Orders that are under way at both gateways, and their answers by key."""

    scene: Scene
    orders: Iterator[tuple[int, str]]
    replies: dict[str, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    ended: int = 0
    unanswered: int = 0
    acting: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """One client: order after order, each until it has an end."""
        for number, key in self.orders:
            for attempt in range(MOST_TRIES):
                gateway = self.scene.floor.alive[(number + attempt) % len(self.scene.floor.alive)]
                try:
                    reply = await originate(gateway, key, f"order-{key}")
                except httpx.TransportError:
                    self.unanswered += 1
                    continue
                self.replies[key].append(reply)
                if reply.status != 503:
                    break
                await self.acting.wait()
            self.ended += 1

    async def kill_and_start(self, kill: Callable[[Scene], Awaitable[None]]) -> None:
        """Each time so many orders have an end."""
        self.acting.set()
        for count in KILLED_AFTER:
            await until(lambda count=count: self.ended >= count, WITHIN_S, f"{count} orders")
            self.acting.clear()
            await kill(self.scene)
            await self.scene.floor.until_acting()
            self.acting.set()


async def bridge(scene: Scene) -> None:
    """Kill it, and start another."""
    await scene.floor.bridges["hq"].kill()
    await scene.floor.start_bridge()


async def nats_server(scene: Scene) -> None:
    """Kill it, and start it with what it has on disk."""
    await asyncio.to_thread(scene.floor.nats.kill)
    await asyncio.to_thread(scene.floor.nats.start)


async def gateway(scene: Scene) -> None:
    """Kill one, and start another."""
    await scene.floor.alive[0].kill()
    await scene.floor.start_gateway()


@pytest.fixture
async def scene(pbx: AsteriskRig, tmp_path: Path) -> AsyncGenerator[Scene]:
    """148's phone refuses every call."""
    async with acting(pbx, tmp_path, timeout_s=TIMEOUT_S, answering=Answering.BUSY) as running:
        yield running


@pytest.mark.parametrize("kill", [bridge, gateway, nats_server])
async def test_each_key_is_one_call_at_most_although_one_is_killed_twice(
    scene: Scene, kill: Callable[[Scene], Awaitable[None]]
) -> None:
    keys = [str(10_000 + number) for number in range(KEYS)]
    chance = random.Random(3)
    orders = [*keys, *chance.sample(keys, ORDERS - KEYS)]
    chance.shuffle(orders)
    clients = Clients(scene, iter(list(enumerate(orders))))

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        group.create_task(clients.kill_and_start(kill))
        for _ in range(AT_ONCE):
            group.create_task(clients.run())
    during = Counter(str(reply.status) for replies in clients.replies.values() for reply in replies)
    # Every key once more: no end changes any more.
    again = Clients(scene, iter(list(enumerate(keys))), clients.replies)
    again.acting.set()
    await asyncio.gather(*(again.run() for _ in range(AT_ONCE)))
    done = {key for key, replies in clients.replies.items() if replies[-1].status == 200}
    await until(lambda: done <= {*scene.rung}, what="every call that is done reaches the phone")
    await scene.settled()

    calls = Counter(scene.rung)
    del calls["999"]
    unknown = set(keys) - done
    print(
        f"\n{ORDERS} orders of {KEYS} keys, {kill.__name__} killed {len(KILLED_AFTER)} times: "
        f"answers {dict(during)}, none {clients.unanswered}; keys done {len(done)}, "
        f"unknown {len(unknown)}, of which {len(unknown & set(calls))} rang; calls {calls.total()}, "
        f"most of one key {max(calls.values())}"
    )
    assert set(calls.values()) == {1}
    assert calls.keys() <= {*keys}
    assert Counter(scene.ordered).most_common(1)[0][1] == 1
    for key, replies in clients.replies.items():
        assert {outcome(reply) for reply in replies} <= {(200, None), UNKNOWN, NOT_SENT, BUS_AWAY}, key
        ends = [reply for reply in replies if reply.status != 503]
        assert len({(reply.status, reply.command_id) for reply in ends}) == 1, (key, ends)
        assert all(reply.body == reply.command_id for reply in ends if reply.status == 200)
    assert unknown or clients.unanswered, "nobody was killed in the middle of anything"

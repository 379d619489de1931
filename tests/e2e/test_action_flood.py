"""Many orders at once over two gateways, a fifth of them twice, and the bridge dies while they run.

Clients do what an answer tells them: 503 says that nothing was sent, so they ask again with the same key;
anything else is an end. The phone is busy, so each call is over at once; it counts them by their numbers.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

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
    bridge_acts: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """One client: order after order, each until it has an end."""
        for number, key in self.orders:
            gateway = self.scene.floor.gateways[number % 2]
            for _ in range(MOST_TRIES):
                reply = await originate(gateway, key, f"order-{key}")
                self.replies[key].append(reply)
                if reply.status != 503:
                    break
                await self.bridge_acts.wait()
            self.ended += 1

    async def kill_bridge_and_start_it(self) -> None:
        """Each time so many orders have an end."""
        self.bridge_acts.set()
        for count in KILLED_AFTER:
            await until(lambda count=count: self.ended >= count, WITHIN_S, f"{count} orders")
            self.bridge_acts.clear()
            await self.scene.floor.bridges["hq"].kill()
            await self.scene.floor.start_bridge()
            await self.scene.floor.until_acting()
            self.bridge_acts.set()


@pytest.fixture
async def scene(pbx: AsteriskRig, tmp_path: Path) -> AsyncGenerator[Scene]:
    """148's phone refuses every call."""
    async with acting(pbx, tmp_path, timeout_s=TIMEOUT_S, answering=Answering.BUSY) as running:
        yield running


async def test_each_key_is_one_call_at_most_although_the_bridge_is_killed_twice(scene: Scene) -> None:
    keys = [str(10_000 + number) for number in range(KEYS)]
    chance = random.Random(3)
    orders = [*keys, *chance.sample(keys, ORDERS - KEYS)]
    chance.shuffle(orders)
    clients = Clients(scene, iter(list(enumerate(orders))))

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        group.create_task(clients.kill_bridge_and_start_it())
        for _ in range(AT_ONCE):
            group.create_task(clients.run())
    during = Counter(str(reply.status) for replies in clients.replies.values() for reply in replies)
    # Every key once more, at the gateway that did not have it first: no end changes any more.
    for number, key in enumerate(keys):
        clients.replies[key].append(await originate(scene.floor.gateways[number % 2], key, f"order-{key}"))
    done = {key for key, replies in clients.replies.items() if replies[-1].status == 200}
    await until(lambda: done <= {*scene.rung}, what="every call that is done reaches the phone")
    await scene.settled()

    calls = Counter(scene.rung)
    del calls["999"]
    unknown = set(keys) - done
    print(
        f"\n{ORDERS} orders of {KEYS} keys, bridge killed {len(KILLED_AFTER)} times: answers {dict(during)}; "
        f"keys done {len(done)}, unknown {len(unknown)}, of which {len(unknown & set(calls))} rang; "
        f"calls {calls.total()}, most of one key {max(calls.values())}"
    )
    assert set(calls.values()) == {1}
    assert calls.keys() <= {*keys}
    assert Counter(scene.ordered).most_common(1)[0][1] == 1
    for key, replies in clients.replies.items():
        assert {outcome(reply) for reply in replies} <= {(200, None), UNKNOWN, NOT_SENT, BUS_AWAY}, key
        ends = [reply for reply in replies if reply.status != 503]
        assert len({(reply.status, reply.command_id) for reply in ends}) == 1, (key, ends)
        assert all(reply.body == reply.command_id for reply in ends if reply.status == 200)
    assert unknown, "the bridge was not killed in the middle of anything"

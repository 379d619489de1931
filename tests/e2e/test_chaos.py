"""Services die and freeze under load: every client's history is the log's, and its state Asterisk's."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.chaos_scene import Scene, chaos
from tests.support.asterisk_rig import AsteriskRig

FROZEN_FOR = 100
"""Actions that Asterisk answers meanwhile, about three seconds."""


async def restart_nats(scene: Scene) -> None:
    await asyncio.to_thread(scene.floor.nats.kill)
    await asyncio.to_thread(scene.floor.nats.start)


async def freeze_nats(scene: Scene, chance: random.Random) -> None:
    await asyncio.to_thread(scene.floor.nats.freeze)
    await scene.time_passes(chance)
    scene.floor.nats.thaw()


async def kill_nats(scene: Scene, chance: random.Random) -> None:
    await asyncio.to_thread(scene.floor.nats.kill)
    await scene.time_passes(chance)
    await asyncio.to_thread(scene.floor.nats.start)


async def freeze_a_gateway(scene: Scene, chance: random.Random) -> None:
    gateway = chance.choice(scene.floor.alive)
    gateway.freeze()
    await scene.time_passes(chance)
    gateway.thaw()


async def kill_a_gateway(scene: Scene, chance: random.Random) -> None:
    await chance.choice(scene.floor.alive).kill()
    await scene.time_passes(chance)
    await scene.floor.start_gateway()


async def freeze_a_bridge(scene: Scene, chance: random.Random) -> None:
    bridge = chance.choice(scene.bridges)
    bridge.freeze()
    await scene.time_passes(chance)
    bridge.thaw()


async def kill_a_bridge(scene: Scene, chance: random.Random) -> None:
    await chance.choice(scene.bridges).kill()
    await scene.time_passes(chance)
    await scene.floor.start_bridge()


async def freeze_asterisk(scene: Scene, chance: random.Random) -> None:
    await scene.pbx.stop_signal()
    await scene.time_passes(chance)
    await scene.pbx.cont()


async def kill_asterisk(scene: Scene, chance: random.Random) -> None:
    await scene.pbx.kill()
    await scene.time_passes(chance)
    await scene.pbx.start()


Happening = Callable[[Scene, random.Random], Awaitable[None]]
HAPPENINGS: list[Happening] = [
    freeze_nats,
    kill_nats,
    freeze_a_gateway,
    kill_a_gateway,
    freeze_a_bridge,
    kill_a_bridge,
    freeze_asterisk,
    kill_asterisk,
]


def rounds(chance: random.Random) -> list[tuple[Happening, Happening]]:
    """Everything once and some twice, always two at a time, and never two to the same service."""
    while True:
        order = chance.sample(HAPPENINGS, len(HAPPENINGS)) + chance.sample(HAPPENINGS, 4)
        pairs = list(zip(order[::2], order[1::2], strict=True))
        if all(to_whom(one) != to_whom(other) for one, other in pairs):
            return pairs


def to_whom(happening: Happening) -> str:
    """The service that it happens to."""
    return happening.__name__.rpartition("_")[2]


async def test_nats_is_killed_and_freezes(pbx: AsteriskRig, tmp_path: Path) -> None:
    async with chaos(pbx, tmp_path, seed=11) as scene:
        await scene.work()
        for _ in range(2):
            await restart_nats(scene)
            await scene.work()
        await asyncio.to_thread(scene.floor.nats.freeze)
        await scene.supervisor.until_more(FROZEN_FOR)
        scene.floor.nats.thaw()
        await scene.work()
        await asyncio.to_thread(scene.floor.nats.kill)
        await scene.clients.until_status("offline")
        await asyncio.to_thread(scene.floor.nats.start)
        await scene.work()
        await scene.settle()
        await scene.logged()
        assert scene.clients.resets == 0


async def test_gateways_are_killed_and_freeze(pbx: AsteriskRig, tmp_path: Path) -> None:
    async with chaos(pbx, tmp_path, seed=12) as scene:
        await scene.work()
        first, second = scene.floor.gateways
        first.freeze()
        await scene.supervisor.until_more(FROZEN_FOR)
        first.thaw()
        await scene.work()
        await first.kill()
        await scene.work()
        await scene.floor.start_gateway()
        await second.kill()
        await scene.work()
        await scene.floor.start_gateway()
        await scene.work()
        await scene.settle()
        await scene.logged()
        assert scene.clients.resets == 0


async def test_the_bridge_is_killed_and_freezes(pbx: AsteriskRig, tmp_path: Path) -> None:
    async with chaos(pbx, tmp_path, seed=13) as scene:
        await scene.work()
        bridge = scene.floor.bridges["hq"]
        bridge.freeze()
        await scene.supervisor.until_more(FROZEN_FOR)
        bridge.thaw()
        await scene.work()
        await bridge.kill()
        await scene.clients.until_status("offline")
        await scene.floor.start_bridge()
        await scene.clients.until_status("online")
        await scene.work()
        await scene.settle()
        assert scene.clients.resets == 0


async def test_asterisk_is_killed_and_freezes(pbx: AsteriskRig, tmp_path: Path) -> None:
    async with chaos(pbx, tmp_path, seed=14, asterisk_dies=True) as scene:
        await scene.work()
        await pbx.stop_signal()
        await scene.clients.until_status("offline")
        await pbx.cont()
        await scene.clients.until_status("online")
        await scene.work()
        await pbx.kill()
        await scene.clients.until_status("offline")
        await pbx.start()
        await scene.clients.until_status("online")
        await scene.work()
        await scene.settle()
        assert scene.clients.resets == 0


async def test_the_acting_bridge_is_killed_and_freezes_beside_another(
    pbx: AsteriskRig, tmp_path: Path
) -> None:
    async with chaos(pbx, tmp_path, seed=15, bridges=2) as scene:
        await scene.work()
        first, second = scene.bridges
        await first.kill()
        await scene.work()
        await scene.floor.start_bridge()  # it must not be faster than the one that stood by
        await scene.until_in_step()
        await scene.work()
        second.freeze()
        await scene.supervisor.until_more(2 * FROZEN_FOR)  # longer than the lease
        await scene.clients.until_told()
        second.thaw()
        await scene.work()
        await scene.settle()
        await scene.logged()
        assert scene.clients.resets == 0


async def test_everything_dies_and_freezes_at_random(pbx: AsteriskRig, tmp_path: Path) -> None:
    async with chaos(pbx, tmp_path, seed=16, bridges=2, asterisk_dies=True) as scene:
        await scene.work()
        chance = random.Random(scene.seed)
        for happenings in rounds(chance):
            print("\n" + " and ".join(happening.__name__ for happening in happenings), end="")
            await asyncio.gather(*(happening(scene, chance) for happening in happenings))
        await scene.clients.until_status("online")
        await scene.work()
        await scene.settle()
        assert scene.clients.resets == 0

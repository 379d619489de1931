"""A cluster of three NATS nodes, three copies of everything: nothing is lost, doubled or out of order.

One node after the other is killed, frozen, cut off and restarted while a bridge publishes, two gateways read
and twenty clients stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.chaos.crowd import Crowd, crowd
from tests.support.chaos.scripted_load import ScriptedLoad, be_empty
from tests.support.floor_processes import Floor, FloorPbx, running_floor
from tests.support.nats_cluster import NatsCluster, NatsNode, nats_cluster
from tests.support.scripted_ami import scripted_ami

AGENTS = [str(number) for number in range(140, 150)]
QUEUE = "support"
STREAMS = ("PBXIS_LOG", "PBXIS_STATE", "KV_PBXIS_TICKETS")
A_WHILE = 150
"""Things said, about three seconds."""
TOLD_WITHIN_S = 40.0


@dataclass
class Scene:
    """What runs, and who watches."""

    cluster: NatsCluster
    floor: Floor
    load: ScriptedLoad
    clients: Crowd

    async def recovers(self) -> None:
        """Every client is told all there is, and the cluster is whole again."""
        await self.clients.until_told(TOLD_WITHIN_S)
        await self.cluster.in_step(*STREAMS)


async def killed(node: NatsNode, scene: Scene) -> None:
    await node.kill()
    await scene.load.until_more(A_WHILE)
    await scene.clients.until_told(TOLD_WITHIN_S)  # with two of three
    await node.start()


async def frozen(node: NatsNode, scene: Scene) -> None:
    await node.freeze()
    await scene.load.until_more(A_WHILE)
    await scene.clients.until_told(TOLD_WITHIN_S)
    await node.thaw()


async def isolated(node: NatsNode, scene: Scene) -> None:
    await node.isolate()
    await scene.load.until_more(A_WHILE)
    await node.rejoin()


async def unplugged(node: NatsNode, scene: Scene) -> None:
    await node.unplug()
    await scene.load.until_more(A_WHILE)
    await scene.clients.until_told(TOLD_WITHIN_S)
    await node.plug_in()


async def restarted(node: NatsNode, scene: Scene) -> None:
    for each in [node, *(other for other in scene.cluster.nodes if other is not node)]:
        await each.stop()
        await each.start()
        await scene.cluster.in_step(*STREAMS)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncGenerator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(nats_cluster(tmp_path))
        ami = await stack.enter_async_context(scripted_ami())
        be_empty(ami)
        pbxs = [FloorPbx(ami.port, "scripted")]
        settings = "open = true\npoll_timeout_s = 2"
        floor = await stack.enter_async_context(running_floor(tmp_path, pbxs, gateway=settings, bus=cluster))
        urls = [gateway.url for gateway in floor.gateways]
        clients = await stack.enter_async_context(
            crowd(lambda: urls, cluster.admin, AGENTS, [QUEUE], seed=21)
        )
        load = ScriptedLoad(ami, AGENTS, QUEUE)
        speaking = asyncio.create_task(load.run())
        try:
            yield Scene(cluster, floor, load, clients)
        finally:
            load.stop()
            await speaking


@pytest.mark.parametrize(
    "happenings", [[killed, frozen, restarted], [isolated, unplugged]], ids=["away", "cut off"]
)
async def test_nothing_is_lost_doubled_or_out_of_order(
    scene: Scene, happenings: list[Callable[[NatsNode, Scene], Awaitable[None]]]
) -> None:
    for happening in happenings:
        await scene.load.until_more(20)
        leader = await scene.cluster.leader("PBXIS_LOG")
        begun = time.monotonic()
        await happening(leader, scene)
        await scene.recovers()
        print(
            f"\n{leader.name} {happening.__name__}: whole again after {time.monotonic() - begun:.1f} s",
            end="",
        )
    await scene.load.until_more(20)
    scene.load.stop()
    await scene.clients.until_status("online", within_s=TOLD_WITHIN_S)
    log = await scene.clients.until_told(TOLD_WITHIN_S)
    scene.load.logged(log)
    await scene.clients.check(log)
    clients = scene.clients
    print(f"\n{scene.load.said} said; {clients.connections} connections, {clients.resets} resets")
    assert clients.resets == 0

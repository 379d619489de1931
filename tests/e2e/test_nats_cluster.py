"""A cluster of three NATS nodes, three copies of everything: nothing is lost, doubled or out of order.

One node after the other is killed, frozen, cut off and restarted while a bridge publishes, another stands by,
two gateways read and twenty clients stream.
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
from tests.support.chaos.log_copy import LogCopy
from tests.support.chaos.scripted_load import ScriptedLoad, be_empty
from tests.support.floor_processes import Floor, FloorPbx, Service, running_floor
from tests.support.nats_cluster import NatsCluster, NatsNode, nats_cluster
from tests.support.scripted_ami import scripted_ami
from tests.support.waiting import until

AGENTS = [str(number) for number in range(140, 150)]
QUEUE = "support"
STREAMS = ("PBXIS_LOG", "PBXIS_STATE", "KV_PBXIS_TICKETS")
A_WHILE = 150
"""Things said, about three seconds."""
TOLD_WITHIN_S = 40.0


def acts(bridge: Service) -> bool:
    """Whether it says so."""
    return bridge.log.rfind(" acting") > bridge.log.rfind("standing by")


@dataclass
class Scene:
    """What runs, and who watches."""

    cluster: NatsCluster
    floor: Floor
    load: ScriptedLoad
    clients: Crowd

    def bridges(self) -> tuple[Service, Service]:
        """The one that acts, and the other."""
        one, other = (bridge for bridge in self.floor.services if bridge not in self.floor.gateways)
        return (one, other) if acts(one) else (other, one)

    async def until_all_told(self) -> LogCopy:
        """Wait until all that was said is in the log, as a bridge may be about to take over, and told."""
        log = await self.clients.until_told(TOLD_WITHIN_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_WITHIN_S):
                while len(log.moments("agentComplete")) < self.load.said:
                    log = await self.clients.until_told(TOLD_WITHIN_S)
        return log

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


async def frozen_with_the_acting_bridge_killed(node: NatsNode, scene: Scene) -> None:
    await node.freeze()
    acting, standby = scene.bridges()
    await acting.kill()
    await until(lambda: acts(standby), TOLD_WITHIN_S, f"the other acts:\n{standby.log}")
    await scene.load.until_more(A_WHILE)
    await scene.clients.until_told(TOLD_WITHIN_S)
    await node.thaw()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncGenerator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(nats_cluster(tmp_path))
        ami = await stack.enter_async_context(scripted_ami())
        be_empty(ami)
        pbxs = [FloorPbx(ami.port, "scripted")]
        settings = "open = true\npoll_timeout_s = 2"
        floor = await stack.enter_async_context(running_floor(tmp_path, pbxs, gateway=settings, bus=cluster))
        first = floor.bridges["hq"]
        standby = await floor.start_bridge()
        await until(lambda: acts(first) and "in step" in standby.log, TOLD_WITHIN_S, "both are in step")
        urls = [gateway.url for gateway in floor.gateways]
        clients = await stack.enter_async_context(
            crowd(lambda: urls, cluster.admin, AGENTS, [QUEUE], seed=21)
        )
        load = ScriptedLoad(ami, AGENTS, QUEUE)
        speaking = asyncio.create_task(load.run())
        made = Scene(cluster, floor, load, clients)
        try:
            yield made
        finally:
            load.stop()
            await speaking
            for bridge in made.bridges():
                print(f"\n{bridge.log}")


@pytest.mark.parametrize(
    "happenings",
    [[killed, frozen, restarted], [isolated, unplugged], [frozen_with_the_acting_bridge_killed]],
    ids=["away", "cut off", "with its bridge"],
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
    log = await scene.until_all_told()
    scene.load.logged(log)
    await scene.clients.check(log)
    clients = scene.clients
    print(f"\n{scene.load.said} said; {clients.connections} connections, {clients.resets} resets")
    assert clients.resets == 0

"""A busy Asterisk, its bridge, two gateways and twenty clients, all of which may be killed and frozen.

async with chaos(pbx, folder, seed=1) as scene:
    await scene.floor.gateways[0].kill()
    ...
    await scene.settle()    # the load ends, and everything is compared
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.test_failures import AGENTS, QUEUES, lists_of
from tests.support.asterisk_rig import AsteriskRig
from tests.support.chaos.ami_load import AmiLoad
from tests.support.chaos.call_load import CallLoad, Conversation, Witness, witness
from tests.support.chaos.crowd import Crowd, crowd
from tests.support.chaos.log_copy import LogCopy
from tests.support.floor_processes import Floor, FloorPbx, GatewayService, Service, running_floor
from tests.support.nats import admin
from tests.support.waiting import until

TALKING = ["147", "148", "149"]
SIGNING = [agent for agent in AGENTS if agent not in TALKING]
CALLS_FOR = "support"
CALLERS = 4
_LOGGED_WITHIN_S = 10.0
_BEGUN_WITHIN_S = 20.0
_PASSES_S = (0.5, 3.0)
_GATEWAY = "open = true\npoll_timeout_s = 2"


@dataclass
class Scene:
    """What runs, and who watches. ``witness`` is missing where Asterisk itself is to die."""

    pbx: AsteriskRig
    floor: Floor
    clients: Crowd
    supervisor: AmiLoad
    calls: CallLoad
    witness: Witness | None
    seed: int

    @property
    def bridges(self) -> list[Service]:
        """Those that were not killed, in the order they were started."""
        found = [service for service in self.floor.services if not isinstance(service, GatewayService)]
        return [bridge for bridge in found if bridge.process.returncode is None]

    async def time_passes(self, chance: random.Random) -> None:
        """Half a second to three: told by the clock, as everything else may stand still."""
        until_s = time.monotonic() + chance.uniform(*_PASSES_S)
        await until(lambda: time.monotonic() >= until_s, 2 * _PASSES_S[1], "time passes")

    async def work(self, actions: int = 60) -> None:
        """Let Asterisk work for a while, and see every client follow."""
        await self.supervisor.until_more(actions)
        await self.clients.until_told()

    async def settle(self) -> None:
        """End the load; compare what the clients were told with the log, and what they show with Asterisk."""
        self.supervisor.stop()
        await self.calls.stop()
        await self.clients.until_right(lambda: lists_of(self.pbx), AGENTS, QUEUES)
        log = await self.clients.until_told()
        await self.clients.check(log)
        assert not log.doubled("agentComplete", "queue", "agent", "uniqueId")
        for service in self.floor.services:
            assert "Traceback" not in service.log, service.log[-4000:]
        story = f"{len(log.entries)} events, {len(log.moments('agentComplete'))} conversations"
        connections = f"{self.clients.connections} connections, {self.clients.resets} resets"
        print(f"\nseed {self.seed}: {story}; {len(self.clients.members)} clients, {connections}")

    async def until_in_step(self) -> None:
        """Wait until every bridge there is follows Asterisk."""
        await until(lambda: all("in step" in one.log for one in self.bridges), what="all bridges are in step")

    async def logged(self) -> None:
        """Every conversation that ended at Asterisk is in the log, once.

        Those that only a bridge saw which was frozen come when it goes on.
        """
        assert self.witness is not None
        heard = self.witness.conversations
        assert heard
        deadline = time.monotonic() + _LOGGED_WITHIN_S
        while (told := conversations(await self.clients.until_told())) != heard:
            logs = "\n".join(one.log[-2000:] for one in self.bridges)
            assert time.monotonic() < deadline, f"lost {heard - told}, doubled {told - heard}\n{logs}"
        await self.clients.check()


def conversations(log: LogCopy) -> Counter[Conversation]:
    """Those that the log tells of."""
    return Counter(
        Conversation(event["queue"], event["agent"], event["holdTime"], event["talkTime"], event["reason"])
        for event in log.moments("agentComplete")
    )


@contextlib.asynccontextmanager
async def chaos(
    pbx: AsteriskRig, folder: Path, *, seed: int, asterisk_dies: bool = False, bridges: int = 1
) -> AsyncGenerator[Scene]:
    """All of it, when the clients show a state and the first conversations have ended."""
    async with contextlib.AsyncExitStack() as stack:
        floor = await stack.enter_async_context(
            running_floor(folder, [FloorPbx(pbx.ami_port, pbx.ami_secret)], gateway=_GATEWAY)
        )
        for _ in range(bridges - 1):
            await floor.start_bridge()
        clients = await stack.enter_async_context(
            crowd(
                lambda: [gateway.url for gateway in floor.gateways],
                lambda: admin(floor.nats),
                AGENTS,
                QUEUES,
                seed=seed,
            )
        )
        seen = None if asterisk_dies else await stack.enter_async_context(witness(pbx))
        supervisor = AmiLoad(pbx, SIGNING, QUEUES, seed)
        calls = CallLoad(pbx, TALKING, CALLS_FOR, CALLERS)
        await calls.start()
        stack.push_async_callback(calls.stop)
        supervising = asyncio.create_task(supervisor.run())
        try:
            await until(lambda: calls.ended >= 2, _BEGUN_WITHIN_S, "the first conversations")
            scene = Scene(pbx, floor, clients, supervisor, calls, seen, seed)
            await scene.until_in_step()
            yield scene
        finally:
            supervisor.stop()
            await supervising

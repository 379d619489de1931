"""Bridges as tasks of the test, of PBXs that say what a script says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from services.ami_bridge.__main__ import serve
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError
from shared.config import Config, PbxSection
from shared.events import PbxStatus
from tests.support.nats import NatsServer, connected
from tests.support.queue_traffic import QUEUE, logged
from tests.support.scripted_ami import ScriptedAmi, scripted_ami
from tests.support.scripted_pbx import play


@contextlib.asynccontextmanager
async def playing() -> AsyncGenerator[ScriptedAmi]:
    """A PBX with a queue and an agent."""
    async with scripted_ami() as ami:
        play(ami, queues=[QUEUE], agents=["148"], members={QUEUE: ["148"]})
        yield ami


@contextlib.asynccontextmanager
async def bridge_of(server: NatsServer, port: int, name: str = "hq") -> AsyncGenerator[asyncio.Task[None]]:
    """A bridge of the PBX at that port; one of the bridges acts."""
    pbx = PbxSection(
        name=name,
        host="127.0.0.1",
        port=port,
        username="bridge",
        secret="scripted",
        summary_refresh_s=3600,
    )
    bridge = asyncio.create_task(serve(Config(nats=server.section(), pbx=(pbx,)), pbx))
    try:
        async with connected(server) as reader:
            await until_online(reader, name)
        yield bridge
    finally:
        bridge.cancel()
        await asyncio.gather(bridge, return_exceptions=True)


async def until_online(connection: Connection, pbx: str) -> None:
    """Wait until the log says that the PBX is."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(BusUnavailableError):
                events = (await logged(connection)).events
                found = [event for event in events if isinstance(event, PbxStatus) and event.pbx == pbx]
                if found and found[-1].status == "online":
                    return
            await asyncio.sleep(0.05)


async def until_logged_some(connection: Connection, completed: int) -> None:
    """Wait until the log has so many moments."""
    async with asyncio.timeout(20):
        found = 0
        while found < completed:
            await asyncio.sleep(0.05)
            with contextlib.suppress(BusUnavailableError):
                found = len((await logged(connection)).completed)

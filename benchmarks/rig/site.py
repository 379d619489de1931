"""A NATS server with a log, gateways that read it, and who writes into it as a bridge does."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from nats.js.errors import NotFoundError

from benchmarks.rig import processes
from benchmarks.rig.machine import LOAD_CORE, SERVER_CORE, on_core
from benchmarks.rig.pace import paced
from benchmarks.rig.processes import Helper
from benchmarks.rig.stamped import PBX, QUEUE, Stamped, agents
from services import configuration
from services.ami_bridge.adapters.heartbeat import Heartbeat
from services.embedded_nats import EmbeddedNats
from services.jetstream.connection import Connection, connect
from services.jetstream.log import LOG, STATE, ensure_log, read_log
from shared import wire
from shared.config import Config, GatewaySection, NatsSection, PbxSection
from shared.events import AnyEvent, PbxStatus, subject_of
from shared.subjects import Subject, build

BROADCAST_AGENTS = 100
"""How many agents the scope of a client has that gets everything."""

EVERYTHING = {"agents": agents(BROADCAST_AGENTS), "queues": [QUEUE]}

AMI_USER, AMI_SECRET = "bridge", "bench"

_READY_WITHIN_S = 60.0
_STORED_WITHIN_S = 30.0


class Gateway(NamedTuple):
    """A gateway that is ready."""

    process: Helper
    port: int
    ready_after_s: float


class Site:
    """See :func:`running_site`.

    Attributes:
        talking: how many agents the events are about, in turn.
    """

    def __init__(self, folder: Path, nats: EmbeddedNats, connection: Connection, pbx: PbxSection) -> None:
        self.nats = nats
        self.connection = connection
        self._folder = folder
        self._pbx = pbx
        self._documents = [Stamped(agent) for agent in agents(BROADCAST_AGENTS)]
        self.talking = BROADCAST_AGENTS
        self._made = 0
        self._started = 0

    @property
    def nats_port(self) -> int:
        """Where the NATS server listens."""
        return urlsplit(self.nats.url).port or 0

    def config(self, role: str, **gateway: object) -> Path:
        """The configuration file of a service."""
        section = self.nats.section("gateway" if role == "gateway" else "bridge")
        settings = msgspec.structs.replace(GatewaySection(port=0, open=True), **gateway)
        file = self._folder / f"{role}.toml"
        configuration.write_private(Config(nats=section, gateway=settings, pbx=(self._pbx,)), file)
        return file

    @contextlib.asynccontextmanager
    async def bridge(self) -> AsyncGenerator[Helper]:
        """A bridge of the site's PBX, when it is in step with that, and it is shown as online."""
        command = processes.module(
            "services.ami_bridge", "--config", str(self.config("bridge")), "--pbx", PBX
        )
        self._started += 1
        starting = processes.serve(command, self._folder / f"bridge-{self._started}.log")
        async with processes.stopped_after(starting) as process:
            async with asyncio.timeout(_READY_WITHIN_S):
                while "in step" not in process.said or await self._status() != "online":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield process

    @contextlib.asynccontextmanager
    async def gateway(self, core: int | None = SERVER_CORE) -> AsyncGenerator[Gateway]:
        """A gateway, when it is ready."""
        command = processes.module("services.gateway", "--config", str(self.config("gateway")))
        self._started += 1
        log, begun = self._folder / f"gateway-{self._started}.log", time.monotonic()
        async with processes.stopped_after(processes.serve(command, log, core=core)) as process:
            line = await process.line(_READY_WITHIN_S)
            took = time.monotonic() - begun
            yield Gateway(process, urlsplit(line.split()[1]).port or 0, took)

    async def write(self, events: Sequence[AnyEvent]) -> None:
        """Put events into the log, and wait until they are there."""
        before = await self._last_sequence()
        for event in events:
            await self.connection.client.publish(build(subject_of(event)), wire.encode(event))
        await self._stored(before + len(events))

    async def place(self, back: int = 0) -> str:
        """The id of the newest event but so many."""
        info = await read_log(self.connection)
        return f"{info.generation}-{info.last_sequence - back}"

    async def produce(self, count: int, burst: int, per_s: float) -> int:
        """Write stamped events into the log; see :func:`pace.paced`."""
        before, made = await self._last_sequence(), await paced(self._make, count, burst, per_s)
        await self._stored(before + made)
        return made

    async def _make(self, burst: int) -> None:
        for _ in range(burst):
            self._made += 1
            document = self._documents[self._made % self.talking]
            await self.connection.client.publish(document.subject, document.payload())

    async def _status(self) -> str | None:
        subject = build(Subject("state", PBX, "pbxStatus", None, None))
        try:
            found = await self.connection.jetstream.get_last_msg(STATE, subject)
        except NotFoundError:
            return None
        event = wire.decode(found.data or b"")
        return event.status if isinstance(event, PbxStatus) else None

    async def _last_sequence(self) -> int:
        return (await self.connection.jetstream.stream_info(LOG)).state.last_seq

    async def _stored(self, sequence: int) -> None:
        async with asyncio.timeout(_STORED_WITHIN_S):
            while await self._last_sequence() < sequence:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running_site(core: int | None = LOAD_CORE, ami_port: int = 1) -> AsyncGenerator[Site]:
    """A NATS server with an empty log; the PBX is one that listens on ``ami_port``."""
    nats = EmbeddedNats(NatsSection())
    pbx = PbxSection(name=PBX, host="127.0.0.1", port=ami_port, username=AMI_USER, secret=AMI_SECRET)
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pbxis-bench-"))
        stack.push_async_callback(nats.close)
        with on_core(core):
            await nats.start()
        section = nats.section("bridge")
        connection = await connect(section, "bridge", within_s=10)
        stack.push_async_callback(connection.close)
        await ensure_log(connection, section)
        yield Site(Path(folder), nats, connection, pbx)


@contextlib.asynccontextmanager
async def played_bridge(site: Site) -> AsyncGenerator[None]:
    """The site's PBX is online: this process says so, and its heartbeat, in the place of a bridge."""
    await site.write([PbxStatus(pbx=PBX, status="online", since=1_790_000_000_000)])
    beating = asyncio.create_task(Heartbeat(site.connection, PBX, lambda: True).run())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

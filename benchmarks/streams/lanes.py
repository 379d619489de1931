"""Ways by which events reach many clients, measured alike: ours, the floor, and peers.

A lane has its server, its clients (connected, and idle while other lanes are measured) and something that
makes events. What a delivery costs is the CPU of the server's process alone, from the first event to the last
delivery.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import load
from benchmarks.peers import nats_websocket
from benchmarks.rig import processes
from benchmarks.rig.machine import LOAD_CORE, SERVER_CORE, cpu_s, ticks
from benchmarks.rig.ports import free_port
from benchmarks.rig.site import EVERYTHING, Site
from benchmarks.rig.stamped import QUEUE, SCATTERED_AGENTS, scattered
from benchmarks.rig.tickets import tickets

_ARRIVED_WITHIN_S = 20.0
_SETTLE_S = 0.3

Produce = Callable[[int, int, float], Awaitable[int]]


class Cores(NamedTuple):
    """Where the server and the load client run; ``None``: where the machine wants."""

    server: int | None
    load: int | None


PINNED = Cores(SERVER_CORE, LOAD_CORE)
UNPINNED = Cores(None, None)


class Measured(NamedTuple):
    """One measurement of a server's process.

    Attributes:
        us_per_delivery: its CPU.
        server_busy: its share of a core.
        in_kernel: the part of its CPU that went into the kernel, which is the writing.
        lost: what was made and did not arrive, times who should have got it.
        late_s: from the last event until all had arrived.
    """

    us_per_delivery: float
    server_busy: float
    in_kernel: float
    lost: int
    late_s: float
    seen: load.Seen


@dataclass(frozen=True)
class Lane:
    """``deliveries_of`` tells how many deliveries so many events make."""

    name: str
    pid: int
    port: int
    client: load.LoadClient
    produce: Produce
    clients: int
    reach: float = 1.0

    async def measure(self, deliveries_per_s: float, burst: int, seconds: float) -> Measured:
        """Make events so that there are so many deliveries a second."""
        per_s = deliveries_per_s / (self.clients * self.reach)
        # Whole rounds over the agents: only then is the number of deliveries known when clients are filtered.
        step = math.lcm(burst, SCATTERED_AGENTS) if self.reach < 1 else burst
        return await self.run(math.ceil(per_s * seconds / step) * step, burst, per_s)

    async def run(self, count: int, burst: int, per_s: float) -> Measured:
        """Make that many events and wait until all have arrived, or clearly will not."""
        loop = asyncio.get_running_loop()
        await self.client.begin()
        used, split = cpu_s(self.pid), ticks(self.pid)
        made = await self.produce(count, burst, per_s)
        ended = loop.time()
        wanted = round(made * self.clients * self.reach)
        await self.client.arrived(wanted, _ARRIVED_WITHIN_S)
        late = loop.time() - ended
        cpu, in_kernel = cpu_s(self.pid) - used, ticks(self.pid).kernel_share_since(split)
        seen = await self.client.seen()
        cost = cpu / max(1, seen.deliveries) * 1e6
        return Measured(cost, cpu / seen.seconds, in_kernel, wanted - seen.deliveries, late, seen)


async def interleaved(
    lanes: Sequence[Lane], rounds: int, deliveries_per_s: float, burst: int, seconds: float
) -> dict[str, list[Measured]]:
    """Measure one lane after the other, again and again, so that all see the same machine."""
    found: dict[str, list[Measured]] = {lane.name: [] for lane in lanes}
    for lane in lanes:
        await lane.measure(deliveries_per_s, burst, min(1.0, seconds))  # first calls cost more
    for _ in range(rounds):
        for lane in lanes:
            await asyncio.sleep(_SETTLE_S)
            found[lane.name].append(await lane.measure(deliveries_per_s, burst, seconds))
    return found


def median(measured: Sequence[Measured]) -> float:
    """Microseconds a delivery."""
    return statistics.median(one.us_per_delivery for one in measured)


@contextlib.asynccontextmanager
async def ours(
    site: Site,
    mode: load.Mode,
    clients: int,
    *,
    scatter: bool = False,
    ids: load.Ids = "none",
    cores: Cores = PINNED,
    name: str = "ours",
    scope: object = EVERYTHING,
) -> AsyncGenerator[Lane]:
    """A gateway, and clients that get everything; with ``scatter`` each a tenth, by a filter of its own.

    ``scope`` is what all others ask for; it must take in all events that are made.
    """
    path = "websocket" if mode == "ws" else "sse"
    async with site.gateway(cores.server) as gateway:
        scopes: list[object] = [scope]
        if scatter:
            scopes = [{"agents": scattered(number), "queues": [QUEUE]} for number in range(clients)]
        paths = [f"/{ticket}/{path}" for ticket in await tickets(gateway.port, scopes)]
        connecting = load.connected(
            mode, [gateway.port], paths, count=clients, ready=True, ids=ids, core=cores.load
        )
        async with connecting as client:
            reach = 0.1 if scatter else 1.0
            yield Lane(name, gateway.process.pid, gateway.port, client, site.produce, clients, reach)


@contextlib.asynccontextmanager
async def floor(
    mode: load.Mode, clients: int, *, scatter: bool = False, cores: Cores = PINNED
) -> AsyncGenerator[Lane]:
    """Bare writes to bare transports."""
    port = free_port()
    command = processes.module("benchmarks.peers.bare_streams", str(port))
    async with processes.stopped_after(processes.start(command, core=cores.server)) as process:
        await process.line()

        async def produce(count: int, burst: int, per_s: float) -> int:
            return int(await process.ask(f"{count} {burst} {per_s}"))

        paths = [f"/{number}" for number in range(clients)] if scatter else ["/all"]
        async with load.connected(mode, [port], paths, count=clients, core=cores.load) as client:
            yield Lane("floor", process.pid, port, client, produce, clients, 0.1 if scatter else 1.0)


@contextlib.asynccontextmanager
async def nats_server(clients: int) -> AsyncGenerator[Lane]:
    """nats-server's WebSocket listener."""
    async with nats_websocket.running() as server:
        connecting = load.connected(
            "nats", [server.port], ["/"], count=clients, subject=nats_websocket.SUBJECT
        )
        async with connecting as client:
            yield Lane("nats-server", server.process.pid, server.port, client, server.produce, clients)

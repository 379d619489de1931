"""What an open connection costs the gateway in memory."""

from __future__ import annotations

import asyncio
import contextlib
import statistics

from benchmarks import load
from benchmarks.peers import nats_websocket
from benchmarks.rig.machine import rss_kib
from benchmarks.rig.site import Site, played_bridge, running_site
from benchmarks.rig.stamped import QUEUE, agents
from benchmarks.rig.tickets import tickets
from benchmarks.streams.plan import Plan
from benchmarks.streams.table import Row

CLIENTS = 1_000
_WARM_UP = 50
_SCOPE = {"agents": agents(5), "queues": [QUEUE]}
_SETTLE_S = 1.0


async def a_connection(plan: Plan) -> list[Row]:
    """memory of the gateway for each of 1,000 connections, each with a ticket of its own"""
    rows: list[Row] = []
    async with running_site() as site, played_bridge(site):
        peer = statistics.median([await _of_nats() for _ in range(min(plan.rounds, 3))])
        modes: tuple[tuple[load.Mode, str, float], ...] = (("ws", "WebSocket", 25.0), ("sse", "SSE", 15.0))
        for mode, name, most in modes:
            found = [await _of_ours(site, mode) for _ in range(min(plan.rounds, 3))]
            kib = statistics.median(found)
            rows.append(
                Row(
                    what=f"memory a connection, {name}",
                    ours=f"{kib:.1f} KiB",
                    beside=f"nats-server {peer:.1f} KiB",
                    target=f"≤ {most:g} KiB",
                    reached=kib <= most,
                    note="rounds " + " ".join(f"{one:.1f}" for one in found) + "; tickets are made before",
                )
            )
    return rows


async def _of_ours(site: Site, mode: load.Mode) -> float:
    path = "websocket" if mode == "ws" else "sse"
    async with site.gateway() as gateway:
        made = await tickets(gateway.port, [_SCOPE] * CLIENTS)
        paths = [f"/{ticket}/{path}" for ticket in made]

        def connecting(count: int) -> contextlib.AbstractAsyncContextManager[load.LoadClient]:
            return load.connected(mode, [gateway.port], paths, count=count, ready=True)

        async with connecting(_WARM_UP):
            await site.produce(20, 1, 40)
        await asyncio.sleep(_SETTLE_S)
        before = rss_kib(gateway.process.pid)
        async with connecting(CLIENTS):
            await site.produce(40, 1, 20)
            await asyncio.sleep(_SETTLE_S)
            return (rss_kib(gateway.process.pid) - before) / CLIENTS


async def _of_nats() -> float:
    async with nats_websocket.running() as server:

        def connecting(count: int) -> contextlib.AbstractAsyncContextManager[load.LoadClient]:
            return load.connected("nats", [server.port], ["/"], count=count, subject=nats_websocket.SUBJECT)

        async with connecting(_WARM_UP):
            await server.produce(20, 1, 40)
        await asyncio.sleep(_SETTLE_S)
        before = rss_kib(server.process.pid)
        async with connecting(CLIENTS):
            await server.produce(40, 1, 20)
            await asyncio.sleep(_SETTLE_S)
            return (rss_kib(server.process.pid) - before) / CLIENTS

"""nats-server's own WebSocket listener, to compare a gateway with: the same events to as many clients."""

from __future__ import annotations

import contextlib
import sysconfig
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NamedTuple

import nats
from nats.aio.client import Client

from benchmarks.rig import processes
from benchmarks.rig.machine import SERVER_CORE
from benchmarks.rig.pace import paced
from benchmarks.rig.ports import free_port, listening
from benchmarks.rig.stamped import Stamped, agents

SUBJECT = "load"
_ID = b',"id":"0123abcd-1000000"}'
_ALL_AGENTS = 100


class NatsWebSocket(NamedTuple):
    """A server that listens for WebSockets on ``port``."""

    process: processes.Helper
    port: int
    client: Client

    async def produce(self, count: int, burst: int, per_s: float) -> int:
        """Publish stamped events as long as ours; see :func:`pace.paced`."""
        documents = [Stamped(agent) for agent in agents(_ALL_AGENTS)]

        async def make(number: int) -> None:
            for index in range(number):
                payload = documents[index % _ALL_AGENTS].payload()
                await self.client.publish(SUBJECT, payload[:-1] + _ID)

        made = await paced(make, count, burst, per_s)
        await self.client.flush()
        return made


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[NatsWebSocket]:
    """A server on the measured core."""
    plain, port = free_port(), free_port()
    text = f"""\
listen: "127.0.0.1:{plain}"
websocket {{ listen: "127.0.0.1:{port}", no_tls: true, compression: false }}
ping_interval: "1h"
"""
    with tempfile.TemporaryDirectory(prefix="pbxis-bench-") as name:
        file, log = Path(name) / "nats.conf", Path(name) / "nats.log"
        file.write_text(text, encoding="utf-8")
        command = [str(Path(sysconfig.get_path("scripts")) / "nats-server"), "-c", str(file)]
        async with processes.stopped_after(processes.serve(command, log, core=SERVER_CORE)) as process:
            await listening(port)
            client = await nats.connect(f"nats://127.0.0.1:{plain}")
            yield NatsWebSocket(process, port, client)
            await client.close()

"""The load client (``client.c``): built when it is needed, told what to do, asked what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.rig import processes
from benchmarks.rig.machine import LOAD_CORE

Mode = Literal["ws", "sse", "nats"]
Ids = Literal["none", "order", "dense"]

_SOURCES = Path(__file__).parent
_LOOK_EVERY_S = 0.01
_FOLDER = tempfile.TemporaryDirectory(prefix="pbxis-load-")


class Seen(msgspec.Struct, frozen=True):
    """What the clients saw since ``begin``. ``least`` and ``most`` are deliveries of one connection.

    ``all_ms`` is from when the first event was made to the last delivery; an outage is from a connection's
    end to the `ready` of the one that took its place. ``client_busy`` is the load client's share of a core.
    """

    seconds: float
    cpu_s: float
    connected: int
    deliveries: int
    bytes: int
    least: int
    most: int
    samples: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    all_ms: float
    gaps: int
    repeats: int
    resets: int
    refused: int
    closed: int
    resumed: int
    outage_p50_ms: float
    outage_max_ms: float
    close_codes: dict[str, int]

    @property
    def client_busy(self) -> float:
        return self.cpu_s / self.seconds

    @property
    def disturbed(self) -> int:
        """How often something went wrong: an event left out, given twice, or a stream that was cut."""
        return self.gaps + self.repeats + self.resets + self.refused + self.closed


@cache
def program() -> str:
    """The load client, built.

    Raises:
        SystemExit: there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("the load client is a C program: install a C compiler (cc, gcc or clang)")
    target = Path(_FOLDER.name) / "client"
    sources = sorted(str(source) for source in _SOURCES.glob("*.c"))
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(target), *sources], check=True)
    return str(target)


class LoadClient:
    """A load client whose connections are open."""

    def __init__(self, helper: processes.Helper, connect_s: float) -> None:
        self._helper = helper
        self.connect_s = connect_s

    async def begin(self) -> None:
        """Count from now on."""
        await self._helper.ask("begin")

    async def deliveries(self) -> int:
        """How many since :meth:`begin`; costs next to nothing."""
        return msgspec.json.decode(await self._helper.ask("count"), type=_Count).deliveries

    async def arrived(self, deliveries: int, within_s: float) -> bool:
        """Wait until there were so many; whether there were."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while await self.deliveries() < deliveries:
            if loop.time() > end:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    async def seen(self) -> Seen:
        """What there is to be seen since :meth:`begin`."""
        return msgspec.json.decode(await self._helper.ask("show"), type=Seen)


class _Count(msgspec.Struct, frozen=True):
    deliveries: int


class _Connected(msgspec.Struct, frozen=True):
    connected: int
    seconds: float


@contextlib.asynccontextmanager
async def connected(
    mode: Mode,
    ports: Sequence[int],
    paths: Sequence[str],
    *,
    count: int,
    ready: bool = False,
    ids: Ids = "none",
    stalled: bool = False,
    at_once: int = 100,
    subject: str = "load",
    core: int | None = LOAD_CORE,
) -> AsyncGenerator[LoadClient]:
    """``count`` connections, closed with the block; for the arguments see ``client.c``."""
    with tempfile.NamedTemporaryFile("w", suffix=".paths", dir=_FOLDER.name) as file:
        file.write("\n".join(paths))
        file.flush()
        options = ["--mode", mode, "--ports", ",".join(map(str, ports)), "--paths", file.name]
        options += ["--connections", str(count), "--at-once", str(at_once), "--subject", subject]
        options += ["--ready"] if ready else []
        options += ["--stalled"] if stalled else []
        options += ["--ids", ids] if ids != "none" else []
        starting = processes.start([program(), *options], core=core)
        async with processes.stopped_after(starting) as helper:
            first = msgspec.json.decode(await helper.line(), type=_Connected)
            assert first.connected == count, f"only {first.connected} of {count} connected"
            yield LoadClient(helper, first.seconds)

"""An action's round trip: HTTP → gateway → NATS → bridge → AMI of the demo PBX, and back.

Every part is a process of its own. One request at a time, as a program would send them; the action is
`POST /queue/reset`, which Asterisk answers without causing an event, so nothing but the action is measured.
The CPU that gateway and bridge use for it is compared with what the libraries alone need: a Litestar
request that makes a FastStream request, in as many processes, measured in the same round. Asterisk is what
the floor has not: one more write and read, in the bridge.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from services import configuration
from services.embedded_nats import EmbeddedNats
from shared.config import Config, GatewaySection, NatsSection, PbxSection

ROUNDS = 5
REQUESTS = 2_500
WARM_UP = 200
TARGET_RATIO = 1.5
TARGET_P50_MS = 5.0
_BODY = b'{"queue":"support"}'
_SECRET = "bench"  # noqa: S105 - of the demo PBX that this run starts
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_START_S = 30.0
_DEADLINE_S = 180.0


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Seconds of CPU, user and system, that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


class Http:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> Http:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str) -> bytes:
        """The body of the answer, which must be a 200."""
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(_BODY)}\r\n\r\n".encode() + _BODY)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        assert answer.startswith(b"HTTP/1.1 200"), answer + body
        return body

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def ask(port: int, requests: int) -> list[float]:
    """Milliseconds of each of that many requests, one after the other."""
    http = await Http.connect(port)
    took: list[float] = []
    for _ in range(requests):
        begun = time.perf_counter()
        body = await http.post("/queue/reset")
        took.append((time.perf_counter() - begun) * 1e3)
        assert b"uccess" in body or b"done" in body, body
    await http.close()
    return took


@contextlib.asynccontextmanager
async def started(*command: str) -> AsyncGenerator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 - a few, before measuring
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


async def serving(port: int, path: str = "/queue/reset") -> None:
    """Wait until a request succeeds."""
    deadline = time.monotonic() + _START_S
    while True:
        with contextlib.suppress(OSError, AssertionError, asyncio.IncompleteReadError):
            http = await Http.connect(port)
            try:
                await http.post(path)
            finally:
                await http.close()
            return
        assert time.monotonic() < deadline, f"nothing serves on port {port}"
        await asyncio.sleep(0.1)


def module(*command: str) -> tuple[str, ...]:
    """The command line of a module of ours."""
    return (sys.executable, "-m", *command)


def free_port() -> int:
    """A port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def configurations(folder: Path, nats: EmbeddedNats, ami: int, http: int) -> tuple[Path, Path]:
    """The files of bridge and gateway."""
    pbx = PbxSection(name="demo", host="127.0.0.1", port=ami, username="bridge", secret=_SECRET)
    config = Config(gateway=GatewaySection(port=http, open=True), pbx=(pbx,))
    files = folder / "bridge.toml", folder / "gateway.toml"
    for role, file in zip(("bridge", "gateway"), files, strict=True):
        configuration.write_private(msgspec.structs.replace(config, nats=nats.section(role)), file)
    return files


async def measure() -> int:
    """Run it; 0 when the targets are reached."""
    nats = EmbeddedNats(NatsSection())
    ami, http, bare, plain = free_port(), free_port(), free_port(), free_port()
    await nats.start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secret = folder / "secret"
        secret.write_text(_SECRET)
        bridge_file, gateway_file = configurations(folder, nats, ami, http)
        demo = ["services.demo_pbx", "--port", str(ami), "--username", "bridge", "--secret-file", str(secret)]
        url = f"nats://127.0.0.1:{plain}"
        nats_server = str(Path(sysconfig.get_path("scripts")) / "nats-server")
        try:
            async with (
                started(*module(*demo, "--speed", "0.01")),
                started(
                    *module("services.ami_bridge", "--config", str(bridge_file), "--pbx", "demo")
                ) as bridge,
                started(*module("services.gateway", "--config", str(gateway_file))) as gateway,
                # of its own: the users of ours may not use any subject
                started(nats_server, "-a", "127.0.0.1", "-p", str(plain), "-l", str(folder / "plain.log")),
                started(*module("benchmarks.peers.bare_bridge", url)) as bare_bridge,
                started(*module("benchmarks.peers.bare_gateway", url, str(bare))) as bare_gateway,
            ):
                await serving(http)
                await serving(bare)
                await ask(http, WARM_UP)
                await ask(bare, WARM_UP)
                processes = gateway, bridge, bare_gateway, bare_bridge
                return report([await one_round(processes, http, bare) for _ in range(ROUNDS)])
        finally:
            await nats.close()


class Round(NamedTuple):
    """CPU microseconds an action, and the milliseconds of each round trip."""

    gateway: float
    bridge: float
    bare_gateway: float
    bare_bridge: float
    times: list[float]

    @property
    def ratio(self) -> float:
        return (self.gateway + self.bridge) / (self.bare_gateway + self.bare_bridge)


async def one_round(processes: Sequence[subprocess.Popen[bytes]], http: int, bare: int) -> Round:
    """Ours, then the libraries alone."""
    used = [cpu_s(process) for process in processes]
    times = await ask(http, REQUESTS)
    ours = [cpu_s(process) for process in processes[:2]]
    used[2:] = [cpu_s(process) for process in processes[2:]]
    await ask(bare, REQUESTS)
    ended = ours + [cpu_s(process) for process in processes[2:]]
    each = [(after - before) / REQUESTS * 1e6 for after, before in zip(ended, used, strict=True)]
    gateway, bridge, bare_gateway, bare_bridge = each
    return Round(gateway, bridge, bare_gateway, bare_bridge, times)


def report(found: list[Round]) -> int:
    """Print the table; 0 when the targets are reached."""
    times = sorted(time for one in found for time in one.times)
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    ratio = statistics.median(one.ratio for one in found)
    print(f"{ROUNDS} rounds of {REQUESTS} actions, one at a time; CPU in µs an action, medians")
    for name in ("gateway", "bridge", "bare_gateway", "bare_bridge"):
        print(f"{name:16} {statistics.median(getattr(one, name) for one in found):7.0f}")
    print(f"ratio            {ratio:7.2f}   {[round(one.ratio, 2) for one in found]}")
    print(f"round trip p50   {p50:7.2f} ms   p99 {p99:.2f} ms")
    reached = ratio <= TARGET_RATIO and p50 <= TARGET_P50_MS
    word = "reached" if reached else "MISSED"
    print(f"target           ratio ≤ {TARGET_RATIO}, p50 ≤ {TARGET_P50_MS:g} ms (quiet machine): {word}")
    return 0 if reached else 1


def main() -> int:
    """The benchmark; the exit code."""
    return uvloop.run(asyncio.wait_for(measure(), _DEADLINE_S))


if __name__ == "__main__":
    sys.exit(main())

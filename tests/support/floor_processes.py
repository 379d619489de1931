"""The services as processes of their own, beside each other as on several machines: any may be killed.

async with running_floor(folder, [FloorPbx(port, secret)]) as floor:
    await floor.until_acting()
    await floor.bridges["hq"].kill()
    await floor.start_bridge()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from services.child_process import spawn, stop
from tests.support.nats import NatsServer

_READY_S = 30.0
_ACTING_S = 20.0
_STEP_S = 0.02


@dataclass(frozen=True)
class FloorPbx:
    """A PBX of the configuration; ``port`` is that of its AMI."""

    port: int
    secret: str
    name: str = "hq"
    username: str = "bridge"
    summary_refresh_s: int = 3600

    def toml(self) -> str:
        """Its table."""
        return (
            f'[[pbx]]\nname = "{self.name}"\nhost = "127.0.0.1"\nport = {self.port}\n'
            f'username = "{self.username}"\nsecret = "{self.secret}"\n'
            f"summary_refresh_s = {self.summary_refresh_s}\n"
        )


@dataclass(frozen=True)
class Reply:
    """An answer to an action. ``code`` is that of a problem; ``command_id`` names the attempt that acted."""

    status: int
    code: str | None
    body: Any
    command_id: str | None


class Service:
    """A running process."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All that it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def kill(self) -> None:
        """`kill -9`: it has no chance to say anything."""
        self._signal(signal.SIGKILL)
        await self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: its sockets stay open, and it does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def end(self) -> None:
        """Stop it in order, if it still runs."""
        if self.process.returncode is None:
            self.thaw()
        await stop(self.process)

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


class GatewayService(Service):
    """A gateway; requests go to it with the headers given, if any."""

    def __init__(self, process: Process, log: Path, url: str) -> None:
        super().__init__(process, log)
        self.url = url
        limits = httpx.Limits(max_connections=None)
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=70, limits=limits)

    async def post(
        self, path: str, *, key: str | None = None, bearer: str | None = None, **body: Any
    ) -> Reply:
        """Ask for an action; ``key`` is its Idempotency-Key."""
        return await self.request("POST", path, key=key, bearer=bearer, json=body)

    async def request(
        self, method: str, path: str, *, key: str | None = None, bearer: str | None = None, **more: Any
    ) -> Reply:
        """Any request; ``more`` is httpx's."""
        headers = {} if key is None else {"Idempotency-Key": key}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        answer = await self.http.request(method, path, headers=headers, **more)
        body = answer.json()
        problem = answer.headers["content-type"] == "application/problem+json"
        assert problem == (answer.status_code != 200), answer.text
        return Reply(
            answer.status_code, body["code"] if problem else None, body, answer.headers.get("Pbxis-Cmd-Id")
        )

    async def end(self) -> None:
        """Stop it in order, if it still runs."""
        await self.http.aclose()
        await super().end()


class Bus(Protocol):
    """A NATS that runs already; ``url`` is for ``nats.url``, ``replicas`` for ``nats.replicas``."""

    @property
    def url(self) -> str: ...

    @property
    def replicas(self) -> int: ...


class Floor:
    """A nats-server, and what was started beside it.

    Attributes:
        bridges: the newest of each PBX.
        services: all that were ever started.
    """

    def __init__(self, folder: Path, pbxs: Sequence[FloorPbx], gateway: str, bus: Bus | None = None) -> None:
        """``gateway`` is more of the table ``[gateway]``; ``bus`` is there instead of a nats-server."""
        self.nats = NatsServer(folder)
        self._bus = bus
        self.bridges: dict[str, Service] = {}
        self.gateways: list[GatewayService] = []
        self._folder = folder
        self._pbxs = pbxs
        self._gateway = gateway
        self.services: list[Service] = []

    @property
    def alive(self) -> list[GatewayService]:
        """The gateways that were not killed, in the order they were started."""
        return [gateway for gateway in self.gateways if gateway.process.returncode is None]

    async def __aenter__(self) -> Self:
        if self._bus is None:
            await asyncio.to_thread(self.nats.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(service.end() for service in self.services))
        self.nats.kill()

    async def start_bridge(self, pbx: str = "hq", *, port: int | None = None) -> Service:
        """One more bridge, the second of a PBX stands by; it is not in step with its PBX yet.

        Args:
            port: where it finds the AMI, if not where the PBX has it.
        """
        process, log = await self._start("bridge", "--pbx", pbx, port=port)
        self.bridges[pbx] = service = Service(process, log)
        self.services.append(service)
        return service

    async def start_gateway(self) -> GatewayService:
        """One more gateway, when it serves; there must be, or have been, a bridge, which makes the log."""
        process, log = await self._start("gateway", stdout=PIPE)
        try:
            async with asyncio.timeout(_READY_S):
                url = await _ready_url(process)
        except TimeoutError:
            await stop(process)
            raise AssertionError(f"a gateway was not ready:\n{log.read_text()}") from None
        assert url, f"a gateway ended:\n{log.read_text()}"
        gateway = GatewayService(process, log, url)
        self.services.append(gateway)
        self.gateways.append(gateway)
        return gateway

    async def until_acting(self, *pbxs: str, bearer: str | None = None) -> None:
        """Wait until each gateway gets answers from the bridges of these PBXs; of all."""
        for pbx in pbxs or [pbx.name for pbx in self._pbxs]:
            for gateway in self.alive:
                await _until_acting(gateway, pbx, bearer)

    async def _start(
        self, command: str, *options: str, stdout: int | None = None, port: int | None = None
    ) -> tuple[Process, Path]:
        config = self._folder / f"{command}-{len(self.services)}.toml"
        pbxs = self._pbxs if port is None else [replace(pbx, port=port) for pbx in self._pbxs]
        url, replicas = (self._bus.url, self._bus.replicas) if self._bus else (self.nats.url, 1)
        nats = f'[nats]\nurl = "{url}"\nusername = "{command}"\npassword = "{command}"\n'
        nats += f"replicas = {replicas}\n"
        gateway = f"[gateway]\nport = 0\n{self._gateway}\n"
        config.write_text(nats + gateway + "".join(pbx.toml() for pbx in pbxs), encoding="utf-8")
        log = self._folder / f"{command}-{len(self.services)}.log"
        program = [sys.executable, "-m", "services.cli", command, "--config", str(config), *options]
        with log.open("wb") as errors:
            process = await spawn(program, stdout=stdout, stderr=errors.fileno())
        return process, log


@contextlib.asynccontextmanager
async def running_floor(
    folder: Path,
    pbxs: Sequence[FloorPbx],
    *,
    gateway: str = "open = true",
    gateways: int = 2,
    bus: Bus | None = None,
) -> AsyncGenerator[Floor]:
    """A bridge for each PBX, and gateways that serve; the bridges perhaps not yet.

    Args:
        gateway: more of the table ``[gateway]``.
        bus: a NATS that somebody else started; else there is a nats-server of its own.
    """
    async with Floor(folder, pbxs, gateway, bus) as floor:
        for pbx in pbxs:
            await floor.start_bridge(pbx.name)
        for _ in range(gateways):
            await floor.start_gateway()
        yield floor


async def _until_acting(gateway: GatewayService, pbx: str, bearer: str | None) -> None:
    last: Reply | None = None
    try:
        async with asyncio.timeout(_ACTING_S):
            while last is None or last.status != 200:
                last = await gateway.request("GET", "/queue/status", bearer=bearer, params={"pbx": pbx})
                await asyncio.sleep(_STEP_S)
    except TimeoutError:
        raise AssertionError(f"{pbx} takes no commands: {last}") from None


async def _ready_url(process: Process) -> str:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.startswith(b"ready http"):
            return line.split()[1].decode().rstrip("/")
    return ""

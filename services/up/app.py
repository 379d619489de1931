"""What `pbxis up` starts, in which order, and with which configuration."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from services import child_process, configuration
from services.embedded_nats.server import EmbeddedNats
from services.up.supervisor import Child, Supervisor
from shared.config import Config, NatsSection, PbxSection
from shared.errors import CallCentreError

log = logging.getLogger("pbxis.up")

_DEMO_READY_S = 20.0
_DEMO_USER = "bridge"


class DemoPbxError(CallCentreError):
    """The demo PBX did not start."""

    def __init__(self) -> None:
        super().__init__("the demo PBX did not start; its own lines above say why")


async def run(config: Config) -> int:
    """Run everything until SIGTERM or SIGINT, or until a child ends it all; the exit code.

    Raises:
        CallCentreError: the embedded NATS server or the demo PBX cannot start.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    work = asyncio.create_task(_work(config))
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not work.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return 0
    return work.result()


async def _work(config: Config) -> int:
    async with AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pbxis-")))
        bridge_nats, gateway_nats = config.nats, config.nats
        if config.nats.url is None:
            nats = EmbeddedNats(config.nats)
            cleanup.push_async_callback(nats.close)
            await nats.start()
            bridge_nats, gateway_nats = nats.section("bridge"), nats.section("gateway")
        demo = not config.pbx
        if demo:
            process, pbx = await _start_demo_pbx(folder)
            cleanup.push_async_callback(child_process.stop, process)
            config = msgspec.structs.replace(config, pbx=(pbx,))
        supervisor = Supervisor()
        cleanup.push_async_callback(supervisor.stop)
        bridge_file = _write(config, bridge_nats, folder / "bridge.toml")
        for pbx in config.pbx:
            supervisor.start(Child(f"bridge {pbx.name}", _bridge_command(bridge_file, pbx.name)))
        gateway_file = _write(_without_secrets(config), gateway_nats, folder / "gateway.toml")
        supervisor.start(Child("gateway", _gateway_command(gateway_file, demo=demo), essential=True))
        return await supervisor.wait()


def _bridge_command(file: Path, pbx: str) -> list[str]:
    return [sys.executable, "-m", "services.ami_bridge", "--config", str(file), "--pbx", pbx]


def _gateway_command(file: Path, *, demo: bool) -> list[str]:
    return [sys.executable, "-m", "services.gateway", "--config", str(file), *(["--demo"] if demo else [])]


def _write(config: Config, nats: NatsSection, file: Path) -> Path:
    configuration.write_private(msgspec.structs.replace(config, nats=nats), file)
    return file


def _without_secrets(config: Config) -> Config:
    replace = msgspec.structs.replace
    return replace(config, pbx=tuple(replace(pbx, secret=None) for pbx in config.pbx))


async def _start_demo_pbx(folder: Path) -> tuple[Process, PbxSection]:
    """The demo PBX and how to log in to it.

    Raises:
        DemoPbxError: it ended, or said nothing in time.
    """
    secret = secrets.token_urlsafe(24)
    secret_file = folder / "demo-secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret)
    command = [sys.executable, "-m", "services.demo_pbx", "--host", "127.0.0.1", "--port", "0"]
    options = ["--username", _DEMO_USER, "--secret-file", str(secret_file)]
    process = await child_process.spawn([*command, *options], stdout=PIPE)
    try:
        port = await asyncio.wait_for(_ready_port(process), _DEMO_READY_S)
    except TimeoutError as error:
        await child_process.stop(process)
        raise DemoPbxError from error
    log.info("demo PBX on 127.0.0.1:%d", port)
    return process, PbxSection(name="demo", host="127.0.0.1", port=port, username=_DEMO_USER, secret=secret)


async def _ready_port(process: Process) -> int:
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    while line := await process.stdout.readline():
        if line.startswith(b"ready AMI "):
            return int(line.rpartition(b":")[2])
    raise DemoPbxError

"""What `pbxis up` starts, in which order, and with which configuration."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from services import configuration
from services.embedded_nats.server import EmbeddedNats
from services.up.supervisor import Child, Supervisor
from shared.config import Config, NatsSection, PbxSection

_HOST = "127.0.0.1"
_DEMO_USER = "bridge"


async def run(config: Config) -> int:
    """Run everything until SIGTERM or SIGINT, or until a child ends it all; the exit code.

    Raises:
        CallCentreError: the embedded NATS server cannot start.
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
        supervisor = Supervisor()
        cleanup.push_async_callback(supervisor.stop)
        demo = not config.pbx
        if demo:
            child, pbx = _demo_pbx(folder)
            supervisor.start(child)
            config = msgspec.structs.replace(config, pbx=(pbx,))
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


def _demo_pbx(folder: Path) -> tuple[Child, PbxSection]:
    """The demo PBX, and how to log in to it."""
    secret = secrets.token_urlsafe(24)
    secret_file = folder / "demo-secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret)
    port = _free_port()
    options = [
        "--host",
        _HOST,
        "--port",
        str(port),
        "--username",
        _DEMO_USER,
        "--secret-file",
        str(secret_file),
    ]
    child = Child("demo PBX", [sys.executable, "-m", "services.demo_pbx", *options], quiet=True)
    return child, PbxSection(name="demo", host=_HOST, port=port, username=_DEMO_USER, secret=secret)


def _free_port() -> int:
    """A port for the demo PBX, the same one whenever it is started again."""
    with socket.create_server((_HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port

"""A real nats-server for a test: own process, own files, the users and permissions of the embedded one.

``pytest_plugins``-style: tests/integration/conftest.py takes the fixtures in. Starting one costs less
than cleaning a shared one would (20 to 60 ms), so every test has its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from services.embedded_nats.server_config import server_config
from services.jetstream.connection import Connection, Role, connect
from shared.config import NatsSection
from tests.support.waiting import until_sync

_READY_S = 20.0
_STOP_S = 5.0


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class NatsServer:
    """Keeps its port and its files over ``kill`` and ``start``; ``wipe`` makes it forget."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self._section = NatsSection(**settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def section(self, role: Role = "bridge", **settings: Any) -> NatsSection:
        """What a service of this role connects with."""
        return NatsSection(url=self.url, username=role, password=role, **settings)

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._starts += 1
        config = self.folder / "nats.conf"
        text = server_config(
            self._section, self.folder / "store", self.port, {"bridge": "bridge", "gateway": "gateway"}
        )
        config.write_text(text.replace("users = [", 'users = [ {user: "admin", password: "admin"},'))
        log = self.folder / f"nats-{self._starts}.log"
        program = Path(sysconfig.get_path("scripts")) / "nats-server"
        with log.open("wb") as out:
            self._process = subprocess.Popen([str(program), "--config", str(config)], stderr=out, stdout=out)
        until_sync(lambda: b"Server is ready" in log.read_bytes(), _READY_S, f"nats-server ready: {log}")

    def kill(self) -> None:
        """`kill -9`: it has no chance to write anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: it takes connections and bytes, and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{self.pid}/stat")  # the signal takes a moment to arrive
        until_sync(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", _STOP_S, "it is stopped")

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def wipe(self) -> None:
        """Remove its files; only while it does not run."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        os.kill(self._process.pid, signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)
        self._process = None


@asynccontextmanager
async def connected(server: NatsServer, role: Role = "bridge") -> AsyncGenerator[Connection]:
    """A connection of a service, closed at the end."""
    connection = await connect(server.section(role), role, within_s=10)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def admin(server: NatsServer) -> AsyncGenerator[Client]:
    """A user who may do everything: to prepare and to spoil."""
    client = await nats.connect(server.url, user="admin", password="admin")
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def nats_server() -> Generator[NatsServer]:
    """A fresh server with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="pbxis-test-nats-") as folder:
        server = NatsServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture
async def bridge_connection(nats_server: NatsServer) -> AsyncGenerator[Connection]:
    """Connected as a bridge."""
    async with connected(nats_server, "bridge") as connection:
        yield connection


@pytest.fixture
async def gateway_connection(nats_server: NatsServer) -> AsyncGenerator[Connection]:
    """Connected as a gateway."""
    async with connected(nats_server, "gateway") as connection:
        yield connection

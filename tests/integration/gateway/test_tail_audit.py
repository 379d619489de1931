"""`pbxis tail --audit` against a gateway."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, cast

import msgspec
import pytest

from services.terminal.audit import records
from services.terminal.gateway_http import GatewayRefusedError
from shared.audit import AuditRecord, encode
from tests.support.gateway_fakes import count
from tests.support.gateway_rig import running
from tests.support.keys import Keys
from tests.support.waiting import until


def ended(number: int) -> AuditRecord:
    return AuditRecord(
        id=f"pbxis-{number}", at=number, phase="ended", caller="crm", caller_id="k1", action="hangup"
    )


async def taken(found: Iterator[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return await asyncio.to_thread(lambda: list(islice(found, number)))


async def close(found: Iterator[dict[str, Any]]) -> None:
    await asyncio.to_thread(cast("Generator[Any]", found).close)


class _OneEach(BaseHTTPRequestHandler):
    """Sends one record a request, the one behind Last-Event-ID, and breaks off in the middle of the next."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        last = self.headers["Last-Event-ID"]
        self.asked.append(last)
        sequence = int(last or "0") + 1
        record = encode(ended(sequence)).decode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        event = f"event: audit\ndata: {record}\nid: {sequence}\n\n"
        self.wfile.write(f"retry: 1000\n\n: ping\n\n{event}event: audit\ndata: {{".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


async def test_records_go_on_where_they_broke_off() -> None:
    with HTTPServer(("127.0.0.1", 0), _OneEach) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        found = records(f"http://127.0.0.1:{server.server_port}", None)
        try:
            seen = await taken(found, 4)
        finally:
            await close(found)
            server.shutdown()
            thread.join()

    assert [record.get("id", record.get("type")) for record in seen] == [
        "pbxis-1",
        "disconnected",
        "pbxis-2",
        "disconnected",
    ]
    assert _OneEach.asked == [None, "1"]


async def test_it_ends_when_its_key_is_revoked_and_says_which_key_it_needs(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key, crm = keys.add("boss", "admin"), keys.add("crm", "call")
    async with running(open=False, keys_file=keys.file) as rig:
        rig.audit.write(ended(1))
        url = rig.url.rstrip("/")
        with pytest.raises(GatewayRefusedError, match="--roles admin"):
            await taken(records(url, None), 1)
        with pytest.raises(GatewayRefusedError, match="has not the role 'admin'"):
            await taken(records(url, crm), 1)

        found = records(url, key)
        await taken(found, 1)
        keys.revoke("boss")
        with pytest.raises(GatewayRefusedError, match="answered 401"):
            await taken(found, 2)  # the first says that the stream has ended


async def test_a_gateway_that_is_not_there_is_said_to_be() -> None:
    with pytest.raises(GatewayRefusedError, match="cannot be reached"):
        await taken(records("http://127.0.0.1:9", None), 1)


async def test_plain_is_one_json_object_a_line(tmp_path: Path) -> None:
    config = tmp_path / "pbxis.toml"
    config.write_text("")
    async with running() as rig:
        rig.audit.write(ended(1))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.cli", "tail", "--audit", "--plain"),
            *("--url", rig.url, "--config", str(config)),
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 20)
        finally:
            process.kill()
            await process.wait()
        await until(lambda: rig.audit.reading == 0)

    assert msgspec.json.decode(line)["id"] == "pbxis-1"


@pytest.mark.parametrize("options", [["--audit", "--plain"], ["--plain"]], ids=["audit", "events"])
async def test_plain_ends_quietly_when_nobody_reads_it(tmp_path: Path, options: list[str]) -> None:
    config = tmp_path / "pbxis.toml"
    config.write_text("")
    async with running() as rig:
        rig.audit.write(ended(1))
        reading, writing = os.pipe()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.cli", "tail", *options),
            *("--url", rig.url, "--config", str(config)),
            stdout=writing,
            stderr=subprocess.PIPE,
        )
        os.close(writing)
        try:
            assert process.stderr is not None
            assert await asyncio.wait_for(asyncio.to_thread(os.read, reading, 1), 20)
            os.close(reading)  # as `head` does
            rig.audit.write(ended(2))
            rig.log.write(count(1))
            said = await asyncio.wait_for(process.stderr.read(), 20)
            assert await asyncio.wait_for(process.wait(), 20) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    assert said == b""

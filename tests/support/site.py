"""A whole site for a test: `pbxis up` as a process of its own, ended with the test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_READY_S = 60.0
_STOP_S = 15.0


class Site:
    """A running `pbxis up`; ``url`` ends without a slash, ``log`` is its standard error."""

    def __init__(self, process: Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def children(self, marker: str) -> list[int]:
        """The pids of its own child processes whose command line holds ``marker``."""
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if parent == self.process.pid and marker in command:
                    found.append(int(entry.name))
        return found

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), _STOP_S)


@contextlib.asynccontextmanager
async def running_site(folder: Path, config: str = "") -> AsyncGenerator[Site]:
    """`pbxis up` with this configuration; a free port unless the configuration names one."""
    file = folder / "pbxis.toml"
    if "[gateway]" not in config:
        config += "\n[gateway]\nport = 0\nopen = true\n"
    file.write_text(config, encoding="utf-8")
    log = folder / "pbxis.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli",
            "up",
            "--config",
            str(file),
            cwd=ROOT,
            env={**os.environ, "PBXIS_LOG": "debug"},
            stdout=PIPE,
            stderr=errors,
        )
    try:
        try:
            url = await asyncio.wait_for(_ready_url(process), _READY_S)
        except TimeoutError as error:
            raise AssertionError(f"pbxis up was not ready in {_READY_S:.0f} s:\n{log.read_text()}") from error
        assert url, f"pbxis up ended:\n{log.read_text()}"
        yield Site(process, url, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


@contextlib.contextmanager
def standing_site(folder: Path, config: str = "[gateway]\nport = 0\n") -> Generator[str]:
    """`pbxis up`, with the demo PBX if the configuration names none; its address.

    It needs no event loop, so several tests can share it.
    """
    file = folder / "pbxis.toml"
    file.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "services.cli", "up", "--config", str(file)]
    with (folder / "pbxis.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, b"")
        ready = next((line for line in lines if line.startswith(b"ready http")), b"")
        assert ready, f"pbxis up ended:\n{(folder / 'pbxis.log').read_text()}"
        yield ready.split()[1].decode().rstrip("/")
    finally:
        process.terminate()
        process.wait(_STOP_S)
        process.stdout.close()  # pyright: ignore[reportOptionalMemberAccess]


async def _ready_url(process: Process) -> str:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.startswith(b"ready http"):
            return line.split()[1].decode().rstrip("/")
    return ""

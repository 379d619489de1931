"""Processes beside this one, which say on their standard output when they are ready and what they found."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Sequence
from pathlib import Path

from benchmarks.rig.machine import on_core
from services import child_process

_ANSWER_WITHIN_S = 120.0
_STOP_WITHIN_S = 10.0
_SHOWN_CHARACTERS = 1_000


class Helper:
    """A process that is told what to do, a line a command, and answers each with a line."""

    def __init__(self, process: Process, log: Path | None = None) -> None:
        """``log``: where it writes what is wrong."""
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def line(self, within_s: float = _ANSWER_WITHIN_S) -> str:
        """The next line that it says.

        Raises:
            AssertionError: it ended, or says nothing.
        """
        assert self._process.stdout is not None
        async with asyncio.timeout(within_s):
            line = await self._process.stdout.readline()
        assert line, f"process {self.pid} ended with code {await self._process.wait()}: {self.said}"
        return line.decode().strip()

    async def ask(self, command: str) -> str:
        """Tell it something; its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await self.line()

    @property
    def said(self) -> str:
        """The end of what it wrote about itself; ``""`` of one that takes commands."""
        return "" if self._log is None else self._log.read_text("utf-8", "replace")[-_SHOWN_CHARACTERS:]

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()

    def terminate(self) -> None:
        """SIGTERM: it is to end in order."""
        self._process.terminate()

    async def stop(self) -> None:
        """End it, in order if it can."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_WITHIN_S)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()


def module(*command: str) -> tuple[str, ...]:
    """The command line of a Python module."""
    return (sys.executable, "-m", *command)


async def start(command: Sequence[str], *, core: int | None = None) -> Helper:
    """Start a program that takes commands and ends with its standard input; on a core if one is given."""
    with on_core(core):
        return Helper(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))


async def serve(command: Sequence[str], log: Path, *, core: int | None = None) -> Helper:
    """Start a program that takes no commands; it ends when this process does."""
    with on_core(core), log.open("wb") as errors:
        process = await child_process.spawn(command, stdout=PIPE, stderr=errors.fileno())
        return Helper(process, log)


@contextlib.asynccontextmanager
async def stopped_after(starting: Awaitable[Helper]) -> AsyncGenerator[Helper]:
    """A process that is ended with the block."""
    helper = await starting
    try:
        yield helper
    finally:
        await helper.stop()

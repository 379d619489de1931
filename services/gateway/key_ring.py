"""The API keys that are good now.

How it works: the keys file is read when the gateway starts and looked at again once a second, by
:meth:`KeyRing.run` and, at most as often, whenever a key is looked up. It is small, so it is read whole and
its bytes are compared: times and sizes can stay the same over a change. Whoever must know of changes (the
tickets of a revoked key end) registers with :meth:`KeyRing.on_change`.

It fails closed: a file that has vanished, cannot be read or has a mistake means that no key is good until
it is right again. That is said in the log once, as an error, and so is its end. That a gateway which is
open to its own machine never had a keys file is no failure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from services.gateway.core.keys import KeyBook
from services.gateway.core.principal import Principal
from services.gateway.key_file import Content, KeysFileError, read_bytes, understand
from services.gateway.ports import Clock

log = logging.getLogger("pbxis.gateway.keys")

LOOK_EVERY_S = 1.0
KEYS_AWAY = "the API keys cannot be read; the gateway's log says why"
_EMPTY = KeyBook()


class KeyRing:
    """The keys of one file; ``None``: there are none. ``required``: nobody gets in without a key."""

    def __init__(self, file: Path | None, clock: Clock, *, required: bool) -> None:
        self._file = file
        self._clock = clock
        self._required = required
        self._book = _EMPTY
        self._content: Content | None = None
        self._looked_at: float | None = None
        self._on_change: list[Callable[[], None]] = []
        self._seen = False
        self.problem: str | None = None
        """Why no key is good; ``None`` when the file is right."""
        self.look()

    @property
    def not_ready(self) -> list[str]:
        """Why nobody is let in; empty when somebody is. Strangers read it: no path in it."""
        return [KEYS_AWAY] if self.problem is not None and self._required else []

    def find(self, key: str) -> Principal | None:
        """Who uses this key; ``None`` when it is not good."""
        self._look_if_due()
        return self._book.find(key)

    def principal(self, key_id: str) -> Principal | None:
        """Who uses the key of this id; ``None`` when there is none, or no longer."""
        self._look_if_due()
        return self._book.principal(key_id)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call this whenever the keys have changed, or whether they can be read."""
        self._on_change.append(changed)

    async def run(self) -> None:
        """Look at the file every second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Look at the file now."""
        self._looked_at = self._clock.monotonic()
        if self._file is None:
            return
        try:
            content = read_bytes(self._file)
            self._seen = self._seen or content is not None
            if content is None and (self._required or self._seen):
                raise KeysFileError(self._file, "there is no such file")  # noqa: TRY301 - told as the others are
            if content == self._content and self.problem is None:
                return
            book = _EMPTY if content is None else understand(self._file, content.data)
        except KeysFileError as error:
            self._fail(self._file, str(error))
            return
        self._take(self._file, content, book)

    def _look_if_due(self) -> None:
        if self._looked_at is None or self._clock.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self.look()

    def _fail(self, file: Path, problem: str) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        self._content = None
        self._book = _EMPTY
        log.error("NO API KEY IS GOOD until gateway.keys_file is right again: %s", problem)
        self._tell()

    def _take(self, file: Path, content: Content | None, book: KeyBook) -> None:
        if self.problem is not None:
            log.warning("%s is right again: its keys are good", file)
        self.problem = None
        if content is not None and content.too_open and (self._content is None or not self._content.too_open):
            log.warning(
                "%s may be read or changed by others (mode %o): chmod 600 %s", file, content.mode, file
            )
        self._content = content
        self._book = book
        log.info("API keys: %s", ", ".join(entry.name for entry in book.entries) or "none")
        self._tell()

    def _tell(self) -> None:
        for changed in self._on_change:
            changed()

"""The folder with the log, held by one server at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from pathlib import Path

from services.embedded_nats.errors import EmbeddedNatsError, StoreInUseError

_LOCK = "pbxis.lock"
_STEP_S = 0.02


class Store:
    """A folder and the lock on it.

    The lock's file descriptor goes to nats-server too: after a `kill -9` of ours the folder is free only
    when the server has ended as well.
    """

    def __init__(
        self, folder: Path, lock: int, *, temporary: tempfile.TemporaryDirectory[str] | None
    ) -> None:
        self.folder = folder
        self.lock = lock
        self._temporary = temporary

    def close(self) -> None:
        """Let go of it; a temporary one is removed."""
        os.close(self.lock)
        if self._temporary is not None:
            self._temporary.cleanup()


async def open_store(configured: str | None, *, wait_s: float) -> Store:
    """The configured folder, or a private temporary one.

    Args:
        wait_s: how long to wait for a server that is just ending.

    Raises:
        StoreInUseError: another server has it.
        EmbeddedNatsError: it cannot be made or written.
    """
    if configured is None:
        temporary = tempfile.TemporaryDirectory(prefix="pbxis-nats-")
        folder = Path(temporary.name)
        return Store(folder, _open(folder), temporary=temporary)
    folder = Path(configured)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _open(folder)
    except OSError as error:
        raise EmbeddedNatsError(f"nats.store_dir {folder} cannot be used: {error.strerror}") from error
    try:
        await _acquire(lock, folder, wait_s)
    except BaseException:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return Store(folder, lock, temporary=None)


def _open(folder: Path) -> int:
    return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def _acquire(lock: int, folder: Path, wait_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise StoreInUseError(folder, os.pread(lock, 20, 0).decode("ascii", "replace")) from error
            await asyncio.sleep(_STEP_S)
        else:
            return

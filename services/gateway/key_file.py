"""The keys file on disk: read whole, and changed in one step that nobody can see half of.

A change is made under a lock (a file beside, ``.<name>.lock``), so that of two at once none is lost, and
written to a temporary file, flushed and renamed. The file stays its owner's: a key that root adds must not
take the file away from the gateway that reads it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from services.gateway.core.keys import KeyBook, KeysError, MalformedKeysError, parse, serialise

MAX_BYTES = 1024 * 1024
_LOCK_WITHIN_S = 10.0
_LOCK_AGAIN_S = 0.02
_KEPT_MODE = 0o640
_TOO_OPEN = 0o027


class KeysFileError(KeysError):
    """The keys file cannot be read, used or written."""

    def __init__(self, file: Path, problem: str) -> None:
        self.file = file
        self.problem = problem
        super().__init__(f"{file}: {problem}")


class Content(NamedTuple):
    """What the file holds, and its permission bits."""

    data: bytes
    mode: int

    @property
    def too_open(self) -> bool:
        """Whether others may read it, or anybody but its owner may change it."""
        return bool(self.mode & _TOO_OPEN)


def read_bytes(file: Path) -> Content | None:
    """The file as it is; ``None`` when there is none.

    Raises:
        KeysFileError: it cannot be read, or is not a file of a size that makes sense.
    """
    try:
        # Not to wait for ever for the writer of a named pipe.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysFileError(file, f"cannot be read: {error.strerror}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise KeysFileError(file, "is not a file")
        data = _read_all(descriptor)
    except OSError as error:
        raise KeysFileError(file, f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise KeysFileError(file, f"is larger than {MAX_BYTES} bytes")
    return Content(data, stat.S_IMODE(mode))


def _read_all(descriptor: int) -> bytes:
    """To the end, or a little beyond the limit."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def understand(file: Path, data: bytes) -> KeyBook:
    """The keys in the bytes of the file.

    Raises:
        KeysFileError: they cannot be used; names the entry.
    """
    try:
        return parse(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise KeysFileError(file, "is not UTF-8 text") from error
    except MalformedKeysError as error:
        raise KeysFileError(file, str(error)) from error


def load(file: Path) -> KeyBook:
    """The keys; none when there is no file.

    Raises:
        KeysFileError: it cannot be read or used.
    """
    content = read_bytes(file)
    return KeyBook() if content is None else understand(file, content.data)


def change(file: Path, make: Callable[[KeyBook], KeyBook]) -> None:
    """Replace the file's keys by what ``make`` makes of them; the file is made if there is none.

    Raises:
        KeysFileError: it cannot be read, used or written; it is as it was.
    """
    with locked(file):
        write(file, make(load(file)))


@contextlib.contextmanager
def locked(file: Path) -> Generator[None]:
    """Alone with the file: for reading it and writing it anew.

    Raises:
        KeysFileError: its folder cannot be written, or another process is at it for too long.
    """
    file = file.resolve()
    lock = file.with_name(f".{file.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise KeysFileError(file, f"its folder cannot be written: {error.strerror}") from error
    try:
        _take(file, descriptor)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


def _take(file: Path, descriptor: int) -> None:
    deadline = time.monotonic() + _LOCK_WITHIN_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise KeysFileError(file, "another process is changing it and does not end") from error
            time.sleep(_LOCK_AGAIN_S)
        except OSError as error:
            raise KeysFileError(file, f"cannot be locked: {error.strerror}") from error
        else:
            return


def write(file: Path, book: KeyBook) -> None:
    """Write the whole file anew, in one step; to be called while :func:`locked`.

    Raises:
        KeysFileError: it cannot be written; it is as it was.
    """
    file = file.resolve()  # to replace what a symbolic link leads to, not the link
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                _keep_owner(file, descriptor)
                out.write(serialise(book).encode("utf-8"))
                out.flush()
                os.fsync(descriptor)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(file.parent)
    except OSError as error:
        raise KeysFileError(file, f"cannot be written: {error.strerror}") from error


def _keep_owner(file: Path, descriptor: int) -> None:
    """A new file is this user's, or, when root makes it, that of the folder's owner."""
    try:
        old = file.stat()
        os.fchmod(descriptor, 0o600 | (old.st_mode & _KEPT_MODE))
    except FileNotFoundError:
        if os.geteuid() != 0:
            return
        old = file.parent.stat()
    now = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (now.st_uid, now.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except PermissionError as error:
            raise KeysFileError(file, f"it belongs to user {old.st_uid}: run this as that user") from error


def write_secret(file: Path, text: str) -> None:
    """Make a file that only its owner can read; an older one of that name is replaced, never written to.

    Raises:
        KeysFileError: it cannot be written.
    """
    try:
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(descriptor)
        sync_folder(file.parent)
    except OSError as error:
        raise KeysFileError(file, f"cannot be written: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Flush what was made and renamed in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

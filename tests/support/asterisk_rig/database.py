"""What Asterisk's own database holds on disk: what a killed Asterisk will know again."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import tarfile

from docker.models.containers import Container

_FILE = "/var/lib/asterisk/astdb.sqlite3"


def stored_values(container: Container) -> list[str]:
    """All values; none when the file was being written just then."""
    chunks, _ = container.get_archive(_FILE)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.extractfile(_FILE.rpartition("/")[2])
        data = member.read() if member else b""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(data)
            return [str(value) for (value,) in database.execute("SELECT value FROM astdb")]
        except sqlite3.DatabaseError:
            return []

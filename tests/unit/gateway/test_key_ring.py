from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.gateway import key_ring
from services.gateway.key_ring import KeyRing
from tests.support.gateway_fakes import FakeClock
from tests.support.keys import Keys
from tests.support.waiting import until


class Bench:
    def __init__(self, folder: Path, *, required: bool = True) -> None:
        self.keys = Keys(folder)
        self.key = self.keys.add("wall", "stream")
        self.clock = FakeClock()
        self.changes = 0
        self.ring = KeyRing(self.keys.file, self.clock, required=required)
        self.ring.on_change(self._changed)

    def _changed(self) -> None:
        self.changes += 1

    @property
    def good(self) -> bool:
        return self.ring.find(self.key) is not None


def test_keys_of_the_file_are_good(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    found = bench.ring.find(bench.key)

    assert found is not None
    assert found.name == "wall"
    assert bench.ring.principal(found.id) == found
    assert bench.ring.not_ready == []


def test_file_is_looked_at_at_most_once_a_second(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.keys.revoke("wall")
    bench.clock.go(0.9)
    assert bench.good
    bench.clock.go(0.1)

    assert not bench.good
    assert bench.changes == 1


def test_change_that_shows_neither_in_time_nor_in_size_counts(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    before = bench.keys.file.stat()
    text = bench.keys.file.read_text()
    changed = text.replace('sha256 = "', 'sha256 = "0', 1).replace('"\nroles', '"\nroles', 1)
    at = changed.index('sha256 = "') + len('sha256 = "')
    with bench.keys.file.open("r+") as opened:
        opened.write(changed[: at + 64] + text[at + 64 :])
    os.utime(bench.keys.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = bench.keys.file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    bench.ring.look()

    assert not bench.good


async def test_change_is_seen_without_anybody_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "LOOK_EVERY_S", 0.01)
    bench = Bench(tmp_path)
    running = asyncio.create_task(bench.ring.run())
    try:
        bench.keys.revoke("wall")
        await until(lambda: bench.changes == 1)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    assert not bench.good


def remove(file: Path) -> None:
    file.unlink()


def garbage(file: Path) -> None:
    file.write_text("\0garbage")


def cut_off(file: Path) -> None:
    file.write_bytes(b"")


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def mistake(file: Path) -> None:
    file.write_text(file.read_text() + '[[key]]\nname = "crm"\n')


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("spoil", [remove, garbage, cut_off, folder, mistake])
def test_no_key_is_good_while_the_file_is_not_right(
    spoil: Callable[[Path], None], required: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pbxis")
    bench = Bench(tmp_path, required=required)
    right = bench.keys.file.read_bytes()
    spoil(bench.keys.file)
    caplog.clear()
    for _ in range(3):
        bench.clock.go(1)
        assert not bench.good

    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "NO API KEY IS GOOD" in caplog.text
    assert str(bench.keys.file) in caplog.text
    assert bool(bench.ring.not_ready) is required
    assert not any(str(tmp_path) in reason for reason in bench.ring.not_ready)
    assert bench.changes == 1

    if bench.keys.file.is_dir():
        bench.keys.file.rmdir()
    bench.keys.file.write_bytes(right)
    bench.clock.go(1)

    assert bench.good
    assert "is right again" in caplog.text
    assert bench.ring.not_ready == []
    assert bench.changes == 2


def test_gateway_that_needs_no_keys_may_have_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = KeyRing(tmp_path / "keys.toml", FakeClock(), required=False)

    assert ring.problem is None
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_gateway_that_needs_keys_is_shut_without_the_file(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys.toml", FakeClock(), required=True)

    assert ring.not_ready


def test_without_a_file_no_key_is_good() -> None:
    ring = KeyRing(None, FakeClock(), required=False)

    assert ring.find("pbxis_x") is None
    assert ring.principal("x") is None


def test_file_that_others_can_read_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pbxis")
    bench = Bench(tmp_path)
    assert "chmod 600" not in caplog.text
    bench.keys.file.chmod(0o644)
    for _ in range(3):
        bench.ring.look()

    warnings = [record for record in caplog.records if "chmod 600" in record.getMessage()]
    assert len(warnings) == 1
    assert bench.good


def test_no_key_comes_into_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pbxis")
    bench = Bench(tmp_path)
    bench.keys.file.write_text(f'[[key]]\nname = "{bench.key}"\n{bench.key} = 1\n')
    bench.ring.look()

    assert bench.ring.find(bench.key) is None
    assert caplog.text
    assert bench.key not in caplog.text

from __future__ import annotations

import fcntl
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.gateway import key_file
from services.gateway.core.keys import KeyBook
from services.gateway.key_file import KeysFileError
from tests.support.keys import Keys, new_key


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_no_file_is_no_keys(tmp_path: Path) -> None:
    assert key_file.read_bytes(tmp_path / "keys.toml") is None
    assert key_file.load(tmp_path / "keys.toml").entries == ()


def test_what_is_written_is_read_back_and_private(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    _, entry = new_key("wall", ["stream"])

    key_file.change(file, lambda book: book.with_key(entry))

    assert key_file.load(file).entries == (entry,)
    assert mode_of(file) == 0o600
    content = key_file.read_bytes(file)
    assert content is not None
    assert not content.too_open


def test_group_that_could_read_the_file_still_can_and_nobody_else(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.file.chmod(0o666)
    keys.add("wall", "stream")

    assert mode_of(keys.file) == 0o640


def test_owner_of_the_file_stays_its_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    keys = Keys(tmp_path)
    os.chown(keys.file, 4711, 4712)
    keys.add("wall", "stream")

    found = keys.file.stat()
    assert (found.st_uid, found.st_gid) == (4711, 4712)


def test_symbolic_link_stays_one(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    link = tmp_path / "link.toml"
    link.symlink_to(keys.file)
    key_file.change(link, lambda book: book.with_key(new_key("wall", ["stream"])[1]))

    assert link.is_symlink()
    assert len(key_file.load(keys.file).entries) == 1


def test_changes_at_the_same_time_all_count(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    names = [f"key{number}" for number in range(20)]

    with ThreadPoolExecutor(8) as threads:
        for made in [threads.submit(keys.add, name, "call") for name in names]:
            made.result()

    assert sorted(entry.name for entry in key_file.load(keys.file).entries) == sorted(names)


def test_change_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    before = keys.file.read_bytes()

    def fail(book: KeyBook) -> KeyBook:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        key_file.change(keys.file, fail)

    assert keys.file.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == [".keys.toml.lock", "keys.toml"]


def test_file_with_a_mistake_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text('[[key]]\nname = "wall"\n')

    with pytest.raises(KeysFileError, match=r"key\[0\] \('wall'\): id: it is required"):
        key_file.change(file, lambda book: book)
    assert file.read_text() == '[[key]]\nname = "wall"\n'


def test_file_that_another_process_keeps_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path)
    monkeypatch.setattr(key_file, "_LOCK_WITHIN_S", 0.0)
    with (tmp_path / ".keys.toml.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(KeysFileError, match="another process"):
            keys.add("wall", "stream")


def test_folder_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for file in (tmp_path / "missing" / "keys.toml", tmp_path / "file" / "keys.toml"):
        with pytest.raises(KeysFileError, match="folder cannot be written"):
            key_file.change(file, lambda book: book)
        with pytest.raises(KeysFileError, match="cannot be written"):
            key_file.write(file, KeyBook())
        with pytest.raises(KeysFileError, match="cannot be written"):
            key_file.write_secret(file, "x")


def test_what_is_no_readable_file_of_text_is_refused(tmp_path: Path) -> None:
    folder, pipe, large, binary, loop = (tmp_path / name for name in ("d", "p", "l", "b", "s"))
    folder.mkdir()
    os.mkfifo(pipe)
    large.write_bytes(b" " * (key_file.MAX_BYTES + 1))
    binary.write_bytes(b"\xff")
    loop.symlink_to(loop)

    for file, problem in (
        (folder, "is not a file"),
        (pipe, "is not a file"),
        (large, "larger than"),
        (binary, "UTF-8"),
        (loop, "cannot be read"),
    ):
        with pytest.raises(KeysFileError, match=problem):
            key_file.load(file)


def test_secret_replaces_an_older_one_and_is_never_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    secret = tmp_path / "keys.admin-key"
    secret.symlink_to(target)

    key_file.write_secret(secret, "new\n")

    assert target.read_text() == "untouched"
    assert (secret.read_text(), mode_of(secret), secret.is_symlink()) == ("new\n", 0o600, False)


@pytest.mark.parametrize(
    ("mode", "too_open"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True), (0o602, True)]
)
def test_file_that_others_may_read_or_change_is_too_open(mode: int, too_open: bool, tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.file.chmod(mode)
    content = key_file.read_bytes(keys.file)

    assert content is not None
    assert content.too_open is too_open

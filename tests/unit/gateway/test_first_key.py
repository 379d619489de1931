from __future__ import annotations

import datetime
import logging
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.gateway import first_key, key_file
from services.gateway.settings import Settings
from shared.errors import ConfigError
from tests.support.keys import CREATED, Keys


def prepare(file: Path | None, random: Any = secrets.token_bytes, **more: Any) -> None:
    defaults: dict[str, Any] = {"host": "127.0.0.1", "pbxs": ("hq",), "keys_file": file}
    settings = Settings(**{**defaults, **more})
    first_key.prepare(settings, random, CREATED)


def names(file: Path) -> list[str]:
    return [entry.name for entry in key_file.load(file).entries]


def test_first_start_makes_one_admin_key_and_leaves_it_beside_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pbxis")
    file, secret = tmp_path / "keys.toml", tmp_path / "keys.admin-key"

    prepare(file)

    key = secret.read_text().strip()
    found = key_file.load(file).find(key)
    assert found is not None
    assert (found.name, found.roles, found.pbxs) == ("admin", {"admin"}, None)
    assert key_file.load(file).entries[0].created == datetime.date(2026, 1, 31)
    for made in (file, secret):
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert str(secret) in caplog.text
    assert "delete that file" in caplog.text
    assert key not in caplog.text
    assert key.rpartition("_")[2] not in caplog.text


def test_next_start_makes_none_and_reminds_of_the_key_that_lies_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pbxis")
    file, secret = tmp_path / "keys.toml", tmp_path / "keys.admin-key"
    prepare(file)
    before = file.read_bytes()
    caplog.clear()
    prepare(file)
    assert "still lies in" in caplog.text
    secret.unlink()
    caplog.clear()
    prepare(file)

    assert file.read_bytes() == before
    assert not secret.exists()
    assert caplog.text == ""


def test_gateways_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(prepare, [file] * 16))

    assert names(file) == ["admin"]
    assert key_file.load(file).find((tmp_path / "keys.admin-key").read_text().strip())


def test_start_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    secret = tmp_path / "keys.admin-key"
    secret.write_text("pbxis_of_a_start_that_was_cut_off")

    prepare(tmp_path / "keys.toml")

    assert key_file.load(tmp_path / "keys.toml").find(secret.read_text().strip())


@pytest.mark.parametrize("more", [{"open": True}, {"demo": True}])
def test_gateway_that_needs_no_key_makes_none(more: dict[str, bool], tmp_path: Path) -> None:
    prepare(tmp_path / "keys.toml", **more)
    prepare(None)

    assert list(tmp_path.iterdir()) == []


def test_open_gateway_that_others_can_reach_needs_keys(tmp_path: Path) -> None:
    prepare(tmp_path / "keys.toml", open=True, host="0.0.0.0")

    assert names(tmp_path / "keys.toml") == ["admin"]


def test_what_cannot_be_used_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('[[key]]\nname = "wall"\n')

    for file, problem in (
        (tmp_path / "missing" / "keys.toml", "folder cannot be written"),
        (broken, r"key\[0\] \('wall'\)"),
        (tmp_path / "x.admin-key", "must not end in"),
    ):
        with pytest.raises(ConfigError, match=problem) as refused:
            prepare(file)
        assert refused.value.key == "gateway.keys_file"


def test_key_for_a_pbx_that_is_not_configured_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pbxis")
    keys = Keys(tmp_path)
    keys.add("wall", "stream", pbxs=["hq", "moon"])
    prepare(keys.file)

    assert "wall is for a PBX that is not configured: moon" in caplog.text

from __future__ import annotations

from pathlib import Path

import pytest

from services.terminal.given_key import GivenKeyError, given_key
from tests.support.keys import new_key


@pytest.fixture(autouse=True)
def _no_key_of_the_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PBXIS_KEY", raising=False)


def test_none_is_given() -> None:
    assert given_key(None) is None


def test_file_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (one, _), (other, _) = new_key("a", ["call"]), new_key("b", ["call"])
    file = tmp_path / "key"
    file.write_text(f"{one}\n")
    monkeypatch.setenv("PBXIS_KEY", other)

    assert given_key(None) == other
    assert given_key(str(file)) == one


def test_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBXIS_KEY", "")

    assert given_key(None) is None


@pytest.mark.parametrize("change", ["{}x", "{}\r\nX-Evil: 1", "Bearer {}", "", "{} {}"])
def test_what_is_no_key_is_refused_and_not_told(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = new_key("a", ["call"])
    file = tmp_path / "key"
    file.write_text(change.format(key, key), newline="")

    with pytest.raises(GivenKeyError) as refused:
        given_key(str(file))
    assert str(file) in str(refused.value)
    assert key not in str(refused.value)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")

    with pytest.raises(GivenKeyError, match="missing: cannot be read: No such file"):
        given_key(str(tmp_path / "missing"))
    with pytest.raises(GivenKeyError, match="binary: is not text"):
        given_key(str(tmp_path / "binary"))

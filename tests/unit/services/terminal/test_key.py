from __future__ import annotations

import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services import cli
from services.gateway import key_file
from services.gateway.core.keys import is_key
from tests.support.keys import Keys

ROOT = Path(__file__).resolve().parents[4]
PBX = '[[pbx]]\nname = "hq"\nhost = "h"\nusername = "u"\nsecret_file = "not-read"\n'


class Site:
    """A configuration and the commands that are run with it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "pbxis.toml"
        self.config.write_text(PBX)
        self.keys = folder / "keys.toml"
        self._capsys = capsys

    def key(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        try:
            code = cli.main(["key", *arguments, "--config", str(self.config)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        found = self._capsys.readouterr()
        return code, found.out, found.err


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def test_a_made_key_stands_alone_on_standard_output_and_is_good(site: Site) -> None:
    code, out, err = site.key("add", "crm", "--roles", "call,queue", "--pbx", "hq")

    key = out.removesuffix("\n")
    assert (code, is_key(key)) == (0, True)
    found = key_file.load(site.keys).find(key)
    assert found is not None
    assert (found.name, found.roles, found.pbxs) == ("crm", {"call", "queue"}, {"hq"})
    assert "shown this once" in err
    assert key not in err
    assert key.rpartition("_")[2] not in site.keys.read_text()
    assert stat.S_IMODE(site.keys.stat().st_mode) == 0o600


def test_keys_are_listed_without_what_is_secret(site: Site) -> None:
    _, key, _ = site.key("add", "crm", "--roles", "call,queue", "--pbx", "hq")
    site.key("add", "wallboard", "--roles", "stream")

    code, out, _ = site.key("list")

    assert code == 0
    heading, crm, wall = out.splitlines()
    assert heading.split() == ["NAME", "ROLES", "PBXS", "CREATED", "ID"]
    assert crm.split()[:3] == ["crm", "call,queue", "hq"]
    assert wall.split()[:3] == ["wallboard", "stream", "all"]
    entry = key_file.load(site.keys).entries[0]
    assert entry.sha256 not in out
    assert key.strip() not in out


def test_no_keys_are_said_to_be_none(site: Site) -> None:
    code, out, err = site.key("list")

    assert (code, out) == (0, "")
    assert "There are no keys" in err


def test_a_revoked_key_is_gone(site: Site) -> None:
    _, key, _ = site.key("add", "crm", "--roles", "admin")
    code, out, err = site.key("revoke", "crm")

    assert (code, out) == (0, "")
    assert "crm is revoked" in err
    assert "No key with the role admin is left" in err
    assert key_file.load(site.keys).find(key.strip()) is None


def test_losing_no_admin_is_no_matter(site: Site) -> None:
    site.key("add", "boss", "--roles", "admin")
    site.key("add", "crm", "--roles", "call")

    assert "role admin" not in site.key("revoke", "crm")[2]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "crm", "--roles", "boss"], 2, "no role 'boss'; the roles are stream, call, queue, admin"),
        (["add", "crm", "--roles", "call,,queue"], 2, "nothing left out"),
        (["add", "crm", "--roles", ""], 2, "nothing left out"),
        (["add", "crm"], 2, "--roles"),
        (["add", "old", "--roles", "call"], 1, "there is a key named 'old' already"),
        (["add", "a b", "--roles", "call"], 1, "'a b' cannot be the name of a key"),
        (["add", "local", "--roles", "call"], 1, "'local' cannot be the name of a key"),
        (["add", "crm", "--roles", "call", "--pbx", "moon"], 1, "no PBX is named 'moon'; there are: hq"),
        (["revoke", "crm"], 1, "no key named 'crm'; there are: old"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    arguments: list[str], code: int, said: str, site: Site
) -> None:
    site.key("add", "old", "--roles", "stream")
    before = site.keys.read_bytes()

    found = site.key(*arguments)

    assert found[:2] == (code, "")
    assert said in found[2]
    assert site.keys.read_bytes() == before


@pytest.mark.parametrize("arguments", [["list"], ["add", "crm", "--roles", "call"], ["revoke", "crm"]])
def test_a_keys_file_with_a_mistake_is_an_error_of_the_configuration(
    arguments: list[str], site: Site
) -> None:
    site.keys.write_text('[[key]]\nname = "crm"\n')

    code, out, err = site.key(*arguments)

    assert (code, out) == (2, "")
    assert "gateway.keys_file" in err
    assert "key[0] ('crm'): id: it is required" in err
    assert site.keys.read_text() == '[[key]]\nname = "crm"\n'


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["key", "--help"])

    assert ended.value.code == 0
    assert "pbxis key add wallboard --roles stream" in capsys.readouterr().out


def test_two_that_add_keys_at_once_both_do(site: Site) -> None:
    commands = [
        [
            sys.executable,
            "-m",
            "services.cli",
            "key",
            "add",
            f"k{n}",
            "--roles",
            "call",
            "--config",
            str(site.config),
        ]
        for n in range(3)
    ]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for command in commands
    ]
    keys = [process.communicate(timeout=60)[0].decode().strip() for process in running]

    assert [process.returncode for process in running] == [0, 0, 0]
    assert all(key_file.load(site.keys).find(key) for key in keys)


def checked(site: Site, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    site.config.write_text("[gateway]\nopen = false\n")  # no PBX to log in to
    ours = logging.getLogger("pbxis")
    level = ours.level
    cli.main(["check", "--config", str(site.config), *arguments])  # which makes the logger say less
    ours.setLevel(level)
    return capsys.readouterr().out


def test_check_tells_of_keys_that_will_not_do(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no " in checked(site, capsys)
    keys = Keys(tmp_path)
    keys.add("wall", "stream", pbxs=["moon"])
    keys.file.chmod(0o644)
    said = checked(site, capsys)

    assert "✓ API keys: 1 in" in said
    assert "! API keys: others may read or change" in said
    assert "! API keys: wall is for 'moon', which is not configured" in said

    keys.file.write_text("garbage")
    assert "✗ API keys: no key is good" in checked(site, capsys)


def test_check_tells_what_a_key_is_for(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = Keys(tmp_path)
    own = tmp_path / "own.key"
    own.write_text(keys.add("wall", "stream", "call") + "\n")

    assert "the one that was given is wall (roles: call, stream; PBXs: all)" in checked(
        site, capsys, "--key-file", str(own)
    )
    keys.revoke("wall")
    assert "✗ API keys: the key that was given is not good here" in checked(
        site, capsys, "--key-file", str(own)
    )

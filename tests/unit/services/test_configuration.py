from __future__ import annotations

import stat
from pathlib import Path

import certifi
import pytest

from services import configuration
from shared.config import Config, GatewaySection, NatsSection, PbxSection
from shared.errors import ConfigError

PBX = '[[pbx]]\nname = "hq"\nhost = "h"\nusername = "u"\nsecret_file = "ami"\ntls = true\ntls_ca = "ca.pem"\n'


def test_without_a_file_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PBXIS_CONFIG", raising=False)

    found = configuration.load(None)

    files = GatewaySection(keys_file=str(Path.cwd() / "keys.toml"), users_file=str(Path.cwd() / "users.toml"))
    assert found == Config(gateway=files)


def test_the_environment_names_the_file_and_files_inside_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ami").write_text("secret\n")
    (tmp_path / "ca.pem").write_text(Path(certifi.where()).read_text())
    (tmp_path / "pbxis.toml").write_text(PBX + '[nats]\nstore_dir = "log"\n')
    monkeypatch.setenv("PBXIS_CONFIG", str(tmp_path / "pbxis.toml"))

    config = configuration.load(None)

    assert config.pbx[0].secret == "secret"
    assert config.pbx[0].tls_ca == str(tmp_path / "ca.pem")
    assert config.nats.store_dir == str(tmp_path / "log")
    assert config.gateway.keys_file == str(tmp_path / "keys.toml")


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "ami").write_text("secret\n")
    (tmp_path / "pbxis.toml").write_text(PBX)

    with pytest.raises(ConfigError, match=r"pbx\[0\]\.tls_ca: cannot use .*: No such file"):
        configuration.load(str(tmp_path / "pbxis.toml"))
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"pbx\[0\]\.tls_ca: cannot use"):
        configuration.load(str(tmp_path / "pbxis.toml"))


def test_a_gateway_reads_no_ami_secret(tmp_path: Path) -> None:
    (tmp_path / "pbxis.toml").write_text(PBX)

    assert configuration.load(str(tmp_path / "pbxis.toml"), pbx_secrets=False).pbx[0].secret is None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")

    with pytest.raises(ConfigError, match=r"cannot read .*missing: No such file"):
        configuration.load(str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        configuration.load(str(tmp_path / "binary"))


def test_what_is_written_for_a_child_is_read_back_and_private(tmp_path: Path) -> None:
    file = tmp_path / "child.toml"
    config = Config(
        nats=NatsSection(url="nats://127.0.0.1:4222", username="bridge", password="p"),
        pbx=(PbxSection(name="hq", host="h", username="u", secret='s"\\é'),),
        agent_queues={"vip.es en": ("148",)},
    )

    configuration.write_private(config, file)

    found = configuration.load(str(file))
    assert (found.nats, found.pbx, found.agent_queues) == (config.nats, config.pbx, config.agent_queues)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

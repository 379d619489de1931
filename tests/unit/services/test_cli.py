from __future__ import annotations

from pathlib import Path

import pytest

from services import cli


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])

    assert ended.value.code == 0
    assert "pbxis up --config pbxis.toml" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["up"], ["bridge", "--pbx", "hq"], ["check"], ["tail"]])
def test_a_wrong_configuration_is_one_clear_line_and_code_2(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pbxis.toml"
    file.write_text("[gateway]\nport = true\n")

    assert cli.main([*command, "--config", str(file)]) == 2

    assert capsys.readouterr().err == "pbxis: configuration: gateway.port: expected `int`, got `bool`\n"


def test_a_bridge_for_a_pbx_that_is_not_configured_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pbxis.toml"
    file.write_text("")

    assert cli.main(["bridge", "--pbx", "hq", "--config", str(file)]) == 2

    assert "no PBX is named 'hq'" in capsys.readouterr().err


def test_tail_without_a_gateway_says_where_it_looked(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tail", "--url", "http://127.0.0.1:9"]) == 1

    assert "http://127.0.0.1:9: cannot be reached" in capsys.readouterr().err

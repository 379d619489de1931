"""The program `pbxis demo-pbx`."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.demo_pbx.__main__ import main


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "services.demo_pbx", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_that_it_is_ready_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    with start("--secret-file", str(secret)) as process:
        try:
            assert re.fullmatch(r"ready AMI 127\.0\.0\.1:\d+", line(process))
            process.send_signal(number)
            assert process.wait(5) == 0
        finally:
            process.kill()


def test_a_secret_is_shown_only_if_it_was_made_here() -> None:
    with start("--username", "tester") as process:
        try:
            assert re.fullmatch(r"username tester secret \S{20,}", line(process))
            assert line(process).startswith("ready AMI ")
        finally:
            process.kill()


@pytest.mark.parametrize("content", ["", "two\nlines", None])
def test_a_secret_file_that_holds_no_secret_is_exit_code_2(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content)

    assert main(["--port", "0", "--secret-file", str(path)]) == 2
    assert capsys.readouterr().err.startswith("--secret-file: ")


@pytest.mark.parametrize(
    "arguments", [["--speed", "0"], ["--speed", "nan"], ["--port", "70000"], ["--seed", "x"], ["--nosuch"]]
)
def test_bad_arguments_are_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2


def test_an_address_that_cannot_be_had_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "192.0.2.1", "--port", "0"]) == 2
    assert "--host, --port: cannot listen on 192.0.2.1:0" in capsys.readouterr().err

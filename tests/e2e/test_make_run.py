"""A new user's first minutes: a fresh checkout, `make run`, a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.site import ROOT

_FIRST_WITHIN_S = 180.0
_AGAIN_WITHIN_S = 30.0


@contextmanager
def make_run(checkout: Path, within_s: float) -> Generator[str]:
    """`make run` until it says that it is ready; the address."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    (checkout / "free-port.toml").write_text("[gateway]\nport = 0\n")
    log = checkout / "make-run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["make", "run", "CONFIG=free-port.toml"],
            cwd=checkout,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _ready(process, log, within_s)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _ready(process: subprocess.Popen[bytes], log: Path, within_s: float) -> str:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if line.startswith("ready http"):
                return line.split()[1]
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"`make run` was not ready within {within_s:.0f} s:\n{log.read_text()}")


@pytest.mark.timeout(300)
def test_a_fresh_checkout_is_ready_within_three_minutes_and_at_once_the_next_time(tmp_path: Path) -> None:
    checkout = tmp_path / "pbxis"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)

    for name, within_s in (("first", _FIRST_WITHIN_S), ("again", _AGAIN_WITHIN_S)):
        begun = time.monotonic()
        with make_run(checkout, within_s) as url:
            print(f"{name}: ready after {time.monotonic() - begun:.1f} s")
            with urllib.request.urlopen(url, timeout=10) as page:
                assert b"<title>" in page.read()

"""The supervisor with real, tiny child processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.up import supervisor as supervising
from services.up.supervisor import Child, Supervisor
from tests.support.waiting import until


def child(name: str, code: str, *, essential: bool = False) -> Child:
    return Child(name, [sys.executable, "-c", code], essential)


async def test_a_child_that_refuses_its_configuration_ends_everything_with_its_code() -> None:
    supervisor = Supervisor()
    supervisor.start(child("bridge", "raise SystemExit(2)"))

    assert await supervisor.wait() == 2
    await supervisor.stop()


async def test_an_essential_child_that_ends_well_ends_everything_well() -> None:
    supervisor = Supervisor()
    supervisor.start(child("gateway", "raise SystemExit(0)", essential=True))

    assert await supervisor.wait() == 0
    await supervisor.stop()


async def test_a_child_that_dies_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_FIRST_PAUSE_S", 0.01)
    marks = tmp_path / "marks"
    supervisor = Supervisor()
    supervisor.start(child("bridge", f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(1)"))

    await until(lambda: marks.exists() and len(marks.read_text()) >= 2, what="a second start")

    await supervisor.stop()


async def test_children_are_stopped_with_sigterm(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = (
        "import signal, sys\n"
        f"mark = open({str(mark)!r}, 'w')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (mark.write(' stopped'), sys.exit(0)))\n"
        "mark.write('started'); mark.flush()\n"
        "signal.pause()\n"
    )
    supervisor = Supervisor()
    supervisor.start(child("bridge", code))
    await until(lambda: mark.exists() and mark.read_text(), what="the start")

    await supervisor.stop()

    assert mark.read_text() == "started stopped"

"""Everything that `make test` runs, in order, each step named; stops at the first that fails.

The closing line is pytest's own. With ``unit`` it runs the unit tests alone, which `make unit` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: list[tuple[str, list[str]]] = [
    ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    ("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
    ("import contracts", [str(BIN / "lint-imports"), "--no-cache"]),
    ("types", [str(BIN / "basedpyright")]),
    ("pages", [sys.executable, "tools/web.py", "check"]),
]
# Only the plugins that unit tests use. The others (Schemathesis, Playwright, …) take two seconds to load and
# some run at every test. Said in the environment, for `-p no:…` reaches pytest-xdist's processes too late.
UNIT_PLUGINS = [
    "env",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
    "PYTEST_PLUGINS=pytest_asyncio.plugin,_hypothesis_pytestplugin,pytest_timeout,xdist.plugin",
]
UNIT = ["-m", "pytest", "tests/unit", "-q"]
COVERAGE = [str(BIN / "coverage"), "report"]
# Two processes, see `tests/conftest.py`.
SIDE_BY_SIDE = ["-n", "2", "--no-loadscope-reorder"]
REST = [str(BIN / "pytest"), "tests", "-q", "--ignore=tests/unit", "--durations=10", *SIDE_BY_SIDE]


def step(name: str, command: list[str], *, quiet: bool) -> None:
    """Run one step.

    Raises:
        SystemExit: it failed; its output has been shown.
    """
    begun = time.monotonic()
    print(f"── {name} …", flush=True)
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=quiet, text=True)
    if done.returncode != 0:
        if quiet:
            print(done.stdout, done.stderr, sep="\n")
        print(f"── {name} failed: {' '.join(command)}", file=sys.stderr)
        raise SystemExit(done.returncode)
    print(f"── {name} ok, {time.monotonic() - begun:.0f} s", flush=True)


def main() -> None:
    """All steps, or the unit tests."""
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    if sys.argv[1:] == ["unit"]:
        step("unit tests", [*UNIT_PLUGINS, sys.executable, *UNIT, *SIDE_BY_SIDE], quiet=False)
        return
    for name, command in CHECKS:
        step(name, command, quiet=True)
    # One process, whose coverage needs no combining.
    step("unit tests", [*UNIT_PLUGINS, str(BIN / "coverage"), "run", *UNIT], quiet=False)
    step("coverage of core and shared", COVERAGE, quiet=True)
    step("contract, integration and end-to-end tests", REST, quiet=False)


if __name__ == "__main__":
    main()

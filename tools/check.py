"""Everything that `make test` runs, in order, each step named; stops at the first that fails.

With ``unit`` it runs the unit tests alone, which is `make unit`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
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
# Only the plugins that unit tests use: the others (Schemathesis, Playwright, …) take two seconds to load, and
# some run at every test.
UNIT_PLUGINS = [
    "env",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
    "PYTEST_PLUGINS=pytest_asyncio.plugin,_hypothesis_pytestplugin,pytest_timeout,xdist.plugin",
]
# Two processes that take equally long; what is new is in the second. Not by pytest-xdist: each process of it
# imports all tests, and its reports take as long as most unit tests.
UNIT_FIRST = ["tests/unit/demo_pbx", "tests/unit/services", "tests/unit/shared"]
UNIT_SECOND = ["tests/unit", *(f"--ignore={folder}" for folder in UNIT_FIRST)]
COVERAGE = [sys.executable, "-m", "coverage"]
# Two processes, see `tests/conftest.py`.
SIDE_BY_SIDE = ["-n", "2", "--no-loadscope-reorder"]
REST = [str(BIN / "pytest"), "tests", "-q", "--ignore=tests/unit", "--durations=10", *SIDE_BY_SIDE]


def step(name: str, *commands: list[str], quiet: bool) -> None:
    """Run one step: its commands at the same time, but what they print comes one after the other.

    Raises:
        SystemExit: one failed; what all printed has been shown.
    """
    begun = time.monotonic()
    print(f"── {name} …", flush=True)
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in commands]
        running: list[subprocess.Popen[str]] = []
        for command, output in zip(commands, kept, strict=True):
            watched = not running and not quiet  # the first, as it runs
            where = None if watched else output
            process = subprocess.Popen(command, cwd=ROOT, stdout=where, stderr=subprocess.STDOUT, text=True)
            running.append(stack.enter_context(process))
        codes = [process.wait() for process in running]
        for output in kept if any(codes) or not quiet else []:
            output.seek(0)
            print(output.read(), end="", flush=True)
    for command, code in zip(commands, codes, strict=True):
        if code != 0:
            print(f"── {name} failed: {' '.join(command)}", file=sys.stderr)
            raise SystemExit(code)
    print(f"── {name} ok, {time.monotonic() - begun:.0f} s", flush=True)


def unit_tests() -> None:
    """The unit tests alone."""
    pytest = [*UNIT_PLUGINS, sys.executable, "-m", "pytest", "-q"]
    step("unit tests", [*pytest, *UNIT_FIRST], [*pytest, *UNIT_SECOND], quiet=False)


def covered_unit_tests() -> None:
    """The same, and whether they reach every branch that they should."""
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/first", f"{folder}/second"]
        halves = [
            [*UNIT_PLUGINS, *COVERAGE, "run", f"--data-file={file}", "-m", "pytest", "-q", *half]
            for file, half in zip(files, (UNIT_FIRST, UNIT_SECOND), strict=True)
        ]
        step("unit tests", *halves, quiet=False)
        step("coverage of both", [*COVERAGE, "combine", *files], quiet=True)
    step("coverage of core and shared", [*COVERAGE, "report"], quiet=True)


def main() -> None:
    """All steps, or the unit tests."""
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    if sys.argv[1:] == ["unit"]:
        unit_tests()
        return
    for name, command in CHECKS:
        step(name, command, quiet=True)
    covered_unit_tests()
    step("contract, integration and end-to-end tests", REST, quiet=False)


if __name__ == "__main__":
    main()

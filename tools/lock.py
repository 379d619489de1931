"""Compile requirements/*.in into pinned, hashed requirements/*.txt (`make lock`).

`dev` is compiled first and constrains the others, so that one version of a package is tested and run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
OPTIONS = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet"]


def compile_file(name: str, *more: str) -> None:
    """One `.in` into one `.txt`; keeps versions that still fit."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *more]
    subprocess.run([*command, f"{name}.in", "-o", f"{name}.txt"], cwd=REQUIREMENTS, check=True)


def main() -> None:
    """All of them."""
    compile_file("dev")
    for name in sorted(path.stem for path in REQUIREMENTS.glob("*.in")):
        if name != "dev":
            print(name)
            compile_file(name, "-c", "dev.txt")


if __name__ == "__main__":
    main()

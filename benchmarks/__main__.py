"""All benchmarks, one after the other: `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run each module here as a program; the number that missed its target."""
    missed = 0
    for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        print(f"── {file.stem}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{file.stem}"], check=False)
        missed += done.returncode != 0
    return missed


if __name__ == "__main__":
    sys.exit(main())

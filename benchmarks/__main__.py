"""All benchmarks, one after the other: `make bench`."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("ami_parsing", "outbox", "actions", "streams")
"""All but `soak`, which takes an hour: `make soak`."""


def main() -> int:
    """Run each module here as a program; the number that missed its target."""
    missed = 0
    for name in BENCHMARKS:
        print(f"── {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
        missed += done.returncode != 0
    return missed


if __name__ == "__main__":
    sys.exit(main())

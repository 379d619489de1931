"""`make fuzz`: randomised tests for so many minutes; MINUTES=10, SEED and PART may be given.

Prints what it did with its date and seed; a run of ten minutes or more is kept in `benchmarks/results/`.
What fails is printed with the command that runs just that case again; exit code 1 then.
"""

from __future__ import annotations

import argparse
import datetime
import secrets
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.rig import results
from tests.fuzz import ami_case, hub_case
from tests.fuzz.case import Case, generator

PARTS: Mapping[str, Case] = {"ami": ami_case.run, "hub": hub_case.run}
_MOST_FAILURES = 5
_LONG_MIN = 10


def main() -> int:
    """Run; the exit code."""
    parser = argparse.ArgumentParser(description="Randomised tests, for minutes.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--seed", type=int, default=None, help="of all that is random (default: another each time)"
    )
    parser.add_argument("--part", choices=PARTS, help="only this one")
    parser.add_argument("--case", type=int, help="only this one, of --part and --seed")
    parser.add_argument("--keep", action="store_true", help="keep the result of a shorter run too")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    parts = {options.part: PARTS[options.part]} if options.part else PARTS
    if options.case is not None:
        for part, run in parts.items():
            print(f"{part} {options.case}: {_told(run(generator(seed, part, options.case)))}")
        return 0
    began = datetime.datetime.now(datetime.UTC)
    head = f"{began:%Y-%m-%d %H:%M} UTC, seed {seed}, {options.minutes:g} min: {', '.join(parts)}"
    print(head, flush=True)
    failures, lines = _run(parts, seed, time.monotonic() + options.minutes * 60)
    lines.append(f"{failures} failed" if failures else "nothing failed")
    print(*lines, sep="\n")
    if options.keep or options.minutes >= _LONG_MIN:
        print("written to", results.keep("fuzz", f"# Randomised tests, {head}", *lines))
    return 1 if failures else 0


def _run(parts: Mapping[str, Case], seed: int, until: float) -> tuple[int, list[str]]:
    """One case of each part after the other until the time is up; how many failed, and what was done."""
    done = {part: Counter[str]() for part in parts}
    number = failures = 0
    while failures < _MOST_FAILURES and time.monotonic() < until:
        for part, run in parts.items():
            try:
                done[part] += run(generator(seed, part, number))
            except Exception:  # noqa: BLE001 - the outermost loop: the next case may tell more
                failures += 1
                traceback.print_exc()
                print(f"again: make fuzz SEED={seed} PART={part} CASE={number}", file=sys.stderr, flush=True)
        number += 1
    return failures, [f"{part}: {number} cases; {_told(counts)}" for part, counts in done.items()]


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())

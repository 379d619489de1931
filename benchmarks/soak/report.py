"""The result of a soak test, as a dated file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.soak.samples import DRIFT, Held, Sample, drift

LONG_ENOUGH_MIN = 20.0
"""Memory is judged only after that: before, the gateway's ring is still filling."""

_ROWS = 30


class Outcome(NamedTuple):
    """All that there is to tell."""

    title: str
    minutes: float
    samples: Sequence[Sample]
    before: Held
    after: Held
    faults: Mapping[str, int]
    done: Mapping[str, int]
    own_busy: float


_GROWS = "nats-server"
"""It keeps an index of a log that grows until its oldest events are `nats.log_max_age_s` old."""


def verdicts(outcome: Outcome) -> list[tuple[str, bool]]:
    """Each claim in words, and whether it holds."""
    found: list[tuple[str, bool]] = []
    for process in outcome.before.files if outcome.minutes >= LONG_ENOUGH_MIN else ():
        moved = drift(outcome.samples, process)
        words = f"{moved.early / 1024:.1f} MiB after the warm-up, {moved.late / 1024:.1f} MiB at the end"
        if process == _GROWS:
            found.append((f"memory of {process}: {words} (not judged: its log grows for a day)", True))
            continue
        found.append((f"memory of {process}: {words} ({moved.share:+.1%}; at most +{DRIFT:.0%})", moved.flat))
    for process, files in outcome.before.files.items():
        left = outcome.after.files[process]
        found.append((f"open files of {process}: {files} before, {left} when all had left", left <= files))
    tasks = outcome.before.tasks, outcome.after.tasks
    found.append(
        (f"tasks of the gateway: {tasks[0]} before, {tasks[1]} when all had left", tasks[1] <= tasks[0])
    )
    told = ", ".join(f"{name}: {times}" for name, times in sorted(outcome.faults.items())) or "nothing"
    found.append((f"left out, repeated, out of order, late or refused: {told}", not outcome.faults))
    found.append((f"events compared with the log: {outcome.done['events']:,}", outcome.done["events"] > 0))
    return found


def rendered(outcome: Outcome) -> str:
    """The file."""
    processes = list(outcome.before.files)
    head = [
        "minute",
        "clients",
        *(f"{name} MiB" for name in processes),
        *(f"{name} files" for name in processes),
    ]
    lines = [
        f"# {outcome.title}",
        "",
        *(f"- {'holds' if holds else 'BROKEN'}: {words}" for words, holds in verdicts(outcome)),
        "",
        "What the clients did: "
        + ", ".join(f"{name} {times:,}" for name, times in sorted(outcome.done.items()))
        + f". The test itself took {outcome.own_busy:.0%} of a core.",
        "",
        _row([*head, "tasks"]),
        _row(["---"] * (len(head) + 1)),
    ]
    step = max(1, len(outcome.samples) // _ROWS)
    for one in outcome.samples[::step]:
        memory = [f"{one.rss[name] / 1024:.1f}" for name in processes]
        files = [str(one.files[name]) for name in processes]
        lines.append(_row([f"{one.minute:.1f}", str(one.clients), *memory, *files, str(one.tasks)]))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"

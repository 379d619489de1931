"""What the processes take, minute by minute, and whether that grows."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.rig.machine import open_files, rss_kib
from benchmarks.rig.tickets import http

DRIFT = 0.05
_A_FEW_PAGES_KIB = 2048
_WARM_UP = 1 / 4
_WINDOW = 1 / 4
_TASKS = re.compile(rb"^pbxis_gateway_tasks (\d+)", re.MULTILINE)


class Sample(NamedTuple):
    """At one moment: memory in KiB and open files of each process, asyncio tasks of the gateway, clients."""

    minute: float
    rss: Mapping[str, int]
    files: Mapping[str, int]
    tasks: int
    clients: int


class Held(NamedTuple):
    """What must come back to where it was when nobody is there."""

    files: Mapping[str, int]
    tasks: int


async def tasks_of(port: int) -> int:
    """The gateway's own count of its tasks."""
    async with http(port) as connection:
        found = _TASKS.search(await connection.ask("GET", "/metrics"))
    assert found is not None, "the gateway's metrics do not tell its tasks"
    return int(found[1])


async def held(pids: Mapping[str, int], port: int) -> Held:
    """What is held now."""
    return Held({name: open_files(pid) for name, pid in pids.items()}, await tasks_of(port))


async def sample(minute: float, pids: Mapping[str, int], port: int, clients: int) -> Sample:
    """Look now."""
    now = await held(pids, port)
    memory = {name: rss_kib(pid) for name, pid in pids.items()}
    return Sample(minute, memory, now.files, now.tasks, clients)


class Drift(NamedTuple):
    """Medians of the first quarter after the warm-up and of the last quarter, in KiB."""

    early: float
    late: float

    @property
    def share(self) -> float:
        return self.late / self.early - 1

    @property
    def flat(self) -> bool:
        """Whether it did not grow; a small process may move by a few pages."""
        return self.share <= DRIFT or self.late - self.early <= _A_FEW_PAGES_KIB


def drift(samples: Sequence[Sample], process: str) -> Drift:
    """How the memory of a process went, the first quarter left out as warm-up."""
    values = [one.rss[process] for one in samples[int(len(samples) * _WARM_UP) :]]
    window = max(1, round(len(values) * _WINDOW))
    return Drift(statistics.median(values[:window]), statistics.median(values[-window:]))

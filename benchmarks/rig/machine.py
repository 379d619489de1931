"""What a process costs, read from /proc, and which cores the parties of a measurement may use."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

_PAGE_KIB = os.sysconf("SC_PAGESIZE") // 1024
_CORES = sorted(os.sched_getaffinity(0))

LOAD_CORE: int | None = _CORES[0] if len(_CORES) > 1 else None
"""For whoever makes load; ``None`` on a machine with one core, where nothing can be kept apart."""
SERVER_CORE: int | None = _CORES[1] if len(_CORES) > 1 else None
"""For what is measured."""


@contextlib.contextmanager
def on_core(core: int | None) -> Generator[None]:
    """Whatever is started inside, stays on that core; ``None``: it may go anywhere."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Seconds of CPU that the process's threads have used, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


class Ticks(NamedTuple):
    """CPU by where it was used, counted coarsely: for shares only."""

    user: int
    kernel: int

    def kernel_share_since(self, before: Ticks) -> float:
        """How much of the CPU since then went into the kernel."""
        user, kernel = self.user - before.user, self.kernel - before.kernel
        return kernel / max(1, user + kernel)


def ticks(pid: int) -> Ticks:
    """What the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Ticks(int(fields[11]), int(fields[12]))


def rss_kib(pid: int) -> int:
    """Memory that is in use, in KiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KIB


def open_files(pid: int) -> int:
    """How many file descriptors are open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def allow_files(count: int) -> None:
    """Let this process and its children have that many files open.

    Raises:
        SystemExit: the machine does not allow it; the text says what to do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} open files are needed and {hard} allowed: raise the limit (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def described() -> str:
    """What the figures were taken on."""
    one = os.getloadavg()[0]
    return f"{len(_CORES)} cores, load average {one:.1f}"

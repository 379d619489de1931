"""Start a child that ends with us: it gets SIGTERM when this process dies, however it dies."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _begin() -> None:  # pragma: no cover - runs between fork and exec
    os.setpgid(0, 0)  # uvloop has no `process_group`
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Process:
    """Start a program in its own process group: a Ctrl-C reaches only us, and we stop it in order.

    Must be called from the main thread: Linux ties the death signal to the thread that forked.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=_begin,
        pass_fds=pass_fds,
    )


async def stop(process: Process, *, within_s: float = 5.0) -> int:
    """SIGTERM, then SIGKILL to what is still there after ``within_s``; the exit code."""
    if process.returncode is None:
        process.terminate()
        try:
            return await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            process.kill()
    return await process.wait()

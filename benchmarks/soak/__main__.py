"""Hours of demo load: hundreds of clients come, stay, drop out and resume, on all transports.

A demo PBX, a bridge, nats-server and a gateway run as processes of their own. What each client is told is
compared with the log all the time: in order, nothing left out, nothing twice. Memory, open files and tasks
are looked at every minute. At the end everybody leaves. The result lies in benchmarks/results/, dated; the
exit code is 1 when a claim is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

import uvloop

from benchmarks.rig import processes, results
from benchmarks.rig.machine import allow_files, described
from benchmarks.rig.ports import free_port, listening
from benchmarks.rig.site import AMI_SECRET, AMI_USER, running_site
from benchmarks.soak.log_copy import LogCopy
from benchmarks.soak.report import Outcome, rendered, verdicts
from benchmarks.soak.samples import Held, Sample, held, sample
from benchmarks.soak.scopes import SCOPES
from benchmarks.soak.visitors import Crowd

_FILES = 4_096
_JUDGE_EVERY_S = 1.0
_GONE_WITHIN_S = 60.0


@contextlib.asynccontextmanager
async def demo_pbx(speed: float) -> AsyncGenerator[int]:
    """A demo PBX; the port of its AMI."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pbxis-soak-") as name:
        secret, log = Path(name) / "secret", Path(name) / "demo.log"
        secret.write_text(AMI_SECRET, encoding="utf-8")
        options = ["--port", str(port), "--username", AMI_USER, "--secret-file", str(secret)]
        command = processes.module("services.demo_pbx", *options, "--speed", str(speed))
        async with processes.stopped_after(processes.serve(command, log)):
            await listening(port)
            yield port


async def run(minutes: float, clients: int, speed: float, every_s: float) -> Outcome:
    """All of it."""
    async with (
        demo_pbx(speed) as ami_port,
        running_site(core=None, ami_port=ami_port) as site,
        site.bridge() as bridge,
        site.gateway(core=None) as gateway,
    ):
        pids = {"gateway": gateway.process.pid, "bridge": bridge.pid, "nats-server": site.nats.pid or 0}
        log = LogCopy(site.connection, SCOPES)
        copying = asyncio.create_task(log.run())
        crowd = Crowd(gateway.port, log, clients)
        before = await held(pids, gateway.port)
        begun, used = time.monotonic(), time.process_time()
        coming = asyncio.create_task(crowd.run())
        samples = await _watch(crowd, coming, pids, gateway.port, minutes, every_s)
        crowd.send_away()
        await coming
        crowd.judge()
        busy = (time.process_time() - used) / (time.monotonic() - begun)
        after = await _when_empty(pids, gateway.port, before)
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)
    today = datetime.datetime.now(datetime.UTC).date()
    title = f"Soak test of {today}: {minutes:g} minutes, {clients} clients, the demo {speed:g} times as fast"
    return Outcome(f"{title}, {described()}", minutes, samples, before, after, crowd.faults, crowd.done, busy)


async def _watch(
    crowd: Crowd,
    coming: asyncio.Task[None],
    pids: Mapping[str, int],
    port: int,
    minutes: float,
    every_s: float,
) -> list[Sample]:
    samples: list[Sample] = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < minutes * 60 and not coming.done():
        if passed >= (len(samples) + 1) * every_s:
            samples.append(await sample(passed / 60, pids, port, crowd.connected))
            newest = samples[-1]
            print(
                f"{newest.minute:6.1f} min  {newest.clients} clients  {crowd.done['events']:,} events  "
                f"gateway {newest.rss['gateway'] / 1024:.1f} MiB, {newest.tasks} tasks  "
                f"faults {dict(crowd.faults) or 'none'}",
                flush=True,
            )
        crowd.judge()
        await asyncio.sleep(_JUDGE_EVERY_S)
    return samples


async def _when_empty(pids: Mapping[str, int], port: int, before: Held) -> Held:
    """What is held once everybody has left, or still after a minute."""
    end = time.monotonic() + _GONE_WITHIN_S
    while True:
        now = await held(pids, port)
        empty = now.tasks <= before.tasks and all(now.files[name] <= before.files[name] for name in pids)
        if empty or time.monotonic() > end:
            return now
        await asyncio.sleep(1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--speed", type=float, default=10, help="how many times as fast as the demo")
    parser.add_argument("--every", type=float, default=60, metavar="SECONDS", help="between two samples")
    parser.add_argument("--keep", action="store_true", help="write the result also of a run below an hour")
    options = parser.parse_args(argv)
    allow_files(_FILES)
    outcome = uvloop.run(run(options.minutes, options.clients, options.speed, options.every))
    text = rendered(outcome)
    print(text)
    if options.keep or options.minutes >= 60:
        print(f"written to {results.keep('soak', text)}")
    return 0 if all(holds for _, holds in verdicts(outcome)) else 1


if __name__ == "__main__":
    sys.exit(main())

"""A bare FastStream subscriber: one typed command, one typed answer.

python -m benchmarks.peers.bare_bridge NATS_URL
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from fast_depends.msgspec import MsgSpecSerializer
from faststream.nats import NatsBroker

from shared.commands import Outcome, ResetQueue

SUBJECT = "bench.rpc"


async def run(url: str) -> None:
    """Answer until ended."""
    broker = NatsBroker(url, serializer=MsgSpecSerializer(), logger=None)

    @broker.subscriber(SUBJECT)
    async def handle(command: ResetQueue) -> Outcome:
        return Outcome(result="done", message=command.queue or "")

    await broker.start()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1]))

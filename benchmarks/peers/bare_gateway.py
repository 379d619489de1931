"""A bare Litestar application: one POST with a typed JSON body, which makes one bare FastStream request.

python -m benchmarks.peers.bare_gateway NATS_URL PORT
"""

from __future__ import annotations

import sys

import uvicorn
from fast_depends.msgspec import MsgSpecSerializer
from faststream.nats import NatsBroker
from litestar import Litestar, post
from litestar.params import JSONBody

from benchmarks.peers.bare_bridge import SUBJECT
from shared.commands import Outcome, ResetQueue, decode_outcome


def main() -> None:
    """The program; runs until SIGTERM."""
    broker = NatsBroker(sys.argv[1], serializer=MsgSpecSerializer(), logger=None)

    @post("/queue/reset", status_code=200)
    async def reset(data: JSONBody[ResetQueue]) -> Outcome:
        answer = await broker.request(data, SUBJECT, timeout=5)
        return decode_outcome(answer.body)

    async def connect() -> None:
        await broker.start()

    app = Litestar([reset], on_startup=[connect], openapi_config=None, logging_config=None)
    uvicorn.run(
        app, port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()

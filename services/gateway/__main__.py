"""Run a gateway until SIGTERM or SIGINT: `python -m services.gateway --config FILE`.

Prints ``ready http://HOST:PORT/`` on a line of its own once it serves and has the state. Exit codes: 0
stopped cleanly, 1 something failed, 2 the configuration is wrong or the address is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Sequence

import uvloop

from services import cancellation, collector, configuration
from services.exit_codes import exit_code_of
from services.gateway import first_key, open_files
from services.gateway.action_desk import ActionDesk
from services.gateway.adapters.audit_reader import NatsAuditReader
from services.gateway.adapters.audit_stream import AuditStream
from services.gateway.adapters.clock import SystemClock
from services.gateway.adapters.command_bus import NatsCommandBus
from services.gateway.adapters.jetstream_feed import LogFeed
from services.gateway.adapters.log_history import NatsLogHistory
from services.gateway.adapters.once_store import NatsOnceStore
from services.gateway.adapters.ticket_store import NatsTicketStore
from services.gateway.app import Gateway, build
from services.gateway.server import AddressError, Server, bind, url_of
from services.gateway.settings import from_config
from services.jetstream.connection import Connection, connect
from services.jetstream.server_clock import ServerClock
from services.logs import set_up_logging
from shared.config import Config

log = logging.getLogger("pbxis.gateway")

# A gateway stops within 4.6 s whatever happens: `server.py` ends requests after 3 s, by when those that wait
# for an answer have one; then come the audit (0.4 s), what runs (0.4 s) and the connection.
_LEFT_WITHIN_S = 1.0
_ANSWERS_WITHIN_S = 2.0
_FINISH_WITHIN_S = 2.8
_FLUSH_WITHIN_S = 0.4
_CLOSE_WITHIN_S = 0.6
_LOOK_EVERY_S = 0.005
_END_WITHIN_S = 0.4


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit code."""
    parser = argparse.ArgumentParser(prog="pbxis gateway", description="Run one gateway.")
    parser.add_argument("--config", metavar="FILE", help="the configuration (default: $PBXIS_CONFIG)")
    parser.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)  # every PBX is the demo
    options = parser.parse_args(argv)
    set_up_logging()
    return exit_code_of(lambda: _run(options), wrong_set_up=AddressError)


def _run(options: argparse.Namespace) -> int:
    config = configuration.load(options.config, pbx_secrets=False)
    open_files.raise_limit()
    with bind(config.gateway.host, config.gateway.port) as listener:
        first_key.prepare(
            from_config(config, demo=options.demo),
            secrets.token_bytes,
            datetime.datetime.now(datetime.UTC).date(),
        )
        uvloop.run(_until_stopped(config, listener, demo=options.demo))
    return 0


async def _until_stopped(config: Config, listener: socket.socket, *, demo: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    connecting = asyncio.create_task(connect(config.nats, "gateway"))
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({connecting, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not connecting.done():
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        return
    connection = connecting.result()
    try:
        await _serve(config, connection, listener, stop, demo=demo)
    finally:
        stop.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(connection.close(), _CLOSE_WITHIN_S)


async def _serve(
    config: Config, connection: Connection, listener: socket.socket, stop: asyncio.Task[bool], *, demo: bool
) -> None:
    store = NatsTicketStore(connection, ttl_s=config.gateway.ticket_ttl_s, replicas=config.nats.replicas)
    server_clock = ServerClock(connection)
    bus = NatsCommandBus(connection, server_clock.now_ms)
    once = NatsOnceStore(connection, replicas=config.nats.replicas)
    audit = AuditStream(connection, max_age_s=config.gateway.audit_max_age_s, replicas=config.nats.replicas)
    clock = SystemClock()
    actions = ActionDesk(
        bus,
        once,
        audit,
        clock,
        server_now=server_clock.now_ms,
        timeout_s=config.gateway.action_timeout_s,
        random=secrets.token_bytes,
    )
    gateway = build(
        from_config(config, demo=demo),
        store,
        clock,
        actions,
        NatsAuditReader(connection),
        NatsLogHistory(connection),
        waits_for=lambda: [*once.not_ready, *audit.not_ready, *_clock_not_ready(server_clock)],
    )
    server = Server(gateway.asgi, gateway.hub.counters)
    serving = asyncio.create_task(server.serve([listener]))
    feeding = asyncio.create_task(LogFeed(connection, gateway.hub).run())
    running = asyncio.create_task(gateway.run())
    keeping = {asyncio.create_task(one.run()) for one in (server_clock, once, audit)}
    asked = asyncio.create_task(gateway.stop_asked.wait())
    announcing = asyncio.create_task(_announce(gateway, server, listener))
    try:
        work = {serving, feeding, running, *keeping}
        await asyncio.wait({stop, asked, *work}, return_when=asyncio.FIRST_COMPLETED)
        for task in work:
            if task.done():
                task.result()  # what ended by itself has failed
    finally:
        log.info("stopping; %d clients are sent elsewhere", gateway.hub.clients)
        announcing.cancel()
        asked.cancel()
        gateway.stop()
        actions.stop(_ANSWERS_WITHIN_S)
        await _left(gateway)
        server.should_exit = True
        finishing = actions.finish(_FINISH_WITHIN_S)
        await asyncio.gather(serving, announcing, finishing, return_exceptions=True)
        await audit.flush(_FLUSH_WITHIN_S)
        await bus.close()
        # What then still waits for a NATS that does not answer ends with the connection.
        await cancellation.end({feeding, running, *keeping}, _END_WITHIN_S)


async def _left(gateway: Gateway) -> None:
    """Until every stream has said goodbye: uvicorn would cut them off with a close code of its own."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LEFT_WITHIN_S):
            while gateway.hub.clients:  # noqa: ASYNC110 - thousands end in a few turns of the loop
                await asyncio.sleep(_LOOK_EVERY_S)


def _clock_not_ready(server_clock: ServerClock) -> list[str]:
    """Without NATS's time there are no deadlines, so nothing could be sent to a bridge."""
    return ["NATS's clock is not known yet"] if server_clock.now_ms() is None else []


async def _announce(gateway: Gateway, server: Server, listener: socket.socket) -> None:
    """Say that it serves, once it does and has the state."""
    url = url_of(listener)
    collector.settle()
    while not server.started or gateway.not_ready():  # noqa: ASYNC110 - uvicorn tells nobody that it has started
        await asyncio.sleep(_LOOK_EVERY_S)
    print(f"ready {url}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

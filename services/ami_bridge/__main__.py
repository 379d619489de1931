"""Run the bridge of one PBX until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import secrets
import signal
import sys
import time
from collections.abc import AsyncGenerator, Sequence

import uvloop

from services import cancellation, collector, configuration
from services.ami_bridge.acting import act
from services.ami_bridge.adapters.heartbeat import Heartbeat
from services.ami_bridge.adapters.jetstream_outbox import Outbox
from services.ami_bridge.adapters.panoramisk_link import PanoramiskLink
from services.ami_bridge.adapters.published_states import load_documents, purge_tombstones
from services.ami_bridge.app import Bridge
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.settings import WANTED, command_rules, identity, link_settings
from services.exit_codes import exit_code_of
from services.jetstream.connection import Connection, connect
from services.jetstream.errors import BusUnavailableError
from services.jetstream.log import ensure_log
from services.logs import set_up_logging
from shared.config import Config, PbxSection
from shared.events import State

log = logging.getLogger("pbxis.bridge")

_FLUSH_WITHIN_S = 2.0
_STOP_WITHIN_S = 4.0
_RETRY_S = 1.0
_PURGE_EVERY_S = 3600.0


def run_bridge(config_file: str | None, pbx_name: str) -> int:
    """Load the configuration and run; the exit code.

    Raises:
        ConfigError: the configuration is wrong, or has no such PBX.
        CallCentreError: NATS refuses the bridge, or holds something else under the log's name.
    """
    config = configuration.load(config_file)
    pbx = config.pbx_named(pbx_name)
    uvloop.run(_until_stopped(config, pbx))
    return 0


async def _until_stopped(config: Config, pbx: PbxSection) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    work = asyncio.create_task(_serve(config, pbx))
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=_STOP_WITHIN_S)
        await cancellation.end([work])  # only if it had not ended in time
    if work.done() and not work.cancelled():
        work.result()


async def _serve(config: Config, pbx: PbxSection) -> None:
    connection = await connect(config.nats, "bridge", name=f"pbxis bridge {pbx.name}")
    collector.settle()
    try:
        documents = await _published_before(connection, config, pbx)
        centre = CallCentre(pbx.name, identity(pbx), session=secrets.token_hex(4))
        centre.restore(documents)
        async with _outbox(connection, config, centre) as outbox:
            bridge = Bridge(
                centre,
                outbox,
                _now_ms,
                refresh_every_s=pbx.summary_refresh_s,
                rules=command_rules(pbx),
            )
            link = PanoramiskLink(link_settings(pbx), WANTED)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(link.run(bridge))
                    group.create_task(Heartbeat(connection, pbx.name, lambda: not outbox.stalled).run())
                    group.create_task(_clear_tombstones(connection, pbx.name))
                    # In the body of the group: when stopped, commands end before their session does.
                    await act(config.nats, pbx.name, bridge)
            finally:
                bridge.on_down("the bridge was stopped", auth_failed=False)
    finally:
        await connection.close()


async def _published_before(connection: Connection, config: Config, pbx: PbxSection) -> list[State]:
    """What the log says of this PBX; waits for NATS as long as it takes."""
    while True:
        try:
            await ensure_log(connection, config.nats)
            return await load_documents(connection, pbx.name)
        except BusUnavailableError as error:
            log.warning("%s; trying again", error)
            cancellation.heed()
            await asyncio.sleep(_RETRY_S)


@contextlib.asynccontextmanager
async def _outbox(connection: Connection, config: Config, centre: CallCentre) -> AsyncGenerator[Outbox]:
    def publish_all_again() -> None:
        for document in list(centre.documents.values()):
            outbox.put(document, "")

    outbox = Outbox(connection, config.nats, centre.pbx, on_new_log=publish_all_again)
    await outbox.start()
    try:
        yield outbox
    finally:
        await outbox.close(_FLUSH_WITHIN_S)


async def _clear_tombstones(connection: Connection, pbx: str) -> None:
    while True:
        try:
            cleared = await purge_tombstones(connection, pbx)
            if cleared:
                log.info("cleared %d tombstones that are older than the log", cleared)
        except BusUnavailableError as error:
            log.info("tombstones are not cleared now: %s", error)
        cancellation.heed()
        await asyncio.sleep(_PURGE_EVERY_S)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="pbxis bridge", description="Run the bridge of one PBX.")
    parser.add_argument("--config", metavar="FILE", help="the configuration (default: $PBXIS_CONFIG)")
    parser.add_argument("--pbx", required=True, metavar="NAME", help="which [[pbx]] of the configuration")
    options = parser.parse_args(argv)
    set_up_logging()
    return exit_code_of(lambda: run_bridge(options.config, options.pbx))


if __name__ == "__main__":
    sys.exit(main())

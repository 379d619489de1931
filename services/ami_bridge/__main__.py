"""Run the bridge of one PBX until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import signal
import sys
import time
from collections.abc import Sequence

import uvloop

from services import cancellation, collector, configuration
from services.ami_bridge.ability import Ability
from services.ami_bridge.adapters.jetstream_outbox import MOMENTS_LIMIT, WINDOW
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.lease import Lease
from services.ami_bridge.adapters.panoramisk_link import PanoramiskLink
from services.ami_bridge.adapters.published_states import load_documents
from services.ami_bridge.app import Bridge
from services.ami_bridge.clocks import steady_s
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.kept_moments import KeptMoments
from services.ami_bridge.leadership import lead
from services.ami_bridge.relay import Relay
from services.ami_bridge.settings import WANTED, command_rules, identity, link_settings
from services.ami_bridge.term import Duty
from services.exit_codes import exit_code_of
from services.jetstream.connection import Connection, connect
from services.jetstream.errors import BusUnavailableError
from services.logs import set_up_logging
from shared.config import Config, PbxSection
from shared.events import State

log = logging.getLogger("pbxis.bridge")

_STOP_WITHIN_S = 4.0
_RETRY_S = 1.0


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
    work = asyncio.create_task(serve(config, pbx))
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not work.done():
        log.info("%s: stopping", pbx.name)
        work.cancel()
        await asyncio.wait({work}, timeout=_STOP_WITHIN_S)
        await cancellation.end([work])  # only if it had not ended in time
    if work.done() and not work.cancelled():
        work.result()


async def serve(config: Config, pbx: PbxSection) -> None:
    """Run the bridge of one PBX until cancelled.

    Raises:
        CallCentreError: NATS refuses the bridge, or holds something else under the log's name.
    """
    connection = await connect(config.nats, "bridge", name=f"pbxis bridge {pbx.name}")
    collector.settle()
    try:
        own = secrets.token_hex(4)
        centre = CallCentre(pbx.name, identity(pbx), session=own)
        known = KnownLog(connection, config.nats)
        centre.restore(await _published_before(connection, known, pbx))
        # Whatever was said before, this bridge sees nothing yet.
        centre.status("offline", "there was no connection yet", _now_ms())
        # While this bridge acts the outbox is the one to drop moments, so here is always room for more.
        kept = KeptMoments(MOMENTS_LIMIT + 2 * WINDOW)
        relay = Relay(kept, lambda: bridge.handled_until)
        bridge = Bridge(
            centre, relay, _now_ms, refresh_every_s=pbx.summary_refresh_s, rules=command_rules(pbx)
        )
        ability = Ability(steady_s)
        lease = Lease(
            connection,
            config.nats,
            pbx.name,
            own,
            session=lambda: bridge.session,
            is_able=lambda: ability.is_there and not bridge.is_late(steady_s()),
            behind_s=lambda: steady_s() - kept.stored_until(relay.since.steady_s),
            on_stored_until=kept.all_stored_until,
            known=known,
        )
        link = PanoramiskLink(link_settings(pbx), WANTED)
        async with asyncio.TaskGroup() as group:
            group.create_task(link.run(bridge))
            # In the body of the group: when stopped, commands end before their session does.
            await lead(Duty(connection, config.nats, known, centre, bridge, kept, relay, lease, ability))
    finally:
        await connection.close()


async def _published_before(connection: Connection, known: KnownLog, pbx: PbxSection) -> list[State]:
    """What the log says of this PBX; waits for NATS as long as it takes."""
    while True:
        try:
            await known.check()
            return await load_documents(connection, pbx.name)
        except BusUnavailableError as error:
            log.warning("%s; trying again", error)
            cancellation.heed()
            await asyncio.sleep(_RETRY_S)


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

"""What a bridge does only while it is the one that acts for its PBX: take commands.

It has a connection of its own to NATS, made when it begins to act and closed when it ends. Whatever happens
to that connection, the bridge goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from services import cancellation
from services.ami_bridge.adapters.command_subscriber import CommandSubscriber
from services.ami_bridge.executor import Executor
from services.ami_bridge.ports import LivePbx
from services.jetstream.connection import Connection, connect
from services.jetstream.errors import NatsRefusedError
from services.jetstream.server_clock import ServerClock
from shared.config import NatsSection
from shared.errors import ConfigError

log = logging.getLogger("pbxis.bridge.commands")

_REFUSED_PAUSE_S = 5.0


async def act(
    section: NatsSection,
    pbx_name: str,
    pbx: LivePbx,
    *,
    may_act: Callable[[], bool],
    left: asyncio.Event,
) -> None:
    """Take commands until cancelled; then end those that are under way, and return within two seconds.

    Args:
        may_act: asked at each command; one that comes when it says no is not answered.
        left: set when no more will come, before those under way have ended.
    """
    connection = await _connected(section, pbx_name)
    clock = ServerClock(connection)
    keeping_time = asyncio.create_task(clock.run())
    try:
        await CommandSubscriber(connection, pbx_name, Executor(pbx, clock), may_act).run(left)
    finally:
        left.set()
        await cancellation.end([keeping_time])
        await connection.close()


async def _connected(section: NatsSection, pbx_name: str) -> Connection:
    """Wait for NATS as long as it takes, also when it refuses us for now: the figures go on meanwhile.

    So they do when a file of the configuration cannot be read now, as it could when the bridge began.
    """
    while True:
        try:
            return await connect(section, "bridge", name=f"pbxis bridge {pbx_name} commands")
        except (ConfigError, NatsRefusedError) as error:
            log.error("no commands are taken: %s; trying again", error)  # noqa: TRY400 - it says all
        await asyncio.sleep(_REFUSED_PAUSE_S)

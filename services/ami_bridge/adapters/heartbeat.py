"""The bridge's sign of life: core NATS, once a second, outside the log (ADR 0006)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from nats import errors

from services import cancellation
from services.jetstream.connection import Connection
from shared.subjects import alive

log = logging.getLogger("pbxis.outbox")

EVERY_S = 1.0


class Heartbeat:
    """Says that the bridge of a PBX runs."""

    def __init__(self, connection: Connection, pbx: str, is_well: Callable[[], bool]) -> None:
        """``is_well``: whether what the bridge learns reaches the log; while not, nothing is said."""
        self._connection = connection
        self._is_well = is_well
        self._subject = alive(pbx)

    async def run(self) -> None:
        """Until cancelled. While NATS is away nothing is kept to be said later."""
        while True:
            if self._connection.connected and self._is_well():
                try:
                    await self._connection.client.publish(self._subject)
                except errors.Error as error:
                    log.debug("no heartbeat: %s", error)
            cancellation.heed()
            await asyncio.sleep(EVERY_S)

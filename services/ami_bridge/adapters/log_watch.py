"""What the bridges, of all PBXs, tell each other of the log that they share.

Each tells with its lease how far the log goes that it sees. So after a power cut every bridge knows whether
the log lost its end, also when what is lost was another's, and whoever writes first does not hide it. Who
stands by looks too: it may know more than the one that acts. Who finds, or makes, another log says so at
once: its mirror has only what the log had, and each acting bridge is to publish all its states again.
"""

from __future__ import annotations

import asyncio
import logging

from nats import errors
from nats.aio.msg import Msg

from services import cancellation
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.core.tenure import read_value
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError, LogShapeError
from services.jetstream.log import LogEnd
from services.jetstream.permissions import LEASE
from shared.subjects import encode_token

log = logging.getLogger("pbxis.bridge")

_ANOTHER = "log"
_STEP_S = 0.2


class LogWatch:
    """One bridge's part in it. ``open`` it; ``run`` it while no outbox looks at the log."""

    def __init__(self, connection: Connection, pbx: str, known: KnownLog) -> None:
        """``known``: learns what the others tell."""
        self._connection = connection
        self._subject = f"$KV.{LEASE}.{encode_token(pbx)}.{_ANOTHER}"
        self._known = known

    async def open(self) -> None:
        """Listen to the others.

        Raises:
            nats.errors.Error: the connection is closed.
        """
        await self._connection.client.subscribe(f"$KV.{LEASE}.*", cb=self._on_lease)
        await self._connection.client.subscribe(f"$KV.{LEASE}.*.{_ANOTHER}", cb=self._on_another)

    async def run(self) -> None:
        """Look at the log whenever it may be another; until cancelled."""
        told = ""
        while True:
            if not self._known.checked and self._connection.connected:
                try:
                    if await self._known.check():
                        await self._tell()
                    told = ""
                except (BusUnavailableError, LogShapeError, errors.Error) as error:
                    if str(error) != told:
                        told = str(error)
                        log.warning("%s; trying again", told)
            cancellation.heed()
            await asyncio.sleep(_STEP_S)

    async def _tell(self) -> None:
        log.warning("the log or its mirror was made anew")
        await self._connection.client.publish(self._subject)

    async def _on_lease(self, message: Msg) -> None:
        value = read_value(message.data)
        if value.generation:
            self._known.heard(LogEnd(value.generation, value.last_sequence, value.last_name))

    async def _on_another(self, _message: Msg) -> None:
        self._known.checked = False

"""The log as one bridge knows it: whether it is there, is still the same one, and has a message."""

from __future__ import annotations

from datetime import datetime

from nats import errors
from nats.js.errors import NotFoundError

from services.ami_bridge.adapters.outbox_message import MESSAGE_ID, OutboxMessage
from services.jetstream.connection import Connection
from services.jetstream.errors import NatsUnavailableError
from services.jetstream.log import LOG, ensure_log
from shared.config import NatsSection


class KnownLog:
    """Attributes:
    generation: of the log that was seen last; ``None`` before that.
    last_sequence: the highest that it was seen to have; a log that ends before it has lost messages.
    checked: false after whatever may have changed it, and before it was ever looked at.
    """

    def __init__(self, connection: Connection, section: NatsSection) -> None:
        self._connection = connection
        self._section = section
        self._mirror_created: datetime | None = None
        self.generation: str | None = None
        self.last_sequence = 0
        self.checked = False

    def has(self, sequence: int) -> None:
        """It was seen to have that."""
        self.last_sequence = max(self.last_sequence, sequence)

    def heard(self, generation: str, sequence: int) -> None:
        """The bridge that acts saw it have that."""
        if generation != self.generation:
            self.generation, self.last_sequence = generation, 0
        self.has(sequence)

    async def check(self) -> bool:
        """Make what is missing of it; whether it or its mirror was made anew since the last check.

        Raises:
            BusUnavailableError: NATS does not answer.
            LogShapeError: there is something else under its name.
        """
        found = await ensure_log(
            self._connection, self._section, generation=self.generation, last_sequence=self.last_sequence
        )
        known = self.generation, self._mirror_created
        if self.generation != found.generation:
            self.generation, self.last_sequence = found.generation, 0
        self._mirror_created = found.mirror_created
        self.has(found.last_sequence)
        self.checked = True
        return known[0] is not None and known != (found.generation, found.mirror_created)

    async def ends_with(self, message: OutboxMessage) -> bool:
        """Whether a message is the last of its subject.

        Raises:
            NatsUnavailableError: the log does not say.
        """
        request = self._connection.jetstream.get_last_msg(LOG, message.subject)
        try:
            last = await self._connection.call(request)
        except NotFoundError:
            return False
        except (errors.Error, TimeoutError) as error:
            raise NatsUnavailableError(self._connection.url, error) from error
        self.has(last.seq or 0)
        return (last.headers or {}).get(MESSAGE_ID) == message.headers[MESSAGE_ID]

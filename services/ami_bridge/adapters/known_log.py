"""The log as one bridge knows it: whether it is there, is still the same one, and has a message."""

from __future__ import annotations

from datetime import datetime

from nats import errors
from nats.js.errors import NotFoundError

from services.ami_bridge.adapters.outbox_message import OutboxMessage
from services.jetstream.connection import Connection
from services.jetstream.errors import NatsUnavailableError
from services.jetstream.log import LOG, MESSAGE_ID, LogEnd, ensure_log, name_at
from shared.config import NatsSection


class KnownLog:
    """Attributes:
    generation: of the log that was seen last; ``None`` before that.
    last_sequence: the highest that it was seen to have, by this bridge or by any other.
    message_bytes: what a message takes, on average; 0: not known.
    checked: false after whatever may have changed it, and before it was ever looked at.
    """

    def __init__(self, connection: Connection, section: NatsSection) -> None:
        self._connection = connection
        self._section = section
        self._found: tuple[str, datetime | None] | None = None
        self.generation: str | None = None
        self.last_sequence = 0
        self._last_name = ""
        self.message_bytes = 0
        self.checked = False
        connection.listen(self._on_change)

    @property
    def end(self) -> LogEnd | None:
        """That, as one; ``None``: it was not seen yet."""
        if self.generation is None:
            return None
        return LogEnd(self.generation, self.last_sequence, self._last_name)

    def has(self, sequence: int, name: str) -> None:
        """It was seen to have a message of that name there."""
        if sequence > self.last_sequence:
            self.last_sequence, self._last_name = sequence, name

    def heard(self, end: LogEnd) -> None:
        """Another bridge saw it go so far."""
        if self.generation in (None, end.generation):
            self.generation = end.generation
            self.has(end.sequence, end.name)
        else:
            self.checked = False  # one of the two does not know yet that it was made anew

    async def check(self) -> bool:
        """Make what is missing of it; whether it or its mirror was made anew since the last check.

        Raises:
            BusUnavailableError: NATS does not answer.
            LogShapeError: there is something else under its name.
        """
        self.checked = True  # whatever is heard from here on makes it doubtful again
        try:
            found = await ensure_log(self._connection, self._section, known=self.end)
            name = await name_at(self._connection, found.last_sequence) if found.last_sequence else None
        except BaseException:
            self.checked = False
            raise
        if self.generation != found.generation:
            self.generation, self.last_sequence, self._last_name = found.generation, 0, ""
        self.has(found.last_sequence, name or "")
        self.message_bytes = found.message_bytes
        before, self._found = self._found, (found.generation, found.mirror_created)
        return before is not None and before != self._found

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
        name = (last.headers or {}).get(MESSAGE_ID, "")
        self.has(last.seq or 0, name)
        return name == message.headers[MESSAGE_ID]

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self.checked = False

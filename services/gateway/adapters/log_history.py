"""The log, read back page by page for clients who were away longer than the ring reaches."""

from __future__ import annotations

from services.gateway.errors import BusAwayError, HistoryGoneError
from services.gateway.ports import Stored
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError
from services.jetstream.log import LOG, read_log
from services.jetstream.reading import read_to_end

_PAGE_BYTES = 4 * 1024 * 1024


class NatsLogHistory:
    """Fulfils :class:`~services.gateway.ports.LogHistory`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(self, generation: str, after: int, most: int) -> list[Stored]:
        """What follows a sequence; see the port."""
        if not self._connection.connected:
            raise BusAwayError("not connected")
        found: list[Stored] = []
        size = 0

        def take(subject: str, payload: bytes, sequence: int) -> None:
            nonlocal size
            found.append(Stored(subject, payload, sequence))
            size += len(payload)

        try:
            await read_to_end(
                self._connection,
                LOG,
                take,
                first_sequence=after + 1,
                enough=lambda: len(found) >= most or size >= _PAGE_BYTES,
            )
            # Afterwards: the log only drops from its beginning, so what is whole now was so when it was read.
            now = await read_log(self._connection)
        except BusUnavailableError as error:
            raise BusAwayError(str(error)) from error
        if now.generation != generation or now.first_sequence > after + 1:
            raise HistoryGoneError
        return found

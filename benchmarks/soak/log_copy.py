"""What the log holds: the truth that each client's stream is compared with."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from benchmarks.soak.scopes import Scope
from services.jetstream.connection import Connection
from services.jetstream.errors import ReadInterruptedError
from services.jetstream.log import LOG
from services.jetstream.reading import read_to_end
from shared.errors import MalformedSubjectError
from shared.subjects import parse

_EVERY_S = 0.5


class LogCopy:
    """For each scope the sequences that belong to it, ascending; ``last`` is how far it has been read."""

    def __init__(self, connection: Connection, scopes: Sequence[Scope]) -> None:
        self._connection = connection
        self._sequences = {scope: array("Q") for scope in scopes}
        self._read_at: dict[Scope, array[float]] = {scope: array("d") for scope in scopes}
        self.last = 0

    def after(self, scope: Scope, sequence: int) -> tuple[int, float] | None:
        """The next event of a scope, and when it was read here (the loop's clock); ``None``: not yet."""
        sequences = self._sequences[scope]
        index = bisect_right(sequences, sequence)
        return None if index == len(sequences) else (sequences[index], self._read_at[scope][index])

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                await read_to_end(self._connection, LOG, self._take, first_sequence=self.last + 1)
            except ReadInterruptedError:
                continue  # it goes on where it stood
            await asyncio.sleep(_EVERY_S)

    def _take(self, subject: str, _payload: bytes, sequence: int) -> None:
        now = asyncio.get_running_loop().time()
        self.last = sequence
        try:
            parsed = parse(subject)
        except MalformedSubjectError:
            return  # a fence: no event
        for scope, sequences in self._sequences.items():
            if scope.gets(parsed):
                sequences.append(sequence)
                self._read_at[scope].append(now)

"""The fences of a PBX: what makes the log refuse a bridge that was the one to write, and is not any more.

A fence is a message in the log. Every state and moment of a bridge names a fence and the sequence that it
has; the server stores it only while that is the last message of the fence's subject. Who begins to write puts
up all fences anew, and nothing of anybody before is stored from then on: no matter how late it arrives, and
what its sender believes (ADR 0009).

The log drops its oldest messages, fences as well. It then refuses what is sent under a fence that is gone,
and takes what is sent just after it under one that is still there. So they are put up anew long before that
(``core/fence_wear.py``), while nothing is under way.

They are several because a replicated log takes one message at a time under one fence (measured: of 512 at
once it refuses 511). So each message under way has a fence to itself, and there are as many as may be under
way.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from nats import errors
from nats.js import api
from nats.js.errors import APIError, NotFoundError

from services.jetstream.connection import Connection
from services.jetstream.errors import NatsUnavailableError
from services.jetstream.log import LOG, MESSAGE_ID
from shared.subjects import fence

log = logging.getLogger("pbxis.outbox")

FENCES = 128
MOVED, IN_PROCESS = 10071, 10164
_ATTEMPTS = 5
_EXPECTED = api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value
_OF_SUBJECT = f"{_EXPECTED}-Subject"


class Fences:
    """Those of one bridge, in one term."""

    def __init__(self, connection: Connection, pbx: str, prove: Callable[[], Awaitable[bool]]) -> None:
        """``prove``: whether it is still this bridge that may write; asked of NATS, not of a clock."""
        self._connection = connection
        self._pbx = pbx
        self._subjects = [fence(pbx, number) for number in range(FENCES)]
        self._prove = prove
        self._sequences = [0] * FENCES
        self._names: list[str] = []
        self._headers: list[dict[str, str]] = []

    @property
    def sequence(self) -> int:
        """Before it stands in the log whatever another bridge wrote."""
        return max(self._sequences)

    @property
    def newest(self) -> tuple[int, str]:
        """That, and the name that the message has there."""
        return self.sequence, self._names[self._sequences.index(self.sequence)]

    def headers(self, number: int) -> dict[str, str]:
        """What a message under a fence carries; they have been put up."""
        return self._headers[number]

    async def put_up(self) -> bool:
        """Put all up anew; false when it is not for this bridge to do.

        They are read *before* the proof. Who takes over after the proof puts them up after that reading, so
        what we write here is refused.

        Raises:
            BusUnavailableError: NATS does not answer, or refuses.
        """
        try:
            for _ in range(_ATTEMPTS):
                last = await self._all(self._last)
                if not await self._prove():
                    return False
                self._sequences = last
                attempt = secrets.token_hex(6)
                self._names = [f"{self._pbx}:fence:{attempt}:{number}" for number in range(FENCES)]
                placed = await self._all(self._place)
                if all(placed):
                    self._sequences = placed
                    self._headers = [
                        {_EXPECTED: str(sequence), _OF_SUBJECT: subject}
                        for sequence, subject in zip(placed, self._subjects, strict=True)
                    ]
                    return True
        except (errors.Error, TimeoutError) as error:
            raise NatsUnavailableError(self._connection.url, error) from error
        raise NatsUnavailableError(self._connection.url, "others write the fences too")

    async def _all(self, of_one: Callable[[int], Awaitable[int]]) -> list[int]:
        return await self._connection.call(_gather([of_one(number) for number in range(FENCES)]))

    async def _last(self, number: int) -> int:
        try:
            found = await self._connection.jetstream.get_last_msg(LOG, self._subjects[number])
        except NotFoundError:
            return 0
        return found.seq or 0

    async def _place(self, number: int) -> int:
        """Its sequence; 0 when somebody was faster."""
        headers = {MESSAGE_ID: self._names[number], _EXPECTED: str(self._sequences[number])}
        try:
            subject = self._subjects[number]
            return (await self._connection.jetstream.publish(subject, b"", headers=headers)).seq
        except APIError as error:
            if error.err_code in (MOVED, IN_PROCESS):
                return 0
            raise


async def _gather(each: list[Awaitable[int]]) -> list[int]:
    return await asyncio.gather(*each)

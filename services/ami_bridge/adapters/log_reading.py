"""Reading what the log has of one PBX, up to a fence and no less.

The replica of a replicated log that happens to be read may be a moment behind the one that answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from nats import errors

from services.jetstream.connection import Connection
from services.jetstream.errors import NatsUnavailableError, ReadInterruptedError
from services.jetstream.log import LOG, MESSAGE_ID
from services.jetstream.push_consumer import OnHeaders
from services.jetstream.reading import read_to_end
from shared.subjects import fence, is_fence, moments_of

_MARGIN_S = 30.0
_ATTEMPTS = 50
_PAUSE_S = 0.02


async def read_past(
    connection: Connection,
    pbx: str,
    at_least: int,
    on_message: Callable[[str, bytes, int], None],
    *,
    subjects: Sequence[str],
    first_sequence: int = 1,
    start_time: datetime | None = None,
    on_headers: OnHeaders | None = None,
) -> None:
    """Read the log to its end, which is not before ``at_least``: the sequence of a fence of the PBX, or 0.

    Fences are handed over too. The rest is as of ``read_to_end``.

    Raises:
        BusUnavailableError: NATS or the log is not there, or was lost in the middle. Try again.
    """
    for _ in range(_ATTEMPTS):
        last = await read_to_end(
            connection,
            LOG,
            on_message,
            first_sequence=first_sequence,
            start_time=start_time,
            subjects=(*subjects, fence(pbx)),
            on_headers=on_headers,
        )
        if last >= at_least or first_sequence > at_least:
            return
        if last:
            first_sequence, start_time = last + 1, None
        await asyncio.sleep(_PAUSE_S)
    raise ReadInterruptedError(LOG, f"it is behind {at_least}")


async def load_moment_ids(connection: Connection, pbx: str, age_s: float, at_least: int) -> set[str]:
    """The names of the moments of a PBX that the log has taken since ``age_s`` ago, or somewhat longer.

    Counted from the fence at ``at_least``, by the server's clock.

    Raises:
        BusUnavailableError: as above.
    """
    try:
        put_up = (await connection.call(connection.jetstream.get_msg(LOG, at_least))).time
    except (errors.Error, TimeoutError) as error:
        raise NatsUnavailableError(connection.url, error) from error
    if put_up is None:
        raise ReadInterruptedError(LOG, "a message without its time")
    found: set[str] = set()
    newest: list[str] = [""]

    def on_headers(headers: Mapping[str, str]) -> None:
        newest[0] = headers.get(MESSAGE_ID, "")

    def on_message(subject: str, _payload: bytes, _sequence: int) -> None:
        if not is_fence(subject):
            found.add(newest[0])

    await read_past(
        connection,
        pbx,
        at_least,
        on_message,
        subjects=(moments_of(pbx),),
        start_time=put_up - timedelta(seconds=age_s + _MARGIN_S),
        on_headers=on_headers,
    )
    return found

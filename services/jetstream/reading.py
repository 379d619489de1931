"""Read a stream to its end, or as far as is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery
from services.jetstream.errors import ReadInterruptedError
from services.jetstream.push_consumer import End, OnHeaders, PushConsumer

_AT_END = "read to the end"


async def read_to_end(
    connection: Connection,
    stream: str,
    on_message: Callable[[str, bytes, int], None],
    *,
    first_sequence: int = 1,
    subjects: Sequence[str] = (),
    start_time: datetime | None = None,
    on_headers: OnHeaders | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """Hand over subject, payload and sequence of every message, in order; the last sequence read (0: none).

    Its end is that of the replica which is read, and a replica may be a moment behind.

    Args:
        start_time: begin with what was stored then, by the server's clock, instead of ``first_sequence``.
        on_headers: is handed a message's headers just before the rest of it.
        enough: asked after each message; when it says so, that is the end.

    Raises:
        LogMissingError: there is no such stream.
        NatsUnavailableError: NATS does not answer.
        ReadInterruptedError: messages were lost on the way, or NATS fell silent. Begin again.
    """
    last = 0

    def take(subject: str, payload: bytes, delivery: Delivery) -> None:
        nonlocal last
        on_message(subject, payload, delivery.sequence)
        last = delivery.sequence
        if delivery.pending == 0 or enough():
            at_end()

    def at_end() -> None:
        consumer.end(End(_AT_END, contact_lost=False))

    consumer = PushConsumer(
        connection,
        stream,
        first_sequence=first_sequence,
        on_message=take,
        on_idle=at_end,
        subjects=subjects,
        start_time=start_time,
        on_headers=on_headers,
    )
    try:
        if await consumer.open() > 0:
            end = await asyncio.shield(consumer.ended)
            if end.reason != _AT_END:
                raise ReadInterruptedError(stream, end.reason)
    finally:
        await consumer.close()
    return last

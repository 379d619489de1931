"""Read a part of a stream: so many messages from a place on."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery
from services.jetstream.errors import ReadInterruptedError
from services.jetstream.push_consumer import End, PushConsumer

_ENOUGH = "read enough"


class Stored(NamedTuple):
    """A message of a stream."""

    subject: str
    payload: bytes
    sequence: int


async def read_page(
    connection: Connection, stream: str, *, first_sequence: int, most: int, most_bytes: int
) -> list[Stored]:
    """Messages from a sequence on, in order: until there are so many, or so large, or no more.

    Raises:
        LogMissingError: there is no such stream.
        NatsUnavailableError: NATS does not answer.
        ReadInterruptedError: messages were lost on the way, or NATS fell silent. Begin again.
    """
    found: list[Stored] = []
    size = 0

    def take(subject: str, payload: bytes, delivery: Delivery) -> None:
        nonlocal size
        found.append(Stored(subject, payload, delivery.sequence))
        size += len(payload)
        if delivery.pending == 0 or len(found) >= most or size >= most_bytes:
            enough()

    def enough() -> None:
        consumer.end(End(_ENOUGH, contact_lost=False))

    consumer = PushConsumer(
        connection, stream, first_sequence=first_sequence, on_message=take, on_idle=enough
    )
    try:
        if await consumer.open() > 0:
            end = await asyncio.shield(consumer.ended)
            if end.reason != _ENOUGH:
                raise ReadInterruptedError(stream, end.reason)
    finally:
        await consumer.close()
    return found

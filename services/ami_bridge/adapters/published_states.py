"""What the log says of one PBX, read back by its bridge when it starts, and the clearing of tombstones."""

from __future__ import annotations

import logging
from collections.abc import Callable

from nats import errors

from services.ami_bridge.adapters.log_reading import read_past
from services.jetstream.connection import Connection
from services.jetstream.errors import NatsUnavailableError
from services.jetstream.log import STATE, read_log
from services.jetstream.reading import read_to_end
from shared import wire
from shared.errors import MalformedEventError
from shared.events import State
from shared.subjects import is_fence, states_of

log = logging.getLogger("pbxis.outbox")

_GONE = b'"gone":true'


async def load_documents(connection: Connection, pbx: str, *, at_least: int = 0) -> list[State]:
    """The newest document of each state of a PBX, tombstones among them, in the order of the log.

    What cannot be read (written by a later version) is left out, with a line in the log.

    Args:
        at_least: the sequence of a fence of the PBX: nothing before it is missed.

    Raises:
        BusUnavailableError: NATS or the log is not there, or was lost in the middle. Try again.
    """
    newest: dict[str, bytes] = {}

    def take(subject: str, payload: bytes, _sequence: int) -> None:
        if not is_fence(subject):
            newest.pop(subject, None)
            newest[subject] = payload

    subjects = (states_of(pbx),)
    last = await read_to_end(connection, STATE, take, subjects=subjects)
    # The mirror may be a moment behind.
    await read_past(connection, pbx, at_least, take, first_sequence=last + 1, subjects=subjects)
    documents: list[State] = []
    for subject, payload in newest.items():
        try:
            event = wire.decode(payload)
        except MalformedEventError as error:
            log.warning("%s in the log is left out: %s", subject, error)
            continue
        if isinstance(event, State):
            documents.append(event)
    return documents


async def purge_tombstones(
    connection: Connection, pbx: str, *, keep: Callable[[State], bool] | None = None
) -> int:
    """Remove from the mirror the tombstones of a PBX that are older than the log; how many.

    Nobody can resume from before them any more. A document that replaced a tombstone stays.

    Args:
        keep: says of a tombstone that it is to stay.

    Raises:
        BusUnavailableError: NATS or the log is not there, or was lost in the middle.
    """
    oldest = (await read_log(connection)).first_sequence
    tombstones: list[tuple[str, int]] = []

    def take(subject: str, payload: bytes, sequence: int) -> None:
        if sequence < oldest and _GONE in payload and _is_tombstone(payload, keep):
            tombstones.append((subject, sequence))

    await read_to_end(connection, STATE, take, subjects=(states_of(pbx),))
    for subject, sequence in tombstones:
        try:
            await connection.jetstream.purge_stream(STATE, seq=sequence + 1, subject=subject)
        except (errors.Error, TimeoutError) as error:
            raise NatsUnavailableError(connection.url, error) from error
    return len(tombstones)


def _is_tombstone(payload: bytes, keep: Callable[[State], bool] | None) -> bool:
    try:
        event = wire.decode(payload)
    except MalformedEventError:
        return False
    return isinstance(event, State) and event.gone is True and not (keep and keep(event))

"""The log and its mirror: what they are made of, making them, and telling one log from another.

``PBXIS_LOG`` takes every state and moment, in one order, and drops them only by age or size; and the fences
of the bridges (ADR 0009), which are for bridges alone.
``PBXIS_STATE`` mirrors the last message of each state's subject, with the same sequence numbers (ADR 0001).

A **generation** names a log. It lies in the metadata of both streams. A log that was made anew, or that
lost its newest messages (a power cut before they were on disk), counts its sequences again from where
it is; so it gets another generation, and its mirror is made anew.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from nats import errors
from nats.js import api
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from services.jetstream.connection import Connection
from services.jetstream.errors import LogMissingError, LogShapeError, NatsUnavailableError
from services.jetstream.streams import NAME_IN_USE
from shared.config import NatsSection
from shared.subjects import EVENT_SUBJECTS, FENCE_SUBJECTS, STATE_SUBJECTS

log = logging.getLogger("pbxis.nats")

LOG = "PBXIS_LOG"
STATE = "PBXIS_STATE"
GENERATION = "pbxis-generation"

_DUPLICATE_WINDOW_S = 120.0
_LOOKS, _LOOK_AGAIN_S = 10, 0.2
_SUBJECTS = [STATE_SUBJECTS, EVENT_SUBJECTS, FENCE_SUBJECTS]
# A log of an earlier version, which is brought in line.
_SUBJECTS_BEFORE = [STATE_SUBJECTS, EVENT_SUBJECTS]

T = TypeVar("T")


class LogInfo(NamedTuple):
    """A log as it is now. An empty one has ``first_sequence`` = ``last_sequence`` + 1.

    ``mirror_created``: when its mirror was made, from what the log had then; older states were not in it.
    """

    generation: str
    first_sequence: int
    last_sequence: int
    duplicate_window_s: float
    mirror_created: datetime | None


async def read_log(connection: Connection) -> LogInfo:
    """The log as it is now.

    Raises:
        LogMissingError: there is none, or its mirror belongs to another one; a bridge will put it right.
        NatsUnavailableError: NATS does not answer.
    """
    mirror = await _stream(connection, STATE)
    origin = await _stream(connection, LOG)
    if origin is None:
        raise LogMissingError(LOG)
    if mirror is None or _generation(mirror) != _generation(origin):
        raise LogMissingError(STATE)
    return _info(origin, mirror)


async def ensure_log(
    connection: Connection, section: NatsSection, *, generation: str | None = None, last_sequence: int = 0
) -> LogInfo:
    """Make both streams, or bring them in line with the configuration. Only bridges do this.

    Args:
        generation: of the log that had ``last_sequence``; another one counts by itself. ``None``: whichever
            is there.
        last_sequence: the highest sequence that is known to have been stored. A log that ends before it has
            lost messages: it gets a new generation.

    Raises:
        LogShapeError: a stream of this name is not ours.
        NatsUnavailableError: NATS does not answer, or refuses (no JetStream, no room).
    """
    # The mirror first: read the other way round, a message stored in between would seem to be in the
    # mirror and not in the log.
    mirror = await _stream(connection, STATE)
    origin = await _stream(connection, LOG)
    if origin is None:
        origin = await _create(connection, _log_config(section, secrets.token_hex(4)))
        log.info("made the log %s, generation %s", LOG, _generation(origin))
        last_sequence = 0
    _check_log(origin)
    if generation not in (None, _generation(origin)):
        last_sequence = 0
    if mirror is not None and _generation(mirror) == _generation(origin):
        last_sequence = max(last_sequence, mirror.state.last_seq)
    if section.replicas > 1:
        origin = await _caught_up(connection, origin, last_sequence)
    origin = await _keep_log(connection, section, origin, last_sequence)
    generation = _generation(origin)
    if mirror is not None and _generation(mirror) != generation:
        log.warning("the mirror %s belongs to another log; making it anew", STATE)
        await _call(connection, connection.jetstream.delete_stream(STATE))
        mirror = None
    if mirror is None:
        mirror = await _create(connection, _state_config(section, generation))
    _check_state(mirror)
    if mirror.config.num_replicas != section.replicas:
        config = _state_config(section, generation)
        await _call(connection, connection.jetstream.update_stream(config))
    return _info(origin, mirror)


async def _caught_up(connection: Connection, origin: api.StreamInfo, last_sequence: int) -> api.StreamInfo:
    """Look again at a log that seems to have lost its end: a new leader may not be where the last one was."""
    for _ in range(_LOOKS):
        if origin.state.last_seq >= last_sequence:
            break
        await asyncio.sleep(_LOOK_AGAIN_S)
        origin = await _stream(connection, LOG) or origin
    return origin


async def _keep_log(
    connection: Connection, section: NatsSection, found: api.StreamInfo, known_sequence: int
) -> api.StreamInfo:
    """Bring the changeable settings in line; a new generation for a log that lost its end."""
    generation = _generation(found)
    if not generation or found.state.last_seq < known_sequence:
        log.warning(
            "the log %s ends at %d, although %d was stored: it lost messages and gets a new generation",
            LOG,
            found.state.last_seq,
            known_sequence,
        )
        generation = secrets.token_hex(4)
    wanted = _log_config(section, generation)
    if generation == _generation(found) and all(
        getattr(found.config, setting) == getattr(wanted, setting)
        for setting in ("subjects", "max_age", "max_bytes", "duplicate_window", "num_replicas")
    ):
        return found
    return await _call(connection, connection.jetstream.update_stream(wanted))


def _log_config(section: NatsSection, generation: str) -> api.StreamConfig:
    return api.StreamConfig(
        name=LOG,
        description="pbxis: every event, in order",
        subjects=_SUBJECTS,
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        max_age=float(section.log_max_age_s),
        max_bytes=section.log_max_bytes,
        # The server refuses a window that is longer than the age.
        duplicate_window=min(_DUPLICATE_WINDOW_S, float(section.log_max_age_s)),
        num_replicas=section.replicas,
        metadata={GENERATION: generation},
    )


def _state_config(section: NatsSection, generation: str) -> api.StreamConfig:
    return api.StreamConfig(
        name=STATE,
        description="pbxis: the newest message of each state",
        mirror=api.StreamSource(name=LOG, filter_subject=STATE_SUBJECTS),
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        max_msgs_per_subject=1,
        num_replicas=section.replicas,
        metadata={GENERATION: generation},
    )


def _check_log(found: api.StreamInfo) -> None:
    config = found.config
    if config.subjects != _SUBJECTS_BEFORE:
        _same(LOG, "subjects", config.subjects, _SUBJECTS)
    _same(LOG, "storage", config.storage, "file")
    _same(LOG, "retention", config.retention, "limits")
    _same(LOG, "discard", config.discard, "old")
    _same(LOG, "max_msgs", config.max_msgs, -1)
    _same(LOG, "max_msgs_per_subject", config.max_msgs_per_subject, -1)


def _check_state(found: api.StreamInfo) -> None:
    config = found.config
    mirror = config.mirror
    _same(STATE, "mirror", mirror and (mirror.name, mirror.filter_subject), (LOG, STATE_SUBJECTS))
    _same(STATE, "storage", config.storage, "file")
    _same(STATE, "max_msgs_per_subject", config.max_msgs_per_subject, 1)
    _same(STATE, "max_age", config.max_age or 0, 0)


def _same(stream: str, setting: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise LogShapeError(stream, setting, found, wanted)


def _generation(stream: api.StreamInfo) -> str:
    return (stream.config.metadata or {}).get(GENERATION, "")


def _info(origin: api.StreamInfo, mirror: api.StreamInfo) -> LogInfo:
    state = origin.state
    # The server calls the first sequence of a stream that never held a message 0.
    first = state.first_seq if state.messages else state.last_seq + 1
    return LogInfo(_generation(origin), first, state.last_seq, origin.config.duplicate_window, mirror.created)


async def _stream(connection: Connection, name: str) -> api.StreamInfo | None:
    try:
        return await connection.call(connection.jetstream.stream_info(name))
    except NotFoundError:
        return None
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error


async def _create(connection: Connection, config: api.StreamConfig) -> api.StreamInfo:
    try:
        return await connection.call(connection.jetstream.add_stream(config))
    except APIError as error:
        if error.err_code != NAME_IN_USE:
            raise _unavailable(connection, error) from error
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error
    # Another bridge made it between our look and our attempt.
    found = await _stream(connection, str(config.name))
    if found is None:
        raise NatsUnavailableError(connection.url, f"stream {config.name} comes and goes")
    return found


async def _call(connection: Connection, request: Coroutine[Any, Any, T]) -> T:
    try:
        return await connection.call(request)
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error


def _unavailable(connection: Connection, error: Exception) -> NatsUnavailableError:
    if isinstance(error, ServiceUnavailableError) and error.description is None:
        return NatsUnavailableError(connection.url, "JetStream does not answer; is it enabled?")
    if isinstance(error, APIError):
        return NatsUnavailableError(connection.url, f"JetStream says: {error.description}")
    return NatsUnavailableError(connection.url, error)

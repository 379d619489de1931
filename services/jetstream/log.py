"""The log and its mirror: what they are made of, making them, and telling one log from another.

``PBXIS_LOG`` takes every state and moment, in one order, and drops them only by age or size; and the fences
of the bridges (ADR 0009), which are for bridges alone.
``PBXIS_STATE`` mirrors the last message of each state's subject, with the same sequence numbers (ADR 0001).

A **generation** names a log. It lies in the metadata of both streams. A log that was made anew, or that
lost its newest messages (a power cut before they were on disk), counts its sequences again from where
it is; so it gets another generation, and its mirror is made anew. It shows by a message that is known to
have been there (``LogEnd``) and is not: others may have taken its place by now.
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
MESSAGE_ID = api.Header.MSG_ID.value

_DUPLICATE_WINDOW_S = 120.0
_LOOKS, _LOOK_AGAIN_S = 10, 0.2
_SUBJECTS = [STATE_SUBJECTS, EVENT_SUBJECTS, FENCE_SUBJECTS]
# A log of an earlier version, which is brought in line.
_SUBJECTS_BEFORE = [STATE_SUBJECTS, EVENT_SUBJECTS]

T = TypeVar("T")


class LogInfo(NamedTuple):
    """A log as it is now. An empty one has ``first_sequence`` = ``last_sequence`` + 1.

    ``message_bytes``: what a message takes, on average; 0 in an empty log.
    ``mirror_created``: when its mirror was made, from what the log had then; older states were not in it.
    """

    generation: str
    first_sequence: int
    last_sequence: int
    duplicate_window_s: float
    message_bytes: int
    mirror_created: datetime | None


class LogEnd(NamedTuple):
    """How far a log was seen to go: a sequence, and the ``Nats-Msg-Id`` there (``""``: not known)."""

    generation: str
    sequence: int = 0
    name: str = ""


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


async def ensure_log(connection: Connection, section: NatsSection, *, known: LogEnd | None = None) -> LogInfo:
    """Make both streams, or bring them in line with the configuration. Only bridges do this.

    Args:
        known: how far it went. A log of that generation which does not go so far, or has something else
            there, has lost messages: it gets a new generation.

    Raises:
        LogShapeError: a stream of this name is not ours.
        NatsUnavailableError: NATS does not answer, or refuses (no JetStream, no room).
    """
    for _ in range(_LOOKS):
        found = await _in_line(connection, section, known)
        if found is not None:
            return found
    raise NatsUnavailableError(connection.url, f"{LOG} or {STATE} is made anew again and again")


async def _in_line(connection: Connection, section: NatsSection, known: LogEnd | None) -> LogInfo | None:
    """``None``: it was not, look again. As NATS comes back all bridges find that at once, and mend it."""
    # The mirror first: read the other way round, a message stored in between would seem to be in the
    # mirror and not in the log.
    mirror = await _stream(connection, STATE)
    origin = await _stream(connection, LOG)
    if origin is None:
        await _create(connection, _log_config(section, secrets.token_hex(4)))
        return None
    _check_log(origin)
    if known is None or known.generation != _generation(origin):
        known = LogEnd(_generation(origin))
    at_least = known.sequence
    if mirror is not None and _generation(mirror) == known.generation:
        at_least = max(at_least, mirror.state.last_seq)
    if section.replicas > 1:
        origin = await _caught_up(connection, origin, at_least)
    if not known.generation or await _lost_its_end(connection, origin, known, at_least):
        await _call(
            connection, connection.jetstream.update_stream(_log_config(section, secrets.token_hex(4)))
        )
        return None
    origin = await _keep_log(connection, section, origin)
    if mirror is not None and _generation(mirror) != known.generation:
        log.warning("the mirror %s belongs to another log; making it anew", STATE)
        await _remove_mirror(connection)
        return None
    if mirror is None:
        await _create(connection, _state_config(section, known.generation))
        return None
    _check_state(mirror)
    if mirror.config.num_replicas != section.replicas:
        config = _state_config(section, known.generation)
        await _call(connection, connection.jetstream.update_stream(config))
    return _info(origin, mirror)


async def name_at(connection: Connection, sequence: int) -> str | None:
    """The ``Nats-Msg-Id`` of a message of the log (``""``: without one); ``None``: there is no such message.

    Raises:
        NatsUnavailableError: NATS does not answer.
    """
    try:
        found = await connection.call(connection.jetstream.get_msg(LOG, sequence))
    except NotFoundError:
        return None
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error
    return (found.headers or {}).get(MESSAGE_ID, "")


async def _remove_mirror(connection: Connection) -> None:
    try:
        await connection.call(connection.jetstream.delete_stream(STATE))
    except NotFoundError:
        log.debug("another bridge was faster")
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error


async def _lost_its_end(connection: Connection, origin: api.StreamInfo, known: LogEnd, at_least: int) -> bool:
    """Whether it is without a message that it had. One that it dropped by age or size says nothing."""
    if origin.state.last_seq < at_least:
        reason = f"it ends at {origin.state.last_seq}, although {at_least} was stored"
    elif known.name and await name_at(connection, known.sequence) not in (known.name, None):
        reason = f"it has another message at {known.sequence} than was stored there"
    else:
        return False
    log.warning("the log %s lost messages and gets a new generation: %s", LOG, reason)
    return True


async def _caught_up(connection: Connection, origin: api.StreamInfo, last_sequence: int) -> api.StreamInfo:
    """Look again at a log that seems to have lost its end: a new leader may not be where the last one was."""
    for _ in range(_LOOKS):
        if origin.state.last_seq >= last_sequence:
            break
        await asyncio.sleep(_LOOK_AGAIN_S)
        origin = await _stream(connection, LOG) or origin
    return origin


async def _keep_log(connection: Connection, section: NatsSection, found: api.StreamInfo) -> api.StreamInfo:
    """Bring the changeable settings in line."""
    wanted = _log_config(section, _generation(found))
    if all(
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
    message_bytes = state.bytes // state.messages if state.messages else 0
    window = origin.config.duplicate_window
    return LogInfo(_generation(origin), first, state.last_seq, window, message_bytes, mirror.created)


async def _stream(connection: Connection, name: str) -> api.StreamInfo | None:
    try:
        return await connection.call(connection.jetstream.stream_info(name))
    except NotFoundError:
        return None
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error


async def _create(connection: Connection, config: api.StreamConfig) -> None:
    try:
        await connection.call(connection.jetstream.add_stream(config))
        log.info("made the stream %s, generation %s", config.name, (config.metadata or {}).get(GENERATION))
    except APIError as error:
        if error.err_code != NAME_IN_USE:  # another bridge was faster
            raise _unavailable(connection, error) from error
    except (errors.Error, TimeoutError) as error:
        raise _unavailable(connection, error) from error


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

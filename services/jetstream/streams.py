"""Streams that several processes want: whoever comes first makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import Enum

from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from services.jetstream.errors import LogShapeError

NAME_IN_USE = 10058
"""JetStream's error code: somebody made a stream of that name, with another configuration, just now."""


async def ensure_stream(
    js: JetStreamContext, wanted: api.StreamConfig, *, may_shorten: bool = True, shape: Sequence[str] = ()
) -> api.StreamInfo:
    """Make a stream, or bring its age and copies in line with the configuration.

    Args:
        may_shorten: whether an age that was longer is made shorter, which drops what is older.
        shape: the settings without which it is not the stream that is wanted.

    Raises:
        LogShapeError: one of ``shape`` is another; nothing was changed.
        nats.errors.Error: no answer, or a refusal.
    """
    name = str(wanted.name)
    try:
        found = await js.stream_info(name)
    except NotFoundError:
        try:
            return await js.add_stream(wanted)
        except APIError as error:
            if error.err_code != NAME_IN_USE:
                raise
        found = await js.stream_info(name)  # another process was faster
    for setting in shape:
        there, right = getattr(found.config, setting), getattr(wanted, setting)
        if (there or None) != (right or None):
            raise LogShapeError(name, setting, _plain(there), _plain(right))
    if not may_shorten and (found.config.max_age or 0) > (wanted.max_age or 0):
        wanted = dataclasses.replace(wanted, max_age=found.config.max_age)
    if found.config.max_age != wanted.max_age or found.config.num_replicas != wanted.num_replicas:
        found = await js.update_stream(wanted)
    return found


def _plain(setting: object) -> object:
    return setting.value if isinstance(setting, Enum) else setting

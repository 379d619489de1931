"""Streams that several processes want: whoever comes first makes them."""

from __future__ import annotations

import dataclasses

from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

NAME_IN_USE = 10058
"""JetStream's error code: somebody made a stream of that name, with another configuration, just now."""


async def ensure_stream(
    js: JetStreamContext, wanted: api.StreamConfig, *, may_shorten: bool = True
) -> api.StreamInfo:
    """Make a stream, or bring its age and copies in line with the configuration.

    Args:
        may_shorten: whether an age that was longer is made shorter, which drops what is older.

    Raises:
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
    if not may_shorten and (found.config.max_age or 0) > (wanted.max_age or 0):
        wanted = dataclasses.replace(wanted, max_age=found.config.max_age)
    if found.config.max_age != wanted.max_age or found.config.num_replicas != wanted.num_replicas:
        found = await js.update_stream(wanted)
    return found

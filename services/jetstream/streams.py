"""Streams that several processes want: whoever comes first makes them."""

from __future__ import annotations

from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

NAME_IN_USE = 10058
"""JetStream's error code: somebody made a stream of that name, with another configuration, just now."""


async def ensure_stream(js: JetStreamContext, wanted: api.StreamConfig) -> api.StreamInfo:
    """Make a stream, or bring its age and copies in line with the configuration.

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
    if found.config.max_age != wanted.max_age or found.config.num_replicas != wanted.num_replicas:
        found = await js.update_stream(wanted)
    return found

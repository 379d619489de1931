"""Events to bytes and back.

An event is encoded once, by the bridge, as the JSON object that the browser gets: compact, `type`
first, UTF-8. The same bytes are the NATS payload (ADR 0002). What a gateway adds (the `id`), it
splices in without decoding.
"""

from __future__ import annotations

import msgspec

from shared.errors import MalformedEventError
from shared.events import AnyEvent, Event

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """The event as compact JSON, `type` first."""
    return _encoder.encode(event)


def decode(payload: bytes | str) -> AnyEvent:
    """Read an event. Properties that this version does not know are ignored.

    Raises:
        MalformedEventError: no JSON, an unknown `type`, or a property is missing or of a wrong kind.
    """
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEventError(str(error)) from error

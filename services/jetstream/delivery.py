"""Where a message that a consumer delivers stands: read from its reply subject, which JetStream writes.

    $JS.ACK.<where>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>[.<token>]

``<where>`` is ``<stream>.<consumer>``, in a domain with ``<domain>.<account>.`` before it.
"""

from __future__ import annotations

from typing import NamedTuple

from services.jetstream.errors import ReadInterruptedError

_PLAIN_TOKENS = 9
_FIRST_OF_A_DOMAIN = 11


class Delivery(NamedTuple):
    """``sequence`` in the stream, ``consumer_sequence`` counts from 1, ``pending`` is how many follow."""

    sequence: int
    consumer_sequence: int
    pending: int


def read_delivery(stream: str, reply: str) -> Delivery:
    """Read a reply subject.

    Raises:
        ReadInterruptedError: it is none of JetStream's, so the message cannot be placed.
    """
    tokens = reply.split(".")
    first = 5 if len(tokens) == _PLAIN_TOKENS else 7
    if tokens[:2] != ["$JS", "ACK"] or (first == 7 and len(tokens) < _FIRST_OF_A_DOMAIN):
        raise ReadInterruptedError(stream, f"a message came with the reply subject {reply!r}")
    try:
        return Delivery(int(tokens[first]), int(tokens[first + 1]), int(tokens[first + 3]))
    except ValueError as error:
        raise ReadInterruptedError(stream, f"a message came with the reply subject {reply!r}") from error

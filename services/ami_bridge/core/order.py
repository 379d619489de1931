"""What a command carries besides itself: its headers, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from shared.commands import HEADER_CALLER, HEADER_DEADLINE, HEADER_ID, MalformedCommandError
from shared.patterns import is_text

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEADLINE = re.compile(r"[0-9]{1,16}")
_LONGEST_CALLER = 200


class Order(NamedTuple):
    """One attempt to have a command carried out.

    Attributes:
        command_id: names the attempt; the same one twice is one order.
        deadline_ms: after it nothing is sent to Asterisk; milliseconds since the epoch on NATS's clock.
        caller: who asks.
    """

    command_id: str
    deadline_ms: int
    caller: str


def read_order(action: str, headers: Mapping[str, str]) -> Order:
    """The order that the headers of a command's message say.

    Raises:
        MalformedCommandError: a header is missing or malformed; the reason names it.
    """
    command_id = headers.get(HEADER_ID, "")
    if not _ID.fullmatch(command_id):
        raise MalformedCommandError(action, _wrong(headers, HEADER_ID, "letters, digits and - only"))
    deadline = headers.get(HEADER_DEADLINE, "")
    if not _DEADLINE.fullmatch(deadline):
        raise MalformedCommandError(action, _wrong(headers, HEADER_DEADLINE, "milliseconds since 1970"))
    caller = headers.get(HEADER_CALLER, "")
    if not is_text(caller, _LONGEST_CALLER):
        raise MalformedCommandError(action, _wrong(headers, HEADER_CALLER, "one line of text"))
    return Order(command_id, int(deadline), caller)


def _wrong(headers: Mapping[str, str], name: str, wanted: str) -> str:
    return f"the header {name} is malformed: {wanted}" if name in headers else f"the header {name} is missing"

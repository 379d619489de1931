"""What is written down of an action's parameters.

Names as in the HTTP interface. Of channel variables only the names are kept, for their values may hold
secrets. Everything is cut to a size that no caller can use to fill the audit, and control characters are
escaped: whoever reads the log in a terminal must see them, not have them obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import cast

from shared.commands import Command, Originate

MAX_PARAMETERS = 32
MAX_CHARACTERS = 200
_VARIABLES = "variables"
_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LEFT_OUT = frozenset({"action_id"})  # the record's own id
_HTTP_NAMES = {
    "agent_or_channel": "agent-or-channel",
    "caller_id": "callerId",
    "destination": "dest",
    "member_name": "memberName",
    "timeout_s": "timeout",
}
_ORIGINATE_NAMES = {**_HTTP_NAMES, "agent": "src"}


def parameters_of(command: Command) -> dict[str, object]:
    """The parameters of a command; those that are ``None`` or empty are left out."""
    values = {field.name: cast("object", getattr(command, field.name)) for field in fields(command)}
    names = _ORIGINATE_NAMES if isinstance(command, Originate) else _HTTP_NAMES
    return cleaned(
        {
            names.get(name, name): value
            for name, value in values.items()
            if name not in _LEFT_OUT and value is not None and value != {}
        }
    )


def cleaned(parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a request, whoever sent it, as they may be kept."""
    kept = list(parameters.items())[:MAX_PARAMETERS]
    return {plain_text(name): _value(name, value) for name, value in kept}


def plain_text(text: str, limit: int = MAX_CHARACTERS) -> str:
    """A text as it may be kept: of at most ``limit`` characters, none of them one that a terminal obeys, that
    ends a line, or that has no UTF-8 (half a surrogate pair); these become ``\\u001b``.
    """
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text[:limit])[:limit]


def _value(name: str, value: object) -> object:
    if name == _VARIABLES:
        return _variables(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _text(value)


def _variables(value: object) -> list[str]:
    """Their names; what is no object of variables could be anything, also a secret."""
    if not isinstance(value, Mapping):
        return []
    names = cast("Mapping[object, object]", value)
    return [_text(name) for name in list(names)[:MAX_PARAMETERS]]


def _text(value: object) -> str:
    return plain_text(value if isinstance(value, str) else repr(value))

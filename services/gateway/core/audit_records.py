"""What is written down of an action's parameters.

Names as in the HTTP interface. Of channel variables only the names are kept, for their values may hold
secrets. Everything is cut to a size that no caller can use to fill the audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import cast

from shared.commands import Command

MAX_PARAMETERS = 32
MAX_CHARACTERS = 200
_VARIABLES = "variables"
_LEFT_OUT = frozenset({"action_id"})  # the record's own id
_HTTP_NAMES = {
    "agent_or_channel": "agent-or-channel",
    "caller_id": "callerId",
    "member_name": "memberName",
    "timeout_s": "timeout",
}


def parameters_of(command: Command) -> dict[str, object]:
    """The parameters of a command; those that are ``None`` or empty are left out."""
    values = {field.name: cast("object", getattr(command, field.name)) for field in fields(command)}
    return cleaned(
        {
            _HTTP_NAMES.get(name, name): value
            for name, value in values.items()
            if name not in _LEFT_OUT and value is not None and value != {}
        }
    )


def cleaned(parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a request, whoever sent it, as they may be kept."""
    kept = list(parameters.items())[:MAX_PARAMETERS]
    return {name[:MAX_CHARACTERS]: _value(name, value) for name, value in kept}


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
    text = value if isinstance(value, str) else repr(value)
    # A surrogate without its other half cannot be written as UTF-8.
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode()

"""The parameters of actions: what kinds there are, and how a value of each is read.

A kind is a way to read, a check (``shared/patterns.py``), and what the OpenAPI document says of it. To add
a kind: its line in ``TEXT_KINDS`` if it is a text, else in ``_READ``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from services.gateway.core.parameters import Parameters
from services.gateway.errors import BadParameterError
from shared import patterns

Kind = Literal[
    "agent", "extension", "party", "queue", "text", "caller_id", "pbx", "flag", "number", "variables"
]

MAX_VARIABLES = 50
PBX_PATTERN = r"[A-Za-z0-9][A-Za-z0-9-]{0,31}"


class TextKind(NamedTuple):
    """A kind of text.

    Attributes:
        check: whether a value is one.
        pattern: the same as a regular expression of JSON Schema, for the whole value.
        problem: what to say of a value that is none.
        limit: how many characters it may have.
        named: whether ``@pbx`` may follow it.
    """

    check: Callable[[str], bool]
    pattern: str
    problem: str
    limit: int
    named: bool = False


def _is_party(text: str) -> bool:
    return patterns.is_channel(text) if "/" in text else patterns.is_agent(text)


TEXT_KINDS: Mapping[Kind, TextKind] = {
    "agent": TextKind(
        patterns.is_agent, patterns.AGENT_PATTERN, "it is no agent such as 148", 64, named=True
    ),
    "extension": TextKind(
        patterns.is_extension, patterns.EXTENSION_PATTERN, "it is no extension such as 600", 64, named=True
    ),
    "party": TextKind(
        _is_party,
        f"{patterns.AGENT_PATTERN}|{patterns.CHANNEL_PATTERN}",
        "it is neither an agent such as 148 nor a channel such as PJSIP/148-0000001a",
        161,
        named=True,
    ),
    "queue": TextKind(
        patterns.is_text,
        patterns.TEXT_PATTERN,
        f"it must be 1 to {patterns.MAX_TEXT} characters",
        patterns.MAX_TEXT,
        named=True,
    ),
    "text": TextKind(
        patterns.is_text,
        patterns.TEXT_PATTERN,
        f"it must be 1 to {patterns.MAX_TEXT} characters",
        patterns.MAX_TEXT,
    ),
    "caller_id": TextKind(
        patterns.is_caller_id, patterns.CALLER_ID_PATTERN, 'it is neither 148 nor "Ana" <148>', 124
    ),
    "pbx": TextKind(patterns.is_line, PBX_PATTERN, "it is no PBX", 32),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter of an action.

    Attributes:
        name: as it is written.
        default: what stands in for it when it is absent.
        low, high: limits of a number; ``digits`` is a regular expression of how one may be written.
        in_path: it is part of the path, else of the query or the body.
    """

    name: str
    kind: Kind
    description: str
    example: object
    required: bool = False
    default: object = None
    low: int = 0
    high: int = 0
    digits: str = ""
    in_path: bool = False


def read(field: Field, parameters: Parameters) -> Any:
    """The value of a field in the query or the body: of texts not yet checked; its default when it is absent.

    Raises:
        BadParameterError: it is missing or malformed.
    """
    value = _READ.get(field.kind, _read_text)(field, parameters)
    if value is None and field.required:
        raise BadParameterError(field.name, "it is required")
    return field.default if value is None else value


def check(field: Field, text: str) -> str:
    """The text, if it is of the field's kind.

    Raises:
        BadParameterError: it is not.
    """
    kind = TEXT_KINDS[field.kind]
    if not kind.check(text):
        raise BadParameterError(field.name, kind.problem)
    return text


def _read_text(field: Field, parameters: Parameters) -> str | None:
    return parameters.text(field.name)


def _read_flag(field: Field, parameters: Parameters) -> bool | None:
    return parameters.flag(field.name)


def _read_number(field: Field, parameters: Parameters) -> int | None:
    number = parameters.whole_number(field.name)
    if number is not None and not field.low <= number <= field.high:
        raise BadParameterError(field.name, f"it must be from {field.low} to {field.high}")
    return number


def _read_variables(field: Field, parameters: Parameters) -> Mapping[str, str]:
    variables = parameters.strings(field.name)
    if len(variables) > MAX_VARIABLES:
        raise BadParameterError(field.name, f"it may have {MAX_VARIABLES} entries, not {len(variables)}")
    for name, value in variables.items():
        if not patterns.is_variable(name):
            raise BadParameterError(
                field.name, "a name must be letters, digits and _, with at most two _ in front"
            )
        if not patterns.is_variable_value(value):
            raise BadParameterError(
                field.name,
                f"the value of {name} must have no comma (Asterisk would split it) and at most "
                f"{patterns.MAX_VALUE} characters",
            )
    return variables


_READ: Mapping[Kind, Callable[[Field, Parameters], Any]] = {
    "flag": _read_flag,
    "number": _read_number,
    "variables": _read_variables,
}

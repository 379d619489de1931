"""A form: how a request for an action is written, and how it is read.

The table of all of them is ``forms.py``. :func:`fill` reads a request by its form; the result holds the
command and what it says about the PBX (``which_pbx.py`` decides).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from services.gateway.core import fields
from services.gateway.core.fields import Field
from services.gateway.core.names import parse_name
from services.gateway.core.parameters import Parameters, line
from services.gateway.core.principal import Role
from services.gateway.errors import BadParameterError
from shared.commands import Command

Answers = Literal["done", "done or candidates", "action id", "candidates", "queues"]


@dataclass(frozen=True, kw_only=True)
class Form:
    """One action or query.

    Attributes:
        action: the word for it in ``shared/commands.py``.
        operation: its name in the OpenAPI document.
        path: with ``{name}`` for each field that stands in it.
        roles: any of them suffices; ``admin`` always does.
        problems: codes of the errors that only Asterisk's answer to it may become.
        ignored: parameters that it takes and does not use, because another queue action uses them.
        build: the command from the values of the fields.
    """

    action: str
    operation: str
    method: Literal["GET", "POST"]
    path: str
    tag: str
    roles: tuple[Role, ...]
    summary: str
    description: str
    fields: tuple[Field, ...]
    answers: Answers
    problems: tuple[str, ...]
    build: Callable[[Mapping[str, Any]], Command]
    ignored: tuple[str, ...] = ()

    @cached_property
    def own(self) -> tuple[Field, ...]:
        """The fields of query and body."""
        return tuple(field for field in self.fields if not field.in_path)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """The names that query and body may have."""
        return (*(field.name for field in self.own), *self.ignored)


class Said(NamedTuple):
    """A PBX that a request names, and in which parameter."""

    parameter: str
    pbx: str


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A request, read. ``agent`` and ``queue`` are whom it is about, if anybody: they tell the PBX when
    none is ``said``."""

    command: Command
    said: tuple[Said, ...] = ()
    agent: str | None = None
    queue: str | None = None


def fill(
    form: Form,
    path: Mapping[str, str],
    query: Iterable[tuple[str, str]],
    body: Mapping[str, Any],
    pbxs: Collection[str],
) -> Filled:
    """Read a request by its form; ``pbxs`` are the configured ones.

    Raises:
        BadParameterError: what is wrong.
    """
    parameters = Parameters(query, body, form.known)
    for name in form.ignored:
        parameters.ignore(name)
    values: dict[str, Any] = {}
    said: list[Said] = []
    found: dict[str, str] = {}
    for field in form.fields:
        value = line(field.name, path[field.name]) if field.in_path else fields.read(field, parameters)
        kind = fields.TEXT_KINDS.get(field.kind)
        if kind is not None and value is not None:
            if kind.named:
                value, pbx = parse_name(value, pbxs)
                said += [] if pbx is None else [Said(field.name, pbx)]
            fields.check(field, value)
            found.setdefault(_about(field, value), value)
        values[field.name] = value
    if values["pbx"] is not None:
        if values["pbx"] not in pbxs:
            raise BadParameterError("pbx", f"no PBX is named {values['pbx']!r}")
        said.append(Said("pbx", values["pbx"]))
    command = form.build(values)
    return Filled(command=command, said=tuple(said), agent=found.get("agent"), queue=found.get("queue"))


def _about(field: Field, value: str) -> str:
    """Whom a text is about: a party that is no channel is an agent."""
    return "agent" if field.kind == "party" and "/" not in value else field.kind

"""Parameters of a request: from the query and a JSON body into one mapping, and read from there.

Any parameter may come either way; both with different values is an error. An empty body is no
parameters, an empty string is absent, booleans may be written ``"true"`` and ``"false"``, and a list in
the query is comma-separated or repeated. A name or text never holds CR, LF or NUL: they would end a line
somewhere behind us.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.gateway.core.names import parse_name
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BadJsonError, BadParameterError

MAX_AGENTS = 2_000
MAX_QUEUES = 500
MAX_PBXS = 100
MAX_PAIRS = 200_000
MAX_NAME = 255

_BOOLEANS = {"true": True, "false": False}
_FORBIDDEN = "\r\n\0"
_TICKET = ("agents", "queues", "summaryEvents", "callers", "pbx")


class Parameters:
    """The parameters of one request; ``known`` are the names that there are."""

    def __init__(self, query: Iterable[tuple[str, str]], body: bytes, known: Collection[str]) -> None:
        """Merge query and body.

        Raises:
            BadJsonError: the body is neither empty nor a JSON object.
            BadParameterError: a name is unknown, or has two values.
        """
        self._query = _from_query(query)
        self._body = _from_body(body)
        for name in (*self._body, *self._query):
            if name not in known:
                raise BadParameterError(
                    _plain(name), f"there is no such parameter; known: {', '.join(known)}"
                )

    def boolean(self, name: str, *, default: bool) -> bool:
        """A truth value.

        Raises:
            BadParameterError: it is something else, or has two values.
        """
        return self._one(name, [_boolean(name, value) for value in self._values(name)], default)

    def names(self, name: str, limit: int) -> tuple[str, ...]:
        """A list of names, each once; empty when absent.

        Raises:
            BadParameterError: it is no list of names, is too long, or has two values.
        """
        lists: list[tuple[str, ...]] = []
        if name in self._query:
            lists.append(
                _names(name, [part for text in self._query[name] for part in text.split(",")], limit)
            )
        if self._body.get(name) not in (None, ""):
            lists.append(_names(name, self._body[name], limit))
        return self._one(name, lists, ())

    def _values(self, name: str) -> list[Any]:
        values: list[Any] = list(self._query.get(name, ()))
        if name in self._body:
            values.append(self._body[name])
        return [value for value in values if value not in (None, "")]

    @staticmethod
    def _one(name: str, values: Sequence[Any], default: Any) -> Any:
        if any(value != values[0] for value in values):
            raise BadParameterError(name, "it is given twice, with different values")
        return values[0] if values else default


def ticket_from(query: Iterable[tuple[str, str]], body: bytes, *, pbxs: Sequence[str], now_ms: int) -> Ticket:
    """The ticket that a request asks for; ``pbxs`` are the configured ones.

    Raises:
        BadJsonError: the body is no JSON object.
        BadParameterError: what is wrong, with the parameter.
    """
    parameters = Parameters(query, body, _TICKET)
    ticket = Ticket(
        agents=parameters.names("agents", MAX_AGENTS),
        queues=parameters.names("queues", MAX_QUEUES),
        summary_events=parameters.boolean("summaryEvents", default=False),
        callers=parameters.boolean("callers", default=False),
        pbx=parameters.names("pbx", MAX_PBXS),
        created=now_ms,
    )
    for pbx in ticket.pbx:
        if pbx not in pbxs:
            raise BadParameterError(
                "pbx", f"no PBX is named {pbx!r}; configured: {', '.join(pbxs) or 'none'}"
            )
    for parameter, names in (("agents", ticket.agents), ("queues", ticket.queues)):
        if any(not parse_name(name, pbxs).name.strip() for name in names):
            raise BadParameterError(parameter, "a name must not be empty")
    if len(ticket.agents) * len(ticket.queues) * max(1, len(pbxs)) > MAX_PAIRS:
        raise BadParameterError(
            "agents", f'agents times queues times PBXs may be {MAX_PAIRS}; use "*" to list all that there are'
        )
    return ticket


def _from_query(query: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in query:
        if value:
            found.setdefault(name, []).append(value)
    return found


def _from_body(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJsonError(f"The body is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BadJsonError("The body must be a JSON object.")
    return found  # pyright: ignore[reportUnknownVariableType]


def _boolean(name: str, value: object) -> bool:
    found = _BOOLEANS.get(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise BadParameterError(name, "it must be true or false")
    return found


def _names(name: str, value: object, limit: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadParameterError(name, "it must be a list of strings")
    found: dict[str, None] = {}
    for item in value:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(item, str):
            raise BadParameterError(name, "it must be a list of strings")
        if item:
            found[_name(name, item)] = None
    if len(found) > limit:
        raise BadParameterError(name, f"it may have {limit} entries, not {len(found)}")
    return tuple(found)


def _name(parameter: str, item: str) -> str:
    if len(item) > MAX_NAME:
        raise BadParameterError(parameter, f"a name may have {MAX_NAME} characters")
    if any(character in item for character in _FORBIDDEN):
        raise BadParameterError(parameter, "a name must not hold CR, LF or NUL")
    if any("\ud800" <= character <= "\udfff" for character in item):
        raise BadParameterError(parameter, "a name must be well-formed Unicode")
    return item


def _plain(name: str) -> str:
    """A parameter's name to be told back: the sender chose it."""
    return name if len(name) <= MAX_NAME and name.isprintable() else ascii(name)[:MAX_NAME]

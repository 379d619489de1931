"""Parameters of a request: from the query and a JSON body into one mapping, and read from there.

Any parameter may come either way; both with different values is an error. An empty body is no
parameters, an empty string is absent, booleans may be written ``"true"`` and ``"false"``, and a list in
the query is comma-separated or repeated. A whole number may be written as a string of digits. A name or text
never holds CR, LF, NUL or another control character: they would end a line somewhere behind us.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from services.gateway.core.names import parse_name
from services.gateway.core.request_input import read_body, read_strings
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BadParameterError
from shared.patterns import is_line

MAX_AGENTS = 2_000
MAX_QUEUES = 500
MAX_PBXS = 100
MAX_PAIRS = 200_000
MAX_NAME = 255

_BOOLEANS = {"true": True, "false": False}
_DIGITS = re.compile(r"0|[1-9][0-9]{0,8}")
_TICKET = ("agents", "queues", "summaryEvents", "callers", "pbx")


class Parameters:
    """The parameters of one request; ``known`` are the names that there are."""

    def __init__(
        self, query: Iterable[tuple[str, str]], body: Mapping[str, Any], known: Collection[str]
    ) -> None:
        """Merge query and body.

        Raises:
            BadParameterError: a name is unknown.
        """
        self._query = _from_query(query)
        self._body = body
        for name in (*self._body, *self._query):
            if name not in known:
                raise BadParameterError(
                    plain(name), f"there is no such parameter; known: {', '.join(known) or 'none'}"
                )

    def boolean(self, name: str, *, default: bool) -> bool:
        """A truth value.

        Raises:
            BadParameterError: it is something else, or has two values.
        """
        found = self.flag(name)
        return default if found is None else found

    def flag(self, name: str) -> bool | None:
        """A truth value; ``None`` when absent.

        Raises:
            BadParameterError: it is something else, or has two values.
        """
        return self._one(name, [_boolean(name, value) for value in self._values(name)], None)

    def text(self, name: str) -> str | None:
        """A line of text; ``None`` when absent.

        Raises:
            BadParameterError: it is no string, holds a control character, or has two values.
        """
        return self._one(name, [line(name, value) for value in self._values(name)], None)

    def whole_number(self, name: str) -> int | None:
        """A whole number that is not negative; ``None`` when absent.

        Raises:
            BadParameterError: it is something else, or has two values.
        """
        return self._one(name, [_whole_number(name, value) for value in self._values(name)], None)

    def strings(self, name: str) -> Mapping[str, str]:
        """An object of strings, in the query as JSON text; empty when absent.

        Raises:
            BadParameterError: it is something else, holds a control character, or has two values.
        """
        values = [read_strings(name, line(name, text)) for text in self._query.get(name, ())]
        if self._body.get(name) not in (None, ""):
            values.append(self._body[name])
        return self._one(name, [_strings(name, value) for value in values], {})

    def ignore(self, name: str) -> None:
        """Pass over a value whose kind does not matter; a string must still be a line.

        Raises:
            BadParameterError: it holds a control character.
        """
        for value in self._values(name):
            if isinstance(value, str):
                line(name, value)

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
        if name not in self._body and name not in self._query:
            return []
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
    parameters = Parameters(query, read_body(body), _TICKET)
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


def line(name: str, value: object) -> str:
    """The value of a parameter as a line of text.

    Raises:
        BadParameterError: it is none.
    """
    if not isinstance(value, str):
        raise BadParameterError(name, "it must be a string")
    if not is_line(value):
        raise BadParameterError(name, "it must not hold CR, LF, NUL or another control character")
    return value


def _boolean(name: str, value: object) -> bool:
    found = _BOOLEANS.get(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise BadParameterError(name, "it must be true or false")
    return found


def _whole_number(name: str, value: object) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():  # 5.0 and 5 are the same number in JSON
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadParameterError(name, "it must be a whole number that is not negative")
    return value


def _strings(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise BadParameterError(name, "it must be an object of strings")
    return {line(name, key): line(name, item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]


def _names(name: str, value: object, limit: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadParameterError(name, "it must be a list of strings")
    if len(value) > limit:  # pyright: ignore[reportUnknownArgumentType]
        raise BadParameterError(name, f"it may have {limit} entries, not {len(value)}")
    found: dict[str, None] = {}
    for item in value:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(item, str):
            raise BadParameterError(name, "it must be a list of strings")
        if item:
            found[_name(name, item)] = None
    return tuple(found)


def _name(parameter: str, item: str) -> str:
    if len(item) > MAX_NAME:
        raise BadParameterError(parameter, f"a name may have {MAX_NAME} characters")
    if not is_line(item):
        raise BadParameterError(parameter, "a name must not hold CR, LF, NUL or another control character")
    return item


def plain(name: str) -> str:
    """A parameter's name to be told back: the sender chose it."""
    return name if len(name) <= MAX_NAME and name.isprintable() else ascii(name)[:MAX_NAME]

"""What the OpenAPI document allows to send: by its schemas, and by its text, which allows more.

Written from that text and not from the gateway's code, so that a test which lets such requests pass lets no
other one pass. A request is allowed when its strict form is valid in all of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators

Json = dict[str, Any]

_BOOLEANS = {"true": True, "false": False}
_DIGITS = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a request says, by the place where it says it; ``body`` is ``None`` when there is none."""

    path: Mapping[str, Any] = field(default_factory=dict[str, Any])
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    header: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Mapping[str, Any] | None = None


def is_allowed(document: Json, method: str, path: str, sent: Sent) -> bool:
    """Whether a request to an operation of the document is as it says."""
    operation = document["paths"][path][method.lower()]
    ignored = _of_queues(document) if path.startswith("/queue/") else frozenset[str]()
    body, query = _body(operation), _parameters(operation, "query")
    return (
        _is_valid(_parameters(operation, "path"), sent.path)
        and _is_valid(_parameters(operation, "header"), sent.header)
        and _is_valid(query, _strict(query, sent.query, ignored))
        and _is_valid(body, _strict(body, sent.body or {}, ignored))
    )


def _strict(schema: Json, value: Mapping[str, Any], ignored: frozenset[str]) -> Json:
    known = frozenset(schema["properties"])
    found = {name: item for name, item in value.items() if name not in ignored - known}
    for name in known & found.keys():
        if name not in schema["required"] and found[name] in (None, ""):
            del found[name]
        else:
            found[name] = _strict_value(schema["properties"][name], found[name])
    return found


def _strict_value(schema: Json, value: object) -> object:
    if schema["type"] == "boolean" and isinstance(value, str):
        return _BOOLEANS.get(value, value)
    if schema["type"] == "integer" and isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if schema["type"] == "array" and isinstance(value, list):
        return [item for item in cast("list[object]", value) if item != ""]
    return value


def _of_queues(document: Json) -> frozenset[str]:
    """All that a request to a path of queues may have."""
    methods = [found for path, found in document["paths"].items() if path.startswith("/queue/")]
    operations = [operation for found in methods for operation in found.values()]
    schemas = [schema for one in operations for schema in (_body(one), _parameters(one, "query"))]
    return frozenset(name for schema in schemas for name in schema["properties"])


def _body(operation: Json) -> Json:
    """The schema of the body; of nothing at all when there is none."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False, **schema}


def _parameters(operation: Json, place: str) -> Json:
    """The schema of all parameters of a place; other headers may always be there."""
    found = [one for one in operation.get("parameters", []) if one["in"] == place]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in found},
        "required": [one["name"] for one in found if one.get("required")],
        "additionalProperties": place == "header",
    }


def _whole(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    """`pattern` for the whole value: `$` of a Python expression also matches before a line end."""
    if isinstance(value, str) and re.fullmatch(pattern, value) is None:
        yield ValidationError(f"{value!r} is not {pattern}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _whole})


def _is_valid(schema: Json, value: Mapping[str, Any]) -> bool:
    return _Validator(schema).is_valid(value)

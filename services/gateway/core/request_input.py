"""What a request says, as far as it can be read without knowing its parameters: query and JSON body.

Strict where a lenient reader would guess: a body with two values for a name, a constant that JSON does not
have, or percent-encoding that is no UTF-8 is refused, so that nothing behind can read it differently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from services.gateway.errors import BadJsonError, BadParameterError


def read_query(query_string: bytes) -> list[tuple[str, str]]:
    """Names and values of a query, in order; ``+`` is a space.

    Raises:
        BadParameterError: it is not UTF-8.
    """
    pairs = [part.replace(b"+", b" ").partition(b"=") for part in query_string.split(b"&") if part]
    try:
        return [
            (unquote_to_bytes(name).decode("utf-8"), unquote_to_bytes(value).decode("utf-8"))
            for name, _, value in pairs
        ]
    except UnicodeDecodeError as error:
        raise BadParameterError("query", "it must be percent-encoded UTF-8") from error


def read_body(body: bytes) -> Mapping[str, Any]:
    """The members of a JSON object; none when the body is empty.

    Raises:
        BadJsonError: it is something else, or a name in it comes twice.
    """
    if not body.strip():
        return {}
    try:
        found = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadJsonError(f"The body is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BadJsonError("The body must be a JSON object.")
    return found  # pyright: ignore[reportUnknownVariableType]


def read_strings(parameter: str, text: str) -> Mapping[str, Any]:
    """A JSON object that stands in the query.

    Raises:
        BadParameterError: it is something else.
    """
    try:
        return read_body(text.encode("utf-8"))
    except BadJsonError as error:
        raise BadParameterError(parameter, f"it must be a JSON object of strings ({error})") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


# Made once: `json.loads` with such hooks makes one for each text.
_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_json)

"""The errors, each with an example, and the responses that are made of them."""

from __future__ import annotations

from typing import Any

import msgspec

from services.gateway import action_errors, errors
from services.gateway.errors import GatewayError, problem
from services.gateway.routes.problems import MAX_BODY

Json = dict[str, Any]

_STRING: Json = {"type": "string"}
_STRINGS: Json = {"type": "array", "items": _STRING}

SCHEMA: Json = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": _STRING,
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; programs may rely on it."},
        "detail": _STRING,
        "parameter": {"type": "string", "description": "With `bad_parameter`: which."},
        "pbxs": {**_STRINGS, "description": "With `ambiguous_pbx`: those that it may be."},
        "reasons": {**_STRINGS, "description": "With `not_ready`."},
    },
}
_EXAMPLES: tuple[GatewayError, ...] = (
    errors.BadParameterError("agent", "it is no agent such as 148"),
    errors.BadJsonError("The body must be a JSON object."),
    errors.NoKeyError("This gateway is not open to programs without a key."),
    errors.OriginRefusedError("https://elsewhere.example"),
    errors.RoleMissingError("wallboard", "call"),
    errors.PbxForbiddenError("wallboard", "hq"),
    errors.NoTicketError(),
    errors.NotFoundError(),
    action_errors.NoQueueError("No such queue: q9"),
    action_errors.NoAgentError("No such agent: 999"),
    action_errors.NotAMemberError("Unable to remove interface: Not there"),
    action_errors.NoCallError("148 has no call."),
    action_errors.NoChannelError("Channel does not exist: PJSIP/148-0000001a"),
    action_errors.NoExtensionError("Extension does not exist."),
    errors.AmbiguousPbxError(["hq", "branch"]),
    action_errors.AlreadyMemberError("Unable to add interface: Already there"),
    errors.TooLargeError(MAX_BODY),
    errors.KeyReusedError(),
    errors.TooManyRequestsError("1000 actions are under way"),
    errors.InternalError(),
    action_errors.AsteriskRefusedError("Permission denied"),
    action_errors.PartlyDoneError(
        "Only a part was done. PJSIP/148: done (Removed interface from queue). "
        "Local/148@agents: refused (Member not dynamic)."
    ),
    errors.BusAwayError("timeout"),
    errors.NotReadyError(["the state has not been read from NATS yet"]),
    action_errors.NotSentError("The PBX hq is not connected."),
    action_errors.OutcomeUnknownError("Asterisk did not answer in time."),
)


def responses(*codes: str) -> Json:
    """The responses for these errors, those of one status together."""
    found: dict[int, list[GatewayError]] = {}
    for error in _EXAMPLES:
        if error.code in codes:
            found.setdefault(error.status, []).append(error)
    return {str(status): _response(alike) for status, alike in found.items()}


def _response(alike: list[GatewayError]) -> Json:
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {
            "status": {"type": "integer", "const": alike[0].status},
            "code": {"type": "string", "enum": [error.code for error in alike]},
        },
    }
    examples = {error.code: {"value": msgspec.json.decode(problem(error)[2])} for error in alike}
    response: Json = {
        "description": " ".join(_sentence(error.title) for error in alike),
        "content": {errors.PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }
    headers = {name: value for error in alike for name, value in error.headers().items()}
    if headers:
        response["headers"] = {
            name: {
                "schema": _STRING,
                "example": value,
                "required": all(name in one.headers() for one in alike),
            }
            for name, value in headers.items()
        }
    return response


def _sentence(title: str) -> str:
    return title if title.endswith("?") else f"{title}."

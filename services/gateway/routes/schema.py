"""`GET /schema`: the OpenAPI document.

Litestar describes its own routes; what it cannot know (the transports, which it does not handle, bodies that
are read by hand, the errors with their examples) is written here and laid over it. To add a route: nothing
here if Litestar knows it all, else its operation in ``_OPERATIONS``.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from services.gateway import errors
from services.gateway.core.parameters import MAX_AGENTS, MAX_NAME, MAX_PBXS, MAX_QUEUES
from services.gateway.errors import GatewayError, problem
from services.gateway.routes.problems import AnyRequest

Json = dict[str, Any]

_TICKET_EXAMPLE = "0mRt1lQxT9aJw2yU5cXkVb8nZs3eHf7P"
_EVENTS_EXAMPLE: list[Json] = [
    {"type": "queueCount", "pbx": "hq", "queue": "q1", "count": 1, "id": "k3f9x2-1042"},
    {"type": "ready", "resumed": True, "now": 1767225600000, "id": "k3f9x2-1042"},
]
_SSE_EXAMPLE = 'event: queueCount\ndata: {"pbx":"hq","queue":"q1","count":1}\nid: k3f9x2-1042\n\n'


def _names(limit: int, description: str, example: list[str]) -> Json:
    item = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
    return {
        "type": "array",
        "items": item,
        "maxItems": limit,
        "default": [],
        "description": description,
        "examples": [example],
    }


_TICKET_SCHEMA: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "agents": _names(MAX_AGENTS, 'Agents: `148`, `148@hq`, `"*"` for all.', ["148", "viktor"]),
        "queues": _names(MAX_QUEUES, 'Queues: `q1`, `q1@hq`, `"*"` for all.', ["q1"]),
        "summaryEvents": {"type": "boolean", "default": False, "description": "QueueSummary, MemberSummary"},
        "callers": {"type": "boolean", "default": False, "description": "queueCallers"},
        "pbx": _names(MAX_PBXS, "PBXs; all when empty.", ["hq"]),
    },
}
_PROBLEM_SCHEMA: Json = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; programs may rely on it."},
        "detail": {"type": "string"},
        "parameter": {"type": "string", "description": "With `bad_parameter`: which."},
        "reasons": {"type": "array", "items": {"type": "string"}, "description": "With `not_ready`."},
    },
}
_EXAMPLES: tuple[GatewayError, ...] = (
    errors.BadParameterError("agents", "it must be a list of strings"),
    errors.BadJsonError("The body must be a JSON object."),
    errors.NoKeyError("This gateway is not open to programs without a key."),
    errors.OriginRefusedError("https://elsewhere.example"),
    errors.NoTicketError(),
    errors.TooLargeError(1024 * 1024),
    errors.UpgradeRequiredError(),
    errors.BusAwayError("timeout"),
    errors.NotReadyError(["the state has not been read from NATS yet"]),
)


def _problems(*codes: str) -> Json:
    """The responses for these errors, those of one status together."""
    responses: Json = {}
    for error in _EXAMPLES:
        if error.code not in codes:
            continue
        response = responses.setdefault(
            str(error.status),
            {
                "description": error.title,
                "content": {
                    errors.PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
                },
            },
        )
        examples = response["content"][errors.PROBLEM_JSON]["examples"]
        examples[error.code] = {"value": msgspec.json.decode(problem(error)[2])}
    return responses


_TICKET_PATH: Json = {
    "name": "ticket",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "example": _TICKET_EXAMPLE,
}
_AFTER: Json = {
    "name": "after",
    "in": "query",
    "schema": {"type": "string", "pattern": "^.+-[0-9]+$"},
    "description": "The last id received: the answer goes on behind it.",
    "example": "k3f9x2-1041",
}
_LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string"},
    "description": "As `after`; a browser's EventSource sends it by itself.",
}
_EVENT_LIST: Json = {"type": "array", "items": {"type": "object", "required": ["type"]}}

_OPERATIONS: dict[str, dict[str, Json]] = {
    "/ticket": {
        "post": {
            "description": (
                "A ticket is all that a browser needs to receive events. Each parameter may come in the "
                "query (lists comma-separated or repeated) or in the JSON body."
            ),
            "requestBody": {
                "required": False,
                "content": {
                    "application/json": {
                        "schema": _TICKET_SCHEMA,
                        "examples": {"one": {"value": {"agents": ["148"], "queues": ["q1"]}}},
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "The ticket.",
                    "content": {
                        "application/json": {"schema": {"type": "string"}, "example": _TICKET_EXAMPLE}
                    },
                },
                **_problems("bad_parameter", "bad_json", "no_key", "too_large", "bus_unavailable"),
            },
        }
    },
    "/ticket/{ticket}": {
        "delete": {"responses": _problems("origin_refused", "no_ticket", "bus_unavailable")},
    },
    "/health/ready": {"get": {"responses": _problems("not_ready")}},
    "/{ticket}/long-poll": {
        "get": {
            "operationId": "longPoll",
            "summary": "Events, by long poll",
            "tags": ["streams"],
            "description": (
                "Answers at once if there is something, else when there is, and `[]` after "
                "`gateway.poll_timeout_s`. Without `after` the service remembers where the last answer ended."
            ),
            "parameters": [_TICKET_PATH, _AFTER],
            "responses": {
                "200": {
                    "description": "The events.",
                    "content": {"application/json": {"schema": _EVENT_LIST, "example": _EVENTS_EXAMPLE}},
                },
                **_problems("bad_parameter", "origin_refused", "no_ticket", "bus_unavailable"),
            },
        }
    },
    "/{ticket}/sse": {
        "get": {
            "operationId": "serverSentEvents",
            "summary": "Events, as server-sent events",
            "tags": ["streams"],
            "description": "An unknown ticket is answered with `closed` and `close`.",
            "parameters": [_TICKET_PATH, _AFTER, _LAST_EVENT_ID],
            "responses": {
                "200": {
                    "description": "The stream.",
                    "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _SSE_EXAMPLE}},
                },
                **_problems("origin_refused"),
            },
        }
    },
    "/{ticket}/websocket": {
        "get": {
            "operationId": "websocket",
            "summary": "Events, one a WebSocket message",
            "tags": ["streams"],
            "description": "Close codes 1008 and 4500-4999: do not reconnect; any other: reconnect.",
            "parameters": [_TICKET_PATH, _AFTER],
            "responses": {"101": {"description": "The WebSocket."}, **_problems("upgrade_required")},
        }
    },
}


def _lay_over(document: Json) -> Json:
    document = deepcopy(document)
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    paths = document.setdefault("paths", {})
    for path, methods in _OPERATIONS.items():
        for method, operation in methods.items():
            known = paths.setdefault(path, {}).setdefault(method, {})
            responses = {**known.get("responses", {}), **operation["responses"]}
            known.update({**operation, "responses": responses})
            # Litestar's own guess at errors is not how this service answers
            if "400" in responses and "400" not in operation["responses"]:
                del responses["400"]
    return document


class _Render(JsonRenderPlugin):
    def render(self, request: AnyRequest, openapi_schema: Json) -> bytes:
        return msgspec.json.encode(_lay_over(openapi_schema))


CONFIG = OpenAPIConfig(
    title="pbxis",
    version="1",
    description="What happens in an Asterisk call centre, live, and actions on it.",
    path="/schema",
    render_plugins=[_Render(path="/")],
)

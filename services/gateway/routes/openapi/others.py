"""The operations that are no actions: tickets, streams, health.

A further operation goes into ``operations``: under its path and method, as OpenAPI 3.1 writes it.
"""

from __future__ import annotations

from typing import Any

from services.gateway.core.parameters import MAX_AGENTS, MAX_NAME, MAX_PBXS, MAX_QUEUES
from services.gateway.core.position import POSITION_PATTERN
from services.gateway.routes.audit import SEQUENCE_PATTERN
from services.gateway.routes.openapi.actions import SECURITY
from services.gateway.routes.openapi.parameters import PBX
from services.gateway.routes.openapi.problems import responses
from shared import patterns

Json = dict[str, Any]

_TICKET_EXAMPLE = "0mRt1lQxT9aJw2yU5cXkVb8nZs3eHf7P"
_EVENTS_EXAMPLE: list[Json] = [
    {"type": "queueCount", "pbx": "hq", "queue": "q1", "count": 1, "id": "k3f9x2-1042"},
    {"type": "ready", "resumed": True, "now": 1767225600000, "id": "k3f9x2-1042"},
]
_SSE_EXAMPLE = 'event: queueCount\ndata: {"pbx":"hq","queue":"q1","count":1}\nid: k3f9x2-1042\n\n'
_NAME: Json = {"type": "string", "pattern": f"^{patterns.TEXT_PATTERN}$", "maxLength": MAX_NAME}

_TICKET_PATH: Json = {
    "name": "ticket",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
    "example": _TICKET_EXAMPLE,
}
_AFTER: Json = {
    "name": "after",
    "in": "query",
    "schema": {"type": "string"},
    "description": "The last id received: the answer goes on behind it.",
    "example": "k3f9x2-1041",
}
_LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string"},
    "description": "As `after`; a browser's EventSource sends it by itself.",
}


def operations() -> Json:
    """Their paths."""
    return {
        "/ticket": {"post": _make_ticket()},
        "/ticket/{ticket}": {"delete": _REVOKE_TICKET},
        "/{ticket}/long-poll": {"get": _LONG_POLL},
        "/{ticket}/sse": {"get": _SSE},
        "/audit": {"get": _AUDIT},
        "/health/live": {"get": _LIVE},
        "/health/ready": {"get": _READY},
        "/metrics": {"get": _METRICS},
    }


def _json(description: str, schema: Json, example: object) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _list(limit: int, item: Json, description: str, example: list[str]) -> Json:
    return {
        "type": "array",
        "items": item,
        "maxItems": limit,
        "default": [],
        "description": description,
        "examples": [example],
    }


def _flag(description: str) -> Json:
    return {"type": "boolean", "default": False, "description": description, "examples": [True]}


def _make_ticket() -> Json:
    schema: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "agents": _list(MAX_AGENTS, _NAME, 'Agents: `148`, `148@hq`, `"*"` for all.', ["148", "viktor"]),
            "queues": _list(MAX_QUEUES, _NAME, 'Queues: `q1`, `q1@hq`, `"*"` for all.', ["q1"]),
            "summaryEvents": _flag("QueueSummary and MemberSummary too."),
            "callers": _flag("queueCallers too."),
            "pbx": _list(MAX_PBXS, PBX, "PBXs; all when empty.", ["hq"]),
        },
    }
    example = {"agents": ["148"], "queues": ["q1"]}
    return {
        "operationId": "makeTicket",
        "summary": "Make a ticket",
        "description": (
            "A ticket is all that a browser needs to receive events: it names a scope and cannot be guessed. "
            "Role: `stream`."
        ),
        "tags": ["tickets"],
        "security": SECURITY,
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": schema, "examples": {"one": {"value": example}}}},
        },
        "responses": {
            "200": _json(
                "The ticket.", {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"}, _TICKET_EXAMPLE
            ),
            **responses(
                "bad_parameter",
                "bad_json",
                "no_key",
                "origin_refused",
                "role_missing",
                "pbx_forbidden",
                "too_large",
                "internal_error",
                "bus_unavailable",
            ),
        },
    }


_REVOKE_TICKET: Json = {
    "operationId": "revokeTicket",
    "summary": "Revoke a ticket",
    "description": "Ends the ticket's streams on every gateway. Who holds a ticket may revoke it.",
    "tags": ["tickets"],
    "parameters": [_TICKET_PATH],
    "responses": {
        "200": _json(
            "It is revoked.",
            {"$ref": "#/components/schemas/Done"},
            {"response": "Success", "message": "The ticket is revoked."},
        ),
        **responses("origin_refused", "no_ticket", "not_found", "internal_error", "bus_unavailable"),
    },
}
_LONG_POLL: Json = {
    "operationId": "longPoll",
    "summary": "Events, by long poll",
    "description": (
        "Answers at once if there is something, else when there is, and `[]` after `gateway.poll_timeout_s`. "
        "Without `after` the service remembers where the last answer ended."
    ),
    "tags": ["streams"],
    "parameters": [
        _TICKET_PATH,
        {**_AFTER, "schema": {"type": "string", "pattern": f"^(?:{POSITION_PATTERN})$"}},
    ],
    "responses": {
        "200": _json(
            "The events.",
            {"type": "array", "items": {"type": "object", "required": ["type"]}},
            _EVENTS_EXAMPLE,
        ),
        **responses(
            "bad_parameter",
            "origin_refused",
            "no_ticket",
            "not_found",
            "internal_error",
            "bus_unavailable",
            "not_ready",
        ),
    },
}
_SSE: Json = {
    "operationId": "serverSentEvents",
    "summary": "Events, as server-sent events",
    "description": "An unknown ticket is answered with `closed` and `close`.",
    "tags": ["streams"],
    "parameters": [{**_TICKET_PATH, "schema": {"type": "string"}}, _AFTER, _LAST_EVENT_ID],
    "responses": {
        "200": {"description": "The stream.", "content": {"text/event-stream": {"example": _SSE_EXAMPLE}}},
        **responses("origin_refused", "not_found", "internal_error"),
    },
}
_AUDIT_EXAMPLE = (
    'event: audit\ndata: {"id":"pbxis-0f8d4c1b2a3948576605f4e3d2c1b0a9","at":1767225600000,"phase":"begun",'
    '"caller":"crm","callerId":"9c1e5f3a70d2b468","action":"hangup","pbx":"hq"}\nid: 1042\n\n'
)
_AUDIT: Json = {
    "operationId": "audit",
    "summary": "Who did what, as server-sent events",
    "description": (
        "The newest 100 records, or those behind `after`, then each as it comes, without an end. "
        "Role: `admin`; a key for some PBXs gets the records of those alone."
    ),
    "tags": ["operations"],
    "security": SECURITY,
    "parameters": [
        {
            "name": "after",
            "in": "query",
            "schema": {"type": "string", "pattern": f"^(?:{SEQUENCE_PATTERN})$"},
            "description": "The id of the last record received: the answer goes on behind it.",
            "example": "1042",
        },
        {**_LAST_EVENT_ID, "schema": {"type": "string", "pattern": f"^(?:{SEQUENCE_PATTERN})$"}},
    ],
    "responses": {
        "200": {
            "description": "The records.",
            "content": {"text/event-stream": {"example": _AUDIT_EXAMPLE}},
        },
        **responses(
            "bad_parameter",
            "no_key",
            "origin_refused",
            "role_missing",
            "too_many_requests",
            "internal_error",
            "bus_unavailable",
        ),
    },
}


def _health(word: str) -> Json:
    schema = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "const": word}},
    }
    return _json("It is well.", schema, {"status": word})


_LIVE: Json = {
    "operationId": "live",
    "summary": "Does the process answer?",
    "description": "Answers as long as the process does. Restart it when this does not.",
    "tags": ["operations"],
    "responses": {"200": _health("live")},
}
_READY: Json = {
    "operationId": "ready",
    "summary": "Can it show live figures?",
    "description": "Send clients only where this answers 200. Otherwise the reasons say what is missing.",
    "tags": ["operations"],
    "responses": {"200": _health("ready"), **responses("not_ready")},
}
_METRICS_EXAMPLE = (
    "# HELP pbxis_gateway_ready 1 when it can show live figures.\n"
    "# TYPE pbxis_gateway_ready gauge\n"
    "pbxis_gateway_ready 1.0\n"
)
_METRICS: Json = {
    "operationId": "metrics",
    "summary": "Figures for Prometheus",
    "description": "Those of this gateway process, in Prometheus's text format.",
    "tags": ["operations"],
    "responses": {
        "200": {
            "description": "The figures.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _METRICS_EXAMPLE}},
        },
        **responses("internal_error"),
    },
}

WEBSOCKETS: Json = {
    "/{ticket}/websocket": {
        "summary": "Events, one a WebSocket message",
        "description": (
            "Close codes 1008 and 4500-4999: do not reconnect; any other: reconnect. "
            "By plain HTTP the answer is 426."
        ),
        "parameters": [_TICKET_PATH, _AFTER],
    }
}
"""OpenAPI has no words for a WebSocket; this stands beside the paths."""

"""The operations of the actions and queries, written from their forms, and `POST /stop`."""

from __future__ import annotations

from typing import Any, get_args

from services.gateway.core.fields import TEXT_KINDS
from services.gateway.core.form import Answers, Form
from services.gateway.core.forms import FORMS
from services.gateway.routes.openapi.parameters import body_of, parameters_of
from services.gateway.routes.openapi.problems import responses
from services.gateway.routes.requests import COMMAND_ID, IDEMPOTENCY_KEY, IDEMPOTENCY_PATTERN
from services.gateway.routes.stop import ANSWER
from shared.events import DeviceWord, MemberWord

Json = dict[str, Any]

SECURITY: list[Json] = [{"bearer": []}, {}]

_ID_EXAMPLE = "pbxis-0f8d4c1b2a3948576605f4e3d2c1b0a9"
_ID: Json = {"type": "string", "pattern": "^pbxis-[0-9a-f]{32}$"}
_ID_HEADER: Json = {
    "description": "The name of this attempt in the audit and in the bridge's log.",
    "required": True,
    "schema": _ID,
    "example": _ID_EXAMPLE,
}
_KEY_HEADER: Json = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": (
        "The same key from the same caller within 24 h acts once and gives the same answer, at whichever "
        "gateway. What was not sent (503) may be tried again with it."
    ),
    "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_PATTERN}$"},
    "example": "6f1c2d3e-order-4711",
}
_CANDIDATES: Json = {"type": "array", "items": {"$ref": "#/components/schemas/Candidate"}}
_CANDIDATE: Json = {
    "agentChannel": "PJSIP/148-0000001a",
    "bridgedChannel": "PJSIP/trunk-00000019",
    "callerId": "555",
}
_DONE: Json = {"response": "Success", "message": "Added interface to queue"}
_QUEUE: Json = {
    "queue": "q1",
    "pbx": "hq",
    "members": [
        {
            "location": "PJSIP/148",
            "agent": "148",
            "memberName": "Viktor",
            "status": "not_inuse",
            "deviceStatus": "not_inuse",
            "paused": False,
            "pausedReason": None,
            "penalty": 0,
            "callsTaken": 3,
            "lastCall": 1767225600000,
        }
    ],
    "calls": 0,
    "completed": 12,
    "abandoned": 1,
    "holdTime": 8,
    "talkTime": 95,
    "serviceLevel": 60,
    "serviceLevelPerf": 91.7,
}


def _object(properties: Json, description: str) -> Json:
    """Of an answer. Not closed: properties may be added, and a client must not break of that."""
    return {
        "type": "object",
        "description": description,
        "required": list(properties),
        "properties": properties,
    }


_STRING: Json = {"type": "string"}
_SUCCESS: Json = {"type": "string", "const": "Success"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_MAYBE_STRING: Json = {"type": ["string", "null"]}
_MAYBE_COUNT: Json = {"type": ["integer", "null"]}

SCHEMAS: Json = {
    "Done": _object({"response": _SUCCESS, "message": _STRING}, "An action that is done."),
    "Candidate": _object(
        {"agentChannel": _STRING, "bridgedChannel": _MAYBE_STRING, "callerId": _MAYBE_STRING},
        "A call: the agent's channel, and the party at the other end if there is one.",
    ),
    "Candidates": _object({"candidates": _CANDIDATES}, "Several calls fit; nothing was done."),
    "QueueMember": _object(
        {
            "location": _STRING,
            "agent": _STRING,
            "memberName": _STRING,
            "status": {"type": "string", "enum": list(get_args(MemberWord))},
            "deviceStatus": {"type": "string", "enum": list(get_args(DeviceWord))},
            "paused": {"type": "boolean"},
            "pausedReason": _MAYBE_STRING,
            "penalty": {"type": "integer"},
            "callsTaken": _COUNT,
            "lastCall": {**_MAYBE_COUNT, "description": "Milliseconds since the epoch; `null`: none."},
        },
        "A member of a queue.",
    ),
    "Queue": _object(
        {
            "queue": _STRING,
            "pbx": _STRING,
            "members": {"type": "array", "items": {"$ref": "#/components/schemas/QueueMember"}},
            "calls": {**_COUNT, "description": "Callers that wait."},
            "completed": _MAYBE_COUNT,
            "abandoned": _MAYBE_COUNT,
            "holdTime": {**_MAYBE_COUNT, "description": "Seconds, on average."},
            "talkTime": {**_MAYBE_COUNT, "description": "Seconds, on average."},
            "serviceLevel": {**_MAYBE_COUNT, "description": "Seconds."},
            "serviceLevelPerf": {"type": ["number", "null"], "description": "Percent answered within it."},
        },
        "A queue as it is now; `null`: Asterisk did not tell.",
    ),
}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_ANSWERS: dict[Answers, tuple[str, Json, dict[str, object]]] = {
    "done": ("It is done.", _ref("Done"), {"done": _DONE}),
    "done or candidates": (
        "It is done; or several calls fit, and nothing was done.",
        {"oneOf": [_ref("Done"), _ref("Candidates")]},
        {
            "done": {"response": "Success", "message": "Redirect successful"},
            "candidates": {"candidates": [_CANDIDATE, {**_CANDIDATE, "agentChannel": "PJSIP/148-0000001c"}]},
        },
    ),
    "action id": ("The action id.", _ID, {"id": _ID_EXAMPLE}),
    "candidates": ("The calls.", _CANDIDATES, {"one": [_CANDIDATE]}),
    "queues": (
        "The queue; without `queue` all of them.",
        {"oneOf": [_ref("Queue"), {"type": "array", "items": _ref("Queue")}]},
        {"one": _QUEUE, "all": [_QUEUE]},
    ),
}

_ALL = (
    "bad_parameter",
    "bad_json",
    "no_key",
    "origin_refused",
    "role_missing",
    "too_large",
    "internal_error",
)
_OF_PBX = (
    "pbx_forbidden",
    "ambiguous_pbx",
    "too_many_requests",
    "asterisk_refused",
    "not_ready",
    "not_sent",
    "outcome_unknown",
)
_OF_KEY = ("idempotency_key_reused", "bus_unavailable")


def operations() -> Json:
    """Paths of all actions."""
    paths: Json = {form.path: {form.method.lower(): _operation(form)} for form in FORMS}
    paths["/stop"] = {"post": _STOP}
    return paths


def _operation(form: Form) -> Json:
    acts = form.method == "POST"
    description, schema, examples = _ANSWERS[form.answers]
    success: Json = {
        "description": description,
        "content": {
            "application/json": {
                "schema": schema,
                "examples": {name: {"value": value} for name, value in examples.items()},
            }
        },
    }
    if acts:
        success["headers"] = {COMMAND_ID: _ID_HEADER}
    operation: Json = {
        "operationId": form.operation,
        "summary": form.summary,
        "description": _description(form),
        "tags": [form.tag],
        "security": SECURITY,
        "parameters": [*parameters_of(form), *([_KEY_HEADER] if acts else [])],
        "responses": {
            "200": success,
            **responses(*_ALL, *_OF_PBX, *form.problems, *(_OF_KEY if acts else ()), *_of_path(form)),
        },
    }
    if acts:
        operation["requestBody"] = body_of(form)
    return operation


def _of_path(form: Form) -> tuple[str, ...]:
    """A value with a ``/`` in it leads to another path."""
    return ("not_found",) if any(field.in_path for field in form.fields) else ()


def _description(form: Form) -> str:
    parts = [form.description, f"Role: {' or '.join(f'`{role}`' for role in form.roles)}."]
    if form.method == "POST":
        parts.append("Never sent a second time by itself: after a 504 nobody knows whether it was done.")
    if any(TEXT_KINDS[field.kind].named for field in form.fields if field.kind in TEXT_KINDS):
        parts.append("With several PBXs, `pbx` or `@pbx` behind a name says which.")
    return " ".join(parts)


_STOP: Json = {
    "operationId": "stop",
    "summary": "Stop this gateway",
    "description": (
        "Answers, then ends this process cleanly, with exit code 0; under `pbxis up` the whole system. "
        "Role: `admin`, for all PBXs."
    ),
    "tags": ["operations"],
    "security": SECURITY,
    "parameters": [_KEY_HEADER],
    "responses": {
        "200": {
            "description": "It will stop.",
            "content": {"application/json": {"schema": _STRING, "example": ANSWER}},
        },
        **responses(*_ALL),
    },
}

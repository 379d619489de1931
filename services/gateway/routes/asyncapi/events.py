"""The stream of a ticket, the events, the heartbeat and the audit: from ``shared.events.CATALOGUE`` and
``shared.audit``."""

from __future__ import annotations

from typing import Any, get_args

from services.gateway.routes.asyncapi.parts import PBX_PARAMETER, SCHEMAS, schemas_of
from services.gateway.routes.asyncapi.words import title
from shared.audit import AuditRecord
from shared.commands import Result
from shared.events import CATALOGUE, Entry
from shared.subjects import NONE, ROOT

Json = dict[str, Any]

_QUEUE = {"queue": {"description": "The queue's name, written as the PBX's is."}}
_AGENT = {"agent": {"description": "The agent's name, written as the PBX's is."}}
_OPTIONS = {
    "callers": "Only for tickets made with `callers`.",
    "summaryEvents": "Only for tickets made with `summaryEvents`.",
}
CONTROL: dict[str, tuple[str, Json]] = {
    "ready": (
        "The state is complete; what follows happens now.",
        {
            "resumed": {"type": "boolean"},
            "now": {"type": "integer"},
            "id": {"type": "string"},
        },
    ),
    "reset": ("Forget the state: a new one and `ready` follow.", {}),
    "ping": ("Every 15 s: the stream is alive.", {"now": {"type": "integer"}}),
    "closed": ("The ticket is not valid, or no longer.", {}),
    "close": ("No further events will come: do not reconnect.", {}),
}
"""The words of stream control: what each says, and its properties beside `type`."""


REASONS = (
    *("busy", "declined", "no_answer", "unavailable", "failed", "cancelled"),
    *("destination_busy", "destination_declined", "destination_no_answer"),
    *("destination_unavailable", "destination_failed"),
)
"""Why a call that was asked for did not come about. The bridge's core decides it; a test compares the two."""

_ID: Json = {
    "type": "string",
    "description": "Only of a live event in the stream of a ticket: the position behind it.",
}


def stream() -> Json:
    """Channel, operation, messages and schemas of the stream of a ticket."""
    return {
        "channels": {"stream": _stream([*CATALOGUE, *CONTROL])},
        "operations": {"stream": _send("stream", *CATALOGUE, *CONTROL)},
        "messages": {name: _control(name) for name in CONTROL},
        "schemas": {f"{name.capitalize()}Control": _control_schema(name) for name in CONTROL},
    }


def events() -> Json:
    """Those of all events and the heartbeat."""
    return {
        "channels": {
            **{name: _channel(name, entry) for name, entry in CATALOGUE.items()},
            "alive": _simple_channel(f"{ROOT}.alive.{{pbx}}", "alive"),
        },
        "operations": {name: _send(name, name) for name in (*CATALOGUE, "alive")},
        "messages": {**{name: _message(name, entry) for name, entry in CATALOGUE.items()}, "alive": _ALIVE},
        "schemas": _event_schemas(),
    }


def audit() -> Json:
    """Those of the audit."""
    schemas = schemas_of(AuditRecord)
    schemas["AuditRecord"]["properties"]["result"] = {
        "type": "string",
        "enum": list(get_args(Result)),
        "description": "With `ended`.",
    }
    return {
        "channels": {"audit": _simple_channel(f"{ROOT}.audit.{{pbx}}", "audit")},
        "operations": {"audit": _send("audit", "audit")},
        "messages": {"audit": _AUDIT},
        "schemas": schemas,
    }


def _event_schemas() -> Json:
    schemas = schemas_of(*(entry.event for entry in CATALOGUE.values()))
    for entry in CATALOGUE.values():
        schemas[entry.event.__name__]["properties"]["id"] = _ID
    schemas["OriginateFailed"]["properties"]["reason"] = {"type": "string", "enum": list(REASONS)}
    return schemas


def _channel(name: str, entry: Entry) -> Json:
    queue = "{queue}" if entry.by_queue else NONE
    agent = "{agent}" if entry.by_agent else NONE
    kind = "State" if entry.family == "state" else "Moment"
    return {
        "address": f"{ROOT}.{entry.family}.{{pbx}}.{name}.{queue}.{agent}",
        "title": name,
        "description": f"{kind}; in the log.",
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": {
            **PBX_PARAMETER,
            **(_QUEUE if entry.by_queue else {}),
            **(_AGENT if entry.by_agent else {}),
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _simple_channel(address: str, message: str) -> Json:
    return {
        "address": address,
        "title": message,
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": PBX_PARAMETER,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _stream(messages: list[str]) -> Json:
    return {
        "address": "/{ticket}/websocket",
        "title": "The stream of a ticket",
        "description": "One event a message; a live one also has `id`, the position behind it.",
        "servers": [{"$ref": "#/servers/gateway"}],
        "parameters": {"ticket": {"description": "From `POST /ticket`."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _send(channel: str, *messages: str) -> Json:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"} for message in messages],
    }


def _message(name: str, entry: Entry) -> Json:
    message: Json = {
        "name": name,
        "title": title(entry.event.__doc__ or name),
        "contentType": "application/json",
        "payload": {"$ref": f"{SCHEMAS}{entry.event.__name__}"},
    }
    if entry.option is not None:
        message["description"] = _OPTIONS[entry.option]
    return message


def _control(name: str) -> Json:
    return {
        "name": name,
        "title": CONTROL[name][0],
        "contentType": "application/json",
        "payload": {"$ref": f"{SCHEMAS}{name.capitalize()}Control"},
    }


def _control_schema(name: str) -> Json:
    properties: Json = {"type": {"const": name}, **CONTROL[name][1]}
    return {"type": "object", "properties": properties, "required": list(properties)}


_ALIVE: Json = {
    "name": "alive",
    "title": "The bridge of a PBX runs, and what it learns reaches the log",
    "description": "Once a second, without a payload, not in the log.",
    "payload": {"const": ""},
}
_AUDIT: Json = {
    "name": "audit",
    "title": "Who did what",
    "description": f"In a stream of its own. What is about no PBX has `{NONE}` for it.",
    "contentType": "application/json",
    "payload": {"$ref": f"{SCHEMAS}AuditRecord"},
}

"""The events, the heartbeat and the audit, from ``shared.events.CATALOGUE`` and ``shared.audit``."""

from __future__ import annotations

from typing import Any

from services.gateway.routes.asyncapi.parts import PBX_PARAMETER, SCHEMAS, schemas_of
from shared.audit import AuditRecord
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


def parts() -> Json:
    """Channels, operations, messages and schemas of all events, the heartbeat and the audit."""
    names = list(CATALOGUE)
    return {
        "channels": {
            **{name: _channel(name, entry) for name, entry in CATALOGUE.items()},
            "alive": _simple_channel(f"{ROOT}.alive.{{pbx}}", "alive"),
            "audit": _simple_channel(f"{ROOT}.audit.{{pbx}}", "audit"),
            "stream": _stream([*names, *CONTROL]),
        },
        "operations": {
            **{name: _send(name, name) for name in names},
            "alive": _send("alive", "alive"),
            "audit": _send("audit", "audit"),
            "stream": _send("stream", *names, *CONTROL),
        },
        "messages": {
            **{name: _message(name, entry) for name, entry in CATALOGUE.items()},
            **{name: _control(name) for name in CONTROL},
            "alive": _ALIVE,
            "audit": _AUDIT,
        },
        "schemas": {
            **schemas_of(*(entry.event for entry in CATALOGUE.values()), AuditRecord),
            **{f"{name.capitalize()}Control": _control_schema(name) for name in CONTROL},
        },
    }


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
        "title": (entry.event.__doc__ or name).strip().partition("\n")[0],
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

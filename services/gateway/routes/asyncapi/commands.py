"""The commands, from the same declaration by which the bridge takes them.

FastStream renders it: this imports FastStream, which takes a moment, so import it only when it is asked for.
What its generator cannot know is laid over it: the headers, the answer, and that unknown properties are
refused. Its names of messages hold a colon, which AsyncAPI does not allow, so they are made anew.
"""

from __future__ import annotations

from typing import Any

import msgspec
from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI

from services.command_routes import declare
from services.gateway.routes.asyncapi.parts import PBX_PARAMETER, SCHEMAS, schemas_of
from services.gateway.routes.asyncapi.words import title, told
from shared import commands
from shared.commands import ACTIONS, QUERIES, Command, Outcome
from shared.subjects import ROOT

Json = dict[str, Any]

_HEADERS: Json = {
    "type": "object",
    "required": [commands.HEADER_ID, commands.HEADER_DEADLINE, commands.HEADER_CALLER],
    "properties": {
        commands.HEADER_ID: {
            "type": "string",
            "pattern": "^[A-Za-z0-9_-]{1,64}$",
            "description": "Names one attempt to act. A bridge that sees it twice acts once.",
        },
        commands.HEADER_DEADLINE: {
            "type": "string",
            "pattern": "^[0-9]{1,16}$",
            "description": (
                "ms since the epoch on NATS's clock, at most two minutes ahead. After it nothing is sent to "
                "Asterisk any more."
            ),
        },
        commands.HEADER_CALLER: {
            "type": "string",
            "description": "Who asks, for the bridge's log: one line.",
        },
    },
}


def parts() -> Json:
    """Channels, operations, messages and schemas of all commands."""
    found = _rendered()
    channels: Json = {}
    operations: Json = {}
    messages: Json = {}
    schemas = schemas_of(Outcome)
    for action, kind in ACTIONS.items():
        channels[action] = _channel(action, found["channels"][action])
        operations[action] = _operation(action)
        messages[action] = _message(action, kind)
        schemas[kind.__name__] = _schema(found["components"]["schemas"][kind.__name__])
    return {
        "channels": {**channels, "outcome": _OUTCOME_CHANNEL},
        "operations": operations,
        "messages": {**messages, "outcome": _OUTCOME_MESSAGE},
        "schemas": schemas,
    }


def _rendered() -> Json:
    async def take(_: Command, __: str, ___: dict[str, str]) -> Outcome:
        raise NotImplementedError

    broker = NatsBroker()
    declare(broker, lambda action: f"{ROOT}.cmd.{{pbx}}.{action}", take)
    document = AsyncAPI(broker, schema_version="3.0.0").to_specification().to_json()
    return msgspec.json.decode(document)


def _schema(rendered: Json) -> Json:
    """As FastStream renders it, without the titles that it makes of names, and closed."""
    properties = {
        name: {key: value for key, value in schema.items() if key != "title"}
        for name, schema in rendered["properties"].items()
    }
    description = told(rendered["description"]).text
    return {**rendered, "description": description, "properties": properties, "additionalProperties": False}


def _channel(action: str, rendered: Json) -> Json:
    return {
        "address": rendered["address"],
        "title": action,
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": PBX_PARAMETER,
        "messages": {action: {"$ref": f"#/components/messages/{action}"}},
    }


def _operation(action: str) -> Json:
    return {
        "action": "receive",
        "title": action,
        "description": "Changes nothing." if action in QUERIES else "Is carried out once, or not at all.",
        "channel": {"$ref": f"#/channels/{action}"},
        "messages": [{"$ref": f"#/channels/{action}/messages/{action}"}],
        "reply": {
            "channel": {"$ref": "#/channels/outcome"},
            "messages": [{"$ref": "#/channels/outcome/messages/outcome"}],
        },
    }


def _message(action: str, kind: type[Command]) -> Json:
    return {
        "name": action,
        "title": title(kind.__doc__ or action),
        "contentType": "application/json",
        "correlationId": {"location": f"$message.header#/{commands.HEADER_ID}"},
        "headers": _HEADERS,
        "payload": {"$ref": f"{SCHEMAS}{kind.__name__}"},
    }


_OUTCOME_CHANNEL: Json = {
    "address": None,
    "title": "The inbox of whoever asks",
    "servers": [{"$ref": "#/servers/nats"}],
    "messages": {"outcome": {"$ref": "#/components/messages/outcome"}},
}
_OUTCOME_MESSAGE: Json = {
    "name": "outcome",
    "title": "What became of a command",
    "contentType": "application/json",
    "payload": {"$ref": f"{SCHEMAS}Outcome"},
}

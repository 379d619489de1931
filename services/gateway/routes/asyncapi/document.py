"""The AsyncAPI document, whole."""

from __future__ import annotations

from typing import Any

from services.gateway.routes.asyncapi import commands, events

Json = dict[str, Any]

_DESCRIPTION = (
    "What travels over NATS between bridges and gateways, and what the stream of a ticket carries. Commands "
    "are requests and answered with an outcome; events are in the log, which JetStream keeps. How to get a "
    "ticket, and how to act by HTTP, tells the OpenAPI document under `/schema`."
)
_SERVERS: Json = {
    "nats": {
        "host": "{address}",
        "protocol": "nats",
        "description": "`nats.url` of the configuration.",
        "variables": {"address": {"default": "127.0.0.1:4222"}},
    },
    "gateway": {
        "host": "{address}",
        "protocol": "ws",
        "description": "A gateway.",
        "variables": {"address": {"default": "127.0.0.1:58615"}},
    },
}


def document() -> Json:
    """The document; the same for every gateway. What a browser needs comes first."""
    found = [events.stream(), events.events(), commands.parts(), events.audit()]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "pbxis", "version": "1", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": _merged(found, "channels"),
        "operations": _merged(found, "operations"),
        "components": {"messages": _merged(found, "messages"), "schemas": _merged(found, "schemas")},
    }


def _merged(found: list[Json], part: str) -> Json:
    return {name: value for one in found for name, value in one[part].items()}

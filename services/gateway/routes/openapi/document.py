"""The OpenAPI document, whole."""

from __future__ import annotations

from typing import Any

from services.gateway.routes.openapi import actions, others, problems

Json = dict[str, Any]

_DESCRIPTION = """\
What happens in an Asterisk call centre, live, and actions on it. A successful answer is JSON; an error is
`application/problem+json` with a stable `code`. Answers may get further properties: ignore those that you do
not know. Without a key only programs of the gateway's own machine may do anything, and only at a gateway that
is open to them.

Requests are described in one strict form. A gateway also takes:

- a property of a body as a parameter of the query instead, an object as JSON text, a list comma-separated or
  repeated; the same one twice with different values is an error;
- `"true"` and `"false"` for a boolean, a string of digits for an integer;
- `null` and `""` for what is optional, and `""` in a list, as if it were absent;
- in `POST /queue/…` and `GET /queue/status` each parameter that another of them has, and ignores it: one set
  of parameters may be sent to all.

The document is the same everywhere and names no PBX: `hq` stands for one of yours. What follows an `@` is a
PBX only if there is one of that name; else it is part of the name before it.
"""
_TAGS = {
    "queues": "Members of queues, and queues as they are now.",
    "calls": "Calls, made and moved.",
    "tickets": "What a browser needs to receive events.",
    "streams": "The events.",
    "operations": "For whoever runs the gateway.",
}


def document() -> Json:
    """The document; the same for every gateway."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "pbxis", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": {**actions.operations(), **others.operations()},
        "x-websockets": others.WEBSOCKETS,
        "components": {
            "schemas": {"Problem": problems.SCHEMA, **actions.SCHEMAS},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key with the role that the operation names, or `admin`.",
                }
            },
        },
    }

"""The OpenAPI document, whole."""

from __future__ import annotations

from typing import Any

from services.gateway.routes.openapi import actions, others, problems
from services.gateway.settings import Settings

Json = dict[str, Any]

_DESCRIPTION = (
    "What happens in an Asterisk call centre, live, and actions on it. A successful answer is JSON; an error "
    "is `application/problem+json` with a stable `code`. Without a key only programs of the gateway's own "
    "machine may do anything, and only at a gateway that is open to them."
)
_TAGS = {
    "queues": "Members of queues, and queues as they are now.",
    "calls": "Calls, made and moved.",
    "tickets": "What a browser needs to receive events.",
    "streams": "The events.",
    "operations": "For whoever runs the gateway.",
}


def document(settings: Settings) -> Json:
    """The document of one gateway.

    Which PBXs there are it tells only where anybody who can read it may know: where no key is needed.
    """
    pbxs = settings.pbxs if settings.keyless else ()
    return {
        "openapi": "3.1.0",
        "info": {"title": "pbxis", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": {**actions.operations(pbxs), **others.operations(pbxs)},
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

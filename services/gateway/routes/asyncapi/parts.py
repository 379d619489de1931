"""What commands and events share."""

from __future__ import annotations

from typing import Any

import msgspec

from services.gateway.routes.asyncapi.words import told

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"

PBX_PARAMETER: Json = {
    "pbx": {
        "description": (
            "The PBX's name. Here, and wherever a name stands in a subject, letters, digits and `-` stand "
            "for themselves, and every other byte of its UTF-8 form is `=XX`."
        )
    }
}


def schemas_of(*kinds: type) -> Json:
    """Their JSON schemas, with all that they refer to, by name."""
    _, found = msgspec.json.schema_components(kinds, schema_hook=_any, ref_template=f"{SCHEMAS}{{name}}")
    names = {name for schema in found.values() for name in schema.get("properties", ())}
    for schema in found.values():
        text, properties = told(schema.get("description", ""), names)
        schema["description"] = text
        for name, description in properties.items():
            schema["properties"][name]["description"] = description
    return found


def _any(kind: type) -> Json:
    """The schema of ``object``, the one type of ours that msgspec has no words for."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any JSON."}

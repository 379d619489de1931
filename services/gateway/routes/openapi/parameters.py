"""What the OpenAPI document says of the parameters of actions: the strict form of each.

A gateway also takes other ways to write the same, such as `"true"` for `true`. They stand in the document's
text and in no schema: a client made from a union of types is worse than one made from a type, and many
generators leave such an operation out. For the same reason a parameter that may come in the query or in the
body is described where it is best sent: in the body, if there is one.

The document is the same at every gateway. What a PBX may be called it tells, not which ones there are.
"""

from __future__ import annotations

from typing import Any

from services.gateway.core.fields import MAX_VARIABLES, PBX_PATTERN, TEXT_KINDS, Field
from services.gateway.core.form import Form
from shared import patterns

Json = dict[str, Any]

PBX: Json = {"type": "string", "pattern": f"^{PBX_PATTERN}$", "maxLength": TEXT_KINDS["pbx"].limit}


def parameters_of(form: Form) -> list[Json]:
    """Those of the path, and of the query where there is no body."""
    return [_parameter(field) for field in form.fields if field.in_path or form.method == "GET"]


def body_of(form: Form) -> Json:
    """The body of an action."""
    required = [field.name for field in form.own if field.required]
    schema: Json = {
        "type": "object",
        "properties": {field.name: _property(field) for field in form.own},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    few = {field.name: field.example for field in form.own if field.required}
    full = {field.name: field.example for field in form.own if field.name != "pbx"}
    examples = {"few": {"value": few}} if few == full else {"few": {"value": few}, "full": {"value": full}}
    return {
        "required": bool(required),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _parameter(field: Field) -> Json:
    return {
        "name": field.name,
        "in": "path" if field.in_path else "query",
        "required": field.required,
        "description": field.description,
        "schema": _schema(field),
        "example": field.example,
    }


def _property(field: Field) -> Json:
    said: Json = {"description": field.description, "examples": [field.example]}
    return {**_schema(field), **said, **({} if field.default is None else {"default": field.default})}


def _schema(field: Field) -> Json:
    if field.kind == "flag":
        return {"type": "boolean"}
    if field.kind == "number":
        return {"type": "integer", "minimum": field.low, "maximum": field.high}
    if field.kind == "variables":
        value = {"type": "string", "pattern": f"^{patterns.VALUE_PATTERN}$", "maxLength": patterns.MAX_VALUE}
        return {
            "type": "object",
            "maxProperties": MAX_VARIABLES,
            "propertyNames": {"pattern": f"^{patterns.VARIABLE_PATTERN}$"},
            "additionalProperties": value,
        }
    if field.kind == "pbx":
        return PBX
    kind = TEXT_KINDS[field.kind]
    if kind.named and field.kind != "queue":  # what may name a queue may hold an @ anyway
        return {"type": "string", "pattern": f"^(?:{kind.pattern})(?:@{PBX_PATTERN})?$"}
    return {"type": "string", "pattern": f"^(?:{kind.pattern})$", "maxLength": kind.limit}

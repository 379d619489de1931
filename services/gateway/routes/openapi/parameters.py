"""What the OpenAPI document says of the parameters of actions.

A parameter may come in the query or in the body, and OpenAPI cannot say "either": where there is a body, it
is the body that is described, and the text says the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.gateway.core.fields import MAX_VARIABLES, PBX_PATTERN, TEXT_KINDS, Field
from services.gateway.core.form import Form
from shared import patterns

Json = dict[str, Any]


def pbx_pattern(pbxs: Sequence[str]) -> str:
    """What a PBX may be: one of these, or any when they are not to be told."""
    return "|".join(pbxs) or PBX_PATTERN


def parameters_of(form: Form, pbxs: Sequence[str]) -> list[Json]:
    """Those of the path, and of the query where there is no body."""
    chosen = [field for field in form.fields if field.in_path or form.method == "GET"]
    ignored = form.ignored if form.method == "GET" else ()
    return [
        *(_parameter(field, pbxs) for field in chosen),
        *({"name": name, "in": "query", **_IGNORED_TEXT} for name in ignored),
    ]


def body_of(form: Form, pbxs: Sequence[str]) -> Json:
    """The body of an action."""
    required = [field.name for field in form.own if field.required]
    schema: Json = {
        "type": "object",
        "properties": {
            **{field.name: _property(field, pbxs) for field in form.own},
            **dict.fromkeys(form.ignored, _IGNORED),
        },
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    few = {field.name: field.example for field in form.own if field.required}
    full = {field.name: field.example for field in form.own if field.name != "pbx"}
    examples = {"few": {"value": few}} if few == full else {"few": {"value": few}, "full": {"value": full}}
    return {
        "required": bool(required),
        "description": "Each may instead come in the query; both with different values is an error.",
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _parameter(field: Field, pbxs: Sequence[str]) -> Json:
    schema = _schema(field, pbxs)
    return {
        "name": field.name,
        "in": "path" if field.in_path else "query",
        "required": field.required,
        "description": field.description,
        "schema": schema if field.required else _or_empty(schema),
        "example": field.example,
    }


def _property(field: Field, pbxs: Sequence[str]) -> Json:
    ways = [_schema(field, pbxs)]
    if field.kind == "flag":
        ways.append({"enum": ["true", "false"]})
    if field.kind == "number":
        ways.append({"type": "string", "pattern": f"^(?:{field.digits})$"})
    if not field.required:
        ways += [{"type": "null"}, {"const": ""}]
    schema = ways[0] if len(ways) == 1 else {"anyOf": ways}
    said: Json = {"description": field.description, "examples": [field.example]}
    return {**schema, **said, **({} if field.default is None else {"default": field.default})}


def _schema(field: Field, pbxs: Sequence[str]) -> Json:
    """A value as it is meant, without the other ways to write it."""
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
    kind = TEXT_KINDS[field.kind]
    pattern = pbx_pattern(pbxs) if field.kind == "pbx" else kind.pattern
    if kind.named and field.kind != "queue":  # what may name a queue may hold an @ anyway
        pattern = f"(?:{pattern})(?:@(?:{pbx_pattern(pbxs)}))?"
        return {"type": "string", "pattern": f"^{pattern}$"}
    return {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": kind.limit}


def _or_empty(schema: Json) -> Json:
    """The same, or nothing, which is as if it were absent."""
    return {**schema, "pattern": f"^(?:{schema['pattern'][1:-1]})?$"}


_IGNORED_TEXT: Json = {
    "description": "Ignored; another queue action uses it.",
    "schema": {"type": "string", "pattern": f"^{patterns.LINE_PATTERN}$"},
}
_IGNORED: Json = {
    "description": _IGNORED_TEXT["description"],
    "anyOf": [_IGNORED_TEXT["schema"], {"type": ["null", "boolean", "number", "object", "array"]}],
}

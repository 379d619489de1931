"""The OpenAPI document: strict in what it asks, open in what it answers, and true to its own examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from jsonschema import Draft202012Validator

from services.gateway.core.forms import FORMS
from services.gateway.routes.openapi.document import document
from tests.support.lenient_requests import Sent, is_allowed

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOCUMENT = msgspec.json.decode(msgspec.json.encode(document()))
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
UNIONS = {"anyOf", "oneOf", "allOf", "enum", "const"}


class Example(NamedTuple):
    place: str
    schema: Any
    value: Any


def examples(found: Any, place: str = "") -> Iterator[Example]:
    """Every example of the document with the schema that it is an example of."""
    if isinstance(found, list):
        for item in found:  # pyright: ignore[reportUnknownVariableType]
            yield from examples(item, place)
    if not isinstance(found, dict):
        return
    node: dict[str, Any] = found  # pyright: ignore[reportUnknownVariableType]
    if "schema" in node and "example" in node:
        yield Example(place, node["schema"], node["example"])
    if "schema" in node:
        for name, example in node.get("examples", {}).items():
            yield Example(f"{place} {name}", node["schema"], example["value"])
    elif isinstance(node.get("examples"), list):
        for example in node["examples"]:
            yield Example(place, node, example)
    if "type" in node and "default" in node:
        yield Example(f"{place} default", node, node["default"])
    for name, item in node.items():
        if name not in ("example", "examples", "default"):
            yield from examples(item, f"{place}/{name}")


def schemas_of_request(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (parameter["schema"] for parameter in operation.get("parameters", []))
    for content in operation.get("requestBody", {"content": {}})["content"].values():
        yield content["schema"]
        yield from content["schema"]["properties"].values()


def nodes(found: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document, schemas too."""
    if isinstance(found, dict):
        yield found
        found = list(found.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(found, list):
        for item in found:  # pyright: ignore[reportUnknownVariableType]
            yield from nodes(item)


def test_every_example_and_default_is_as_its_own_schema_says() -> None:
    found = list(examples(DOCUMENT))

    assert len(found) > 200
    for place, schema, value in found:
        errors = list(
            Draft202012Validator({**schema, "components": DOCUMENT["components"]}).iter_errors(value)
        )
        assert errors == [], (place, errors)


def test_every_request_and_every_200_with_json_has_an_example() -> None:
    contents: list[dict[str, Any]] = []
    for _, operation in OPERATIONS:
        contents += operation.get("requestBody", {}).get("content", {}).values()
        contents += operation["responses"]["200"]["content"].values()

    assert all("example" in content or "examples" in content for content in contents)


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_a_request_is_described_with_one_plain_type_for_each_value(
    name: str, operation: dict[str, Any]
) -> None:
    for schema in schemas_of_request(operation):
        assert isinstance(schema["type"], str)
        assert UNIONS.isdisjoint(schema)


def test_only_requests_are_closed_to_properties_that_are_not_known_yet() -> None:
    for _, operation in OPERATIONS:
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            assert content["schema"]["additionalProperties"] is False
        assert all("additionalProperties" not in node for node in nodes(operation["responses"]))
    assert all("additionalProperties" not in node for node in nodes(DOCUMENT["components"]))


def test_what_is_taken_and_ignored_is_not_described() -> None:
    for form in FORMS:
        operation = DOCUMENT["paths"][form.path][form.method.lower()]
        described = {one["name"] for one in operation["parameters"] if one["in"] != "header"}
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            described |= content["schema"]["properties"].keys()

        assert described == {field.name for field in form.fields}


@pytest.mark.parametrize("pbx", ["hq", "Branch-2", "7"])
def test_whatever_a_site_calls_its_pbx_may_follow_a_name(pbx: str) -> None:
    sent = Sent(body={"agent": f"148@{pbx}", "paused": True, "pbx": pbx})

    assert is_allowed(DOCUMENT, "POST", "/queue/pause", sent)


def test_titles_are_joined_as_sentences() -> None:
    described = [
        response["description"] for _, operation in OPERATIONS for response in operation["responses"].values()
    ]

    assert "Which PBX is meant? The agent is in this queue already." in described
    assert [text for text in described if re.search(r"[?!.]{2}|[^.?]$", text)] == []


@pytest.mark.parametrize(
    "body",
    [
        {"agent": "148", "paused": "true"},
        {"agent": "148", "paused": False, "queue": None, "reason": ""},
        {"agent": "148", "paused": True, "memberName": 5, "penalty": None},
    ],
)
def test_what_the_text_allows_beyond_the_schemas_is_told_from_what_nothing_allows(
    body: dict[str, Any],
) -> None:
    assert is_allowed(DOCUMENT, "POST", "/queue/pause", Sent(body=body))
    for wrong in ({"paused": 1}, {"agent": None}, {"agent": "148\n"}, {"agents": "148"}, {"reason": 5}):
        assert not is_allowed(DOCUMENT, "POST", "/queue/pause", Sent(body={**body, **wrong}))


@pytest.mark.parametrize(
    ("path", "sent", "allowed"),
    [
        ("/ticket", Sent(), True),
        ("/ticket", Sent(body={"agents": ["", "148"], "callers": "false", "pbx": ""}), True),
        ("/ticket", Sent(body={"agents": "148"}), False),
        ("/ticket", Sent(body={"callers": "yes"}), False),
        ("/queue/penalty", Sent(body={"queue": "q1", "agent": "148", "penalty": "7"}), True),
        ("/queue/penalty", Sent(body={"queue": "q1", "agent": "148", "penalty": "10000"}), False),
        ("/queue/penalty", Sent(body={"queue": "q1", "agent": "148", "penalty": "07"}), False),
        ("/hangup", Sent(body={"agent-or-channel": "148", "reason": "x"}), False),
        ("/redirect-to/{dest}", Sent(path={"dest": "a/b"}, body={"agent-or-channel": "148"}), False),
        ("/redirect-to/{dest}", Sent(path={"dest": "600"}), False),
    ],
)
def test_each_leniency_has_its_limits(path: str, sent: Sent, allowed: bool) -> None:
    assert is_allowed(DOCUMENT, "POST", path, sent) is allowed


def test_the_queue_in_the_documentation_is_as_the_schema_says_with_all_its_properties() -> None:
    text = (DOCS / "actions.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"^```json\n(\{\"queue\".*?)^```", text, re.MULTILINE | re.DOTALL)
    queue = msgspec.json.decode(sample)
    schemas = DOCUMENT["components"]["schemas"]

    Draft202012Validator({**schemas["Queue"], "components": DOCUMENT["components"]}).validate(queue)
    assert queue.keys() == schemas["Queue"]["properties"].keys()
    assert queue["members"][0].keys() == schemas["QueueMember"]["properties"].keys()

"""The AsyncAPI document: complete, sound, and true to what is sent."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from services.ami_bridge.core import asked_calls
from services.ami_bridge.core.asked_calls import AskedCall
from services.ami_bridge.core.originate import FailedLegs
from services.gateway.core import frames
from services.gateway.routes.asyncapi.document import document
from services.gateway.routes.asyncapi.events import CONTROL, REASONS
from shared import audit, commands, subjects
from shared.audit import AuditRecord
from shared.commands import ACTIONS, AddMember, Candidate, Outcome, QueueMember, QueueStatus, Result
from shared.events import CATALOGUE, Call, MemberFigures, WaitingCaller
from shared.subjects import Subject

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOCUMENT = msgspec.json.decode(msgspec.json.encode(document()))
EVENT_SCHEMAS = (
    *(entry.event.__name__ for entry in CATALOGUE.values()),
    *("Call", "WaitingCaller", "MemberFigures", "AuditRecord"),
)
_KEY = re.compile(r"[A-Za-z0-9._-]+")


def check(schema: str, value: object) -> None:
    """Validate a value; unknown schemas raise."""
    reference = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    Draft202012Validator(reference).validate(value)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if name == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from references(item)


def follow(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def samples(file: str, pattern: str) -> list[Any]:
    text = (DOCS / file).read_text(encoding="utf-8")
    blocks = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith(pattern)]
    return [msgspec.json.decode(line) for line in lines]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if name in ("title", "description") and isinstance(item, str):
                yield item
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from texts(item)


def reasons_that_the_bridge_finds() -> set[str]:
    """Whatever Asterisk may tell of a call that was asked for, by us or by others."""
    statuses = ("", "ANSWER", "BUSY", "NOANSWER", "CANCEL", "CHANUNAVAIL", "CONGESTION")
    causes = ("", *(str(cause) for cause in range(128)))
    found: set[str | None] = {asked_calls.never_rang(code) for code in range(9)}
    for code, dialled, destination, cause in itertools.product(range(9), statuses, statuses, causes):
        call = AskedCall()
        call.refused(code)
        call.dial_ended(dialled)
        if destination:
            call.destination_ended("1.2", destination)
        found.add(call.failure(cause))
    for code, ringing, cause in itertools.product(range(9), (None, "1.2"), causes):
        legs = FailedLegs()
        legs.hung_up("148", "1.2", cause, 0)
        found.add(legs.cause("148", code, ringing, 0).word)
    return {reason for reason in found if reason is not None}


def test_every_reference_leads_somewhere_and_every_name_is_one_that_asyncapi_allows() -> None:
    found = list(references(DOCUMENT))

    assert len(found) > 100
    for reference in found:
        follow(reference)
    parts = [DOCUMENT["channels"], DOCUMENT["operations"], *DOCUMENT["components"].values()]
    assert [name for part in parts for name in part if not _KEY.fullmatch(name)] == []


def test_there_is_a_channel_an_operation_and_an_answer_for_every_action_and_no_other() -> None:
    received = {name for name, one in DOCUMENT["operations"].items() if one["action"] == "receive"}

    assert received == set(ACTIONS)
    for action, kind in ACTIONS.items():
        operation = DOCUMENT["operations"][action]
        channel = follow(operation["channel"]["$ref"])
        message = follow(follow(operation["messages"][0]["$ref"])["$ref"])
        answer = follow(follow(operation["reply"]["messages"][0]["$ref"])["$ref"])

        assert channel["address"].format(pbx="hq") == subjects.command("hq", action)
        assert message["payload"]["$ref"].endswith(f"/{kind.__name__}")
        assert answer["payload"]["$ref"].endswith("/Outcome")
        assert set(message["headers"]["properties"]) == {
            commands.HEADER_ID,
            commands.HEADER_DEADLINE,
            commands.HEADER_CALLER,
        }
        assert message["correlationId"]["location"].endswith(commands.HEADER_ID)


def test_there_is_a_channel_for_every_event_and_no_other() -> None:
    sent = {name for name, one in DOCUMENT["operations"].items() if one["action"] == "send"}

    assert sent == {*CATALOGUE, "alive", "audit", "stream"}
    for name, entry in CATALOGUE.items():
        wanted = Subject(
            entry.family, "hq", name, "q1" if entry.by_queue else None, "148" if entry.by_agent else None
        )
        address = DOCUMENT["channels"][name]["address"]
        assert address.format(pbx="hq", queue="q1", agent="148") == subjects.build(wanted)
        assert set(re.findall(r"{(\w+)}", address)) == set(DOCUMENT["channels"][name]["parameters"])
    assert DOCUMENT["channels"]["alive"]["address"].format(pbx="hq") == subjects.alive("hq")
    assert DOCUMENT["channels"]["audit"]["address"].format(pbx="hq") == subjects.audit("hq")


@pytest.mark.parametrize("sample", samples("events.md", '{"type":'), ids=lambda sample: sample["type"])
def test_every_sample_of_an_event_is_as_its_schema_says(sample: dict[str, Any]) -> None:
    message = DOCUMENT["components"]["messages"][sample["type"]]

    check(message["payload"]["$ref"].rpartition("/")[2], sample)


def test_every_event_has_a_sample_that_was_checked() -> None:
    assert {sample["type"] for sample in samples("events.md", '{"type":')} == set(CATALOGUE)


@pytest.mark.parametrize(
    "message",
    [
        frames.ready(resumed=True, now_ms=5, position="g-1"),
        frames.ping(5),
        frames.RESET,
        frames.CLOSED,
        frames.CLOSE,
    ],
    ids=lambda message: message.type,
)
def test_words_of_stream_control_are_as_their_schemas_say(message: frames.Message) -> None:
    check(f"{message.type.capitalize()}Control", msgspec.json.decode(message.json))


def test_the_stream_carries_every_event_and_every_word_of_control() -> None:
    assert set(DOCUMENT["channels"]["stream"]["messages"]) == {*CATALOGUE, *CONTROL}


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_event_of_a_stream_may_have_an_id(name: str) -> None:
    schema = follow(DOCUMENT["components"]["messages"][name]["payload"]["$ref"])

    assert schema["properties"]["id"]["type"] == "string"
    assert "id" not in schema["required"]


def test_the_stream_of_a_browser_comes_first_then_events_commands_and_the_audit() -> None:
    wanted = ["stream", *CATALOGUE, "alive", *ACTIONS, "outcome", "audit"]

    assert list(DOCUMENT["channels"]) == wanted
    assert list(DOCUMENT["operations"]) == [name for name in wanted if name != "outcome"]


def test_reasons_of_failed_calls_are_those_that_the_bridge_finds_and_the_documentation_explains() -> None:
    text = (DOCS / "events.md").read_text(encoding="utf-8").partition("### originateFailed")[2]
    explained = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)[1:]

    assert set(re.findall(r"`(\w+)`", " ".join(explained))) == set(REASONS)
    assert reasons_that_the_bridge_finds() == set(REASONS)


def test_results_in_the_audit_are_those_of_an_outcome() -> None:
    result = DOCUMENT["components"]["schemas"]["AuditRecord"]["properties"]["result"]

    assert set(result["enum"]) == set(get_args(Result))


def test_no_text_speaks_python() -> None:
    found = list(texts(DOCUMENT))
    attributes = {
        field.name
        for kind in (
            AuditRecord,
            Call,
            WaitingCaller,
            MemberFigures,
            *(one.event for one in CATALOGUE.values()),
        )
        for field in msgspec.structs.fields(kind)
        if field.name != field.encode_name
    } - {"caller_id"}  # also a property of a candidate, whose names are those on the wire

    assert len(found) > 100
    assert "hold_time" in attributes
    for text in found:
        assert not re.search(r"``|\bNone\b|\bTrue\b|\bFalse\b|Attributes:|Raises:", text), text
    of_events = [text for name in EVENT_SCHEMAS for text in texts(DOCUMENT["components"]["schemas"][name])]
    assert [text for text in of_events if attributes & set(re.findall(r"\w+", text))] == []


def test_attributes_of_a_docstring_describe_the_properties() -> None:
    properties = DOCUMENT["components"]["schemas"]["AuditRecord"]["properties"]

    assert properties["durationMs"]["description"] == "from begun to ended."
    assert "could be sent" in properties["phase"]["description"]


def test_what_is_sent_as_a_command_an_outcome_or_a_record_is_as_its_schema_says() -> None:
    member = QueueMember(
        agent="148",
        location="PJSIP/148",
        member_name="Viktor",
        status="paused",
        device_status="inuse",
        paused=True,
        paused_reason=None,
        penalty=0,
        calls_taken=3,
        last_call=None,
    )
    outcome = Outcome(
        result="done",
        candidates=(Candidate(agent_channel="PJSIP/148-1"),),
        queues=(QueueStatus(queue="q1", members=(member,), calls=0, service_level_perf=91.7),),
    )
    record = AuditRecord(
        id="pbxis-1",
        at=1,
        phase="ended",
        caller="crm",
        caller_id="k1",
        action="originate",
        parameters={"variables": ["PIN"], "timeout": 30},
        result="done",
    )
    check("Outcome", msgspec.json.decode(commands.encode(outcome)))
    check("AuditRecord", msgspec.json.decode(audit.encode(record)))
    check("AddMember", msgspec.json.decode(commands.encode(AddMember(queue="q1", agent="148"))))


@pytest.mark.parametrize("wrong", [{}, {"queue": "q1"}, {"queue": "q1", "agent": "148", "pause": True}])
def test_what_a_bridge_would_refuse_is_not_as_its_schema_says(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        check("AddMember", wrong)


def test_commands_and_events_have_no_schema_name_in_common() -> None:
    named = [kind.__name__ for kind in ACTIONS.values()]
    named += [entry.event.__name__ for entry in CATALOGUE.values()]

    assert len(named) == len(set(named))
    assert set(named) <= set(DOCUMENT["components"]["schemas"])

"""Commands as FastStream declares them, and what is refused before they are carried out."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import msgspec
import pytest
from fast_depends.msgspec import MsgSpecSerializer
from faststream.message import StreamMessage
from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI

from services.command_routes import AnswerAlways, declare, read_command
from shared.commands import ACTIONS, Command, MalformedCommandError, Originate, Outcome, ResetQueue, encode


async def nothing(command: Command, action: str, headers: dict[str, str]) -> Outcome:
    raise AssertionError("nothing is sent here")


def test_every_action_has_its_subscriber_with_its_own_type() -> None:
    broker = NatsBroker()

    subscribers = declare(broker, lambda action: f"cmd.{action}", nothing)

    assert [one.subject.template for one in subscribers] == [f"cmd.{action}" for action in ACTIONS]
    assert {one.queue for one in subscribers} == {""}


def test_the_asyncapi_document_shows_each_action_with_its_subject_and_its_properties() -> None:
    broker = NatsBroker(serializer=MsgSpecSerializer())
    subscribers = declare(broker, lambda action: "cmd.{pbx}." + action, nothing)

    document = msgspec.json.decode(AsyncAPI(broker).to_specification().to_json())

    assert len(subscribers) == len(ACTIONS)
    shown = {action: channel["address"] for action, channel in document["channels"].items()}
    assert shown == {action: "cmd.{pbx}." + action for action in ACTIONS}
    schemas = document["components"]["schemas"]
    assert set(schemas) >= {kind.__name__ for kind in ACTIONS.values()}
    properties = {action: set(schemas[kind.__name__]["properties"]) for action, kind in ACTIONS.items()}
    assert properties == {action: {each.name for each in fields(kind)} for action, kind in ACTIONS.items()}


def test_a_command_is_read_back() -> None:
    command = Originate(action_id="pbxis-1", agent="148", destination="0991", variables={"a": "b"})

    assert read_command("originate", encode(command)) == command
    assert read_command("queue-reset", b"{}") == ResetQueue()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"agentOrChannel": "148"}', "agent_or_channel"),
        (b'{"agent_or_channel": "148", "chanel": 1}', "unknown field `chanel`"),
        (b'{"agent_or_channel": 148}', r"agent_or_channel"),
        (b'["148"]', "Expected `object`"),
        (b"nonsense", "JSON is malformed"),
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b'{"agent_or_channel": "\xff"}', "utf-8"),
    ],
)
def test_what_is_no_such_command_is_refused_with_the_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(MalformedCommandError, match=reason):
        read_command("hangup", payload)


async def answered(error: Exception) -> Outcome:
    async def failing(message: StreamMessage[Any]) -> Outcome:
        raise error

    message = cast("StreamMessage[Any]", None)
    outcome = await AnswerAlways(None, context=NatsBroker().context).consume_scope(failing, message)
    assert isinstance(outcome, Outcome)
    return outcome


async def test_a_malformed_command_is_answered_with_the_reason() -> None:
    outcome = await answered(MalformedCommandError("hangup", "no `agent`"))

    assert (outcome.result, outcome.code) == ("refused", "invalid")
    assert outcome.message == "not a hangup command: no `agent`"


async def test_a_surprise_is_logged_and_answered_unknown(caplog: pytest.LogCaptureFixture) -> None:
    outcome = await answered(KeyError("bug"))

    assert (outcome.result, outcome.code) == ("unknown", "no_answer")
    assert "KeyError: 'bug'" in caplog.text

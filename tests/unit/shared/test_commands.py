from __future__ import annotations

import pytest

from shared import commands


def test_a_command_is_read_back_as_it_was() -> None:
    command = commands.Originate(action_id="a1", agent="148", destination="0", variables={"A": "b"})

    assert commands.decode("originate", commands.encode(command)) == command


def test_an_outcome_is_read_back_as_it_was() -> None:
    outcome = commands.Outcome(result="refused", message="Permission denied")

    assert commands.decode_outcome(commands.encode(outcome)) == outcome


@pytest.mark.parametrize(
    ("action", "payload", "reason"),
    [
        ("shout", b"{}", "no such action"),
        ("queue-remove", b"{", "truncated"),
        ("queue-remove", b"\xff", "malformed"),
        ("queue-remove", b'{"queue":"q"}', "agent"),
        ("queue-penalty", b'{"queue":"q","agent":"1","penalty":"high"}', "penalty"),
    ],
)
def test_a_command_that_cannot_be_read_says_why(action: str, payload: bytes, reason: str) -> None:
    with pytest.raises(commands.MalformedCommandError, match=reason):
        commands.decode(action, payload)


def test_an_outcome_that_cannot_be_read_says_why() -> None:
    with pytest.raises(commands.MalformedCommandError, match="result"):
        commands.decode_outcome(b'{"result":"perhaps"}')


def test_every_command_knows_its_action() -> None:
    assert commands.action_of(commands.Hangup(agent_or_channel="148")) == "hangup"
    assert commands.action_of(commands.ReadQueues()) == "queue-status"
    assert commands.ACTIONS.keys() > commands.QUERIES

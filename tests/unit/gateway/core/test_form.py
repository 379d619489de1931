from __future__ import annotations

from typing import Any

import pytest

from services.gateway.core.form import Filled, Form, Said, fill
from services.gateway.core.forms import FORMS
from services.gateway.errors import BadParameterError
from shared.commands import ACTIONS, QUERIES, AddMember, Hangup, Originate

PBXS = ("hq", "branch")
OF = {form.action: form for form in FORMS}


def made(action: str, path: dict[str, str] | None = None, **body: Any) -> Filled:
    return fill(OF[action], path or {}, [], {name.replace("_", "-"): body[name] for name in body}, PBXS)


def refused(action: str, path: dict[str, str] | None = None, **body: Any) -> str:
    with pytest.raises(BadParameterError) as caught:
        made(action, path, **body)
    return caught.value.parameter


def test_every_action_has_a_form() -> None:
    assert [form.action for form in FORMS if form.action not in ACTIONS] == []
    assert OF.keys() == ACTIONS.keys()
    assert {form.action for form in FORMS if form.method == "GET"} == QUERIES


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.action)
def test_the_examples_of_a_form_fill_it(form: Form) -> None:
    path = {field.name: str(field.example) for field in form.fields if field.in_path}
    body = {field.name: field.example for field in form.own}

    filled = fill(form, path, [], body, PBXS)

    assert type(filled.command) is ACTIONS[form.action]
    assert Said("pbx", "hq") in filled.said


def test_who_it_is_about_is_told() -> None:
    filled = made("queue-add", queue="q1", agent="148")

    assert filled == Filled(command=AddMember(queue="q1", agent="148"), agent="148", queue="q1")


def test_a_party_with_a_slash_is_no_agent() -> None:
    assert made("hangup", agent_or_channel="148").agent == "148"
    assert made("hangup", agent_or_channel="PJSIP/148-1").agent is None


def test_a_pbx_may_follow_any_name() -> None:
    filled = made("queue-add", queue="q1@hq", agent="148@branch")

    assert filled.command == AddMember(queue="q1", agent="148")
    assert filled.said == (Said("queue", "hq"), Said("agent", "branch"))
    path = {"src": "148@hq", "dest": "600@hq"}
    assert made("originate", path).said == (Said("src", "hq"), Said("dest", "hq"))
    assert made("hangup", agent_or_channel="Local/148@agents-1;2@hq").command == Hangup(
        agent_or_channel="Local/148@agents-1;2"
    )


def test_what_follows_the_at_is_a_pbx_only_if_there_is_one() -> None:
    assert made("queue-reset", queue="desk@4").queue == "desk@4"
    assert refused("queue-add", queue="q1", agent="148@4") == "agent"
    assert refused("queue-reset", queue=" @hq") == "queue"


def test_pbx_must_be_configured() -> None:
    assert made("queue-reset", pbx="branch").said == (Said("pbx", "branch"),)
    assert refused("queue-reset", pbx="nowhere") == "pbx"


def test_queue_actions_take_what_another_uses_and_others_do_not() -> None:
    assert OF["queue-remove"].ignored == ("memberName", "paused", "penalty", "reason")
    assert made("queue-remove", queue="q1", agent="148", memberName=5, paused="maybe").queue == "q1"
    assert refused("queue-remove", queue="q1", agent="148", memberName="a\rb") == "memberName"
    assert refused("hangup", agent_or_channel="148", memberName="x") == "memberName"


def test_path_is_a_line_of_its_kind() -> None:
    assert refused("originate", {"src": "148\r\n", "dest": "600"}) == "src"
    assert refused("originate", {"src": "148", "dest": "6,1"}) == "dest"


def test_defaults() -> None:
    assert made("originate", {"src": "148", "dest": "600"}).command == Originate(
        action_id="", agent="148", destination="600", timeout_s=30
    )

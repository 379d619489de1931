"""What is written down of an action's parameters."""

from __future__ import annotations

import msgspec
import pytest

from services.gateway.core.audit_records import (
    MAX_CHARACTERS,
    MAX_PARAMETERS,
    cleaned,
    parameters_of,
    plain_text,
)
from shared.commands import AddMember, Hangup, Originate


def test_parameters_have_the_names_of_the_http_interface_and_absent_ones_are_left_out() -> None:
    add = AddMember(queue="q1", agent="148", member_name="Viktor")

    assert parameters_of(add) == {
        "queue": "q1",
        "agent": "148",
        "memberName": "Viktor",
        "paused": False,
        "penalty": 0,
    }
    assert parameters_of(Hangup(agent_or_channel="148")) == {"agent-or-channel": "148"}


def test_of_variables_only_the_names_are_kept() -> None:
    command = Originate(
        action_id="pbxis-1", agent="148", destination="149", variables={"PIN": "4711", "X": "secret"}
    )

    assert parameters_of(command) == {
        "src": "148",
        "dest": "149",
        "variables": ["PIN", "X"],
        "timeout": 30,
    }


def test_variables_that_are_none_are_not_kept_at_all() -> None:
    assert cleaned({"variables": "PIN=4711"}) == {"variables": []}
    assert cleaned({"variables": [{"PIN": "4711"}]}) == {"variables": []}


def test_no_request_can_fill_the_audit() -> None:
    huge = {f"{'n' * 500}{number}": ["x" * 500] * 500 for number in range(MAX_PARAMETERS, 0, -1)}
    many = {str(number): number for number in range(1000)}
    variables = {"variables": {"v" * 500 + str(number): "" for number in range(1000)}}

    assert len(msgspec.json.encode(cleaned(huge))) <= MAX_PARAMETERS * (2 * MAX_CHARACTERS + 10)
    assert len(cleaned(many)) == MAX_PARAMETERS
    kept = cleaned(variables)["variables"]
    assert isinstance(kept, list)
    assert len(kept) == MAX_PARAMETERS


HOSTILE = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800, 0xDFFF)]


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_no_control_character_and_no_half_surrogate_is_kept_raw(hostile: str) -> None:
    text = f"a{hostile}b"
    escaped = f"a\\u{ord(hostile):04x}b"

    kept = cleaned({text: text, "list": [text], "variables": {text: text}})

    assert kept[escaped] == escaped
    assert kept["variables"] == [escaped]
    assert hostile not in msgspec.json.encode(kept).decode()


def test_other_texts_are_kept_as_they_are() -> None:
    texts = {"memberName": "Žarko – 日本 \\u001b 🙂", "queue": None, "penalty": 3}

    assert cleaned(texts) == texts


def test_escapes_do_not_lengthen_a_text_beyond_its_limit() -> None:
    assert plain_text("\x1b" * 500) == (r"\u001b" * 34)[:MAX_CHARACTERS]
    assert plain_text("\x1bx", 6) == r"\u001b"

"""The outcome of a command by those of its actions; and what reaches Asterisk of any text."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ami_bridge.adapters.ami_actions import checked_headers
from services.ami_bridge.core.commands import conclude, done
from services.ami_bridge.core.plans import AmiRequest
from shared.commands import (
    ACTIONS,
    AddMember,
    Code,
    Command,
    FindCalls,
    Hangup,
    Originate,
    Outcome,
    ParkAndAnnounce,
    PauseMember,
    ReadQueues,
    Redirect,
    RemoveMember,
    ResetQueue,
    Result,
    SetPenalty,
)
from tests.unit.ami_bridge.core.pbx import AGENT, RULES, TRUNK, pbx, talks

DONE = done({"Response": "Success", "Message": "Park successful\n"})


def _refused(code: Code) -> Outcome:
    return Outcome(result="refused", code=code, message=code)


NOT_A_MEMBER, DENIED = _refused("not_a_member"), _refused("refused")
UNKNOWN = Outcome(result="unknown", code="no_answer", message="link lost")
NOT_SENT = Outcome(result="not_sent", code="late", message="late")


def of(count: int) -> list[AmiRequest]:
    return [AmiRequest("QueueRemove", {"Interface": f"PJSIP/{each + 1}"}) for each in range(count)]


def test_what_is_done_is_told_in_asterisks_words() -> None:
    assert Outcome(result="done", message="Park successful") == DONE


@pytest.mark.parametrize("outcome", [DONE, DENIED, UNKNOWN, NOT_SENT])
def test_one_action_has_its_own_outcome(outcome: Outcome) -> None:
    assert conclude(of(1), [outcome]) == outcome


@pytest.mark.parametrize(
    ("outcomes", "result", "code"),
    [
        ([DONE, DONE], "done", ""),
        ([DONE, NOT_A_MEMBER], "done", ""),
        ([NOT_A_MEMBER, DONE], "done", ""),
        ([NOT_A_MEMBER, NOT_A_MEMBER], "refused", "not_a_member"),
        ([NOT_A_MEMBER, DENIED], "refused", "refused"),
        ([DENIED, NOT_A_MEMBER], "refused", "refused"),
        ([DONE, DENIED], "refused", "partly_done"),
        ([DENIED, DONE], "refused", "partly_done"),
        ([DONE, NOT_A_MEMBER, DENIED], "refused", "partly_done"),
        ([DONE, NOT_SENT], "refused", "partly_done"),
        ([DENIED, NOT_SENT], "not_sent", "late"),
        ([DONE, UNKNOWN], "unknown", "no_answer"),
        ([NOT_A_MEMBER, NOT_SENT], "not_sent", "late"),
        ([NOT_A_MEMBER, UNKNOWN], "unknown", "no_answer"),
    ],
)
def test_several_actions_never_hide_what_happened(
    outcomes: list[Outcome], result: Result, code: Code
) -> None:
    concluded = conclude(of(len(outcomes)), outcomes)

    assert (concluded.result, concluded.code) == (result, code)


def test_a_part_that_was_done_is_said_one_by_one() -> None:
    assert conclude(of(2), [DONE, DENIED]).message == (
        "Only a part was done. PJSIP/1: done (Park successful). PJSIP/2: refused (refused)."
    )
    assert conclude(of(3), [DONE, NOT_SENT]).message == (
        "Only a part was done. PJSIP/1: done (Park successful). PJSIP/2: not sent (late). PJSIP/3: not sent."
    )
    assert conclude(of(2), [DONE, UNKNOWN]).message == (
        "link lost PJSIP/1: done (Park successful). PJSIP/2: unknown (link lost)."
    )


ID = "pbxis-0123456789abcdef0123456789abcdef"
CENTRE = pbx(*talks("b1", TRUNK, AGENT))
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["148", "support", "PJSIP/148-00000001", "148\r\nAction: Logoff", "support\n", "a\0b", "/.*/", ID]
    ),
    st.builds(
        "{}{}{}".format, st.sampled_from(["148", "support"]), st.sampled_from("\r\n\0 :;,/&@|"), st.text()
    ),
)
INTENDED: dict[type[Command], tuple[str, ...]] = {
    AddMember: ("QueueAdd",),
    RemoveMember: ("QueueRemove",),
    PauseMember: ("QueuePause",),
    SetPenalty: ("QueuePenalty",),
    ResetQueue: ("QueueReset",),
    Originate: ("Originate",),
    Redirect: ("BlindTransfer", "Redirect"),
    ParkAndAnnounce: ("Park",),
    Hangup: ("Hangup",),
    FindCalls: (),
    ReadQueues: (),
}


@st.composite
def hostile(draw: st.DrawFn) -> Command:
    """Any command, with any text in every field."""
    command = draw(st.sampled_from(list(ACTIONS.values())))
    fields: dict[str, object] = {}
    for name, kind in get_type_hints(command).items():
        if kind is bool:
            fields[name] = draw(st.booleans())
        elif kind is int:
            fields[name] = draw(st.integers())
        elif kind == dict[str, str]:
            fields[name] = draw(st.dictionaries(st.one_of(HOSTILE, st.just("A")), HOSTILE, max_size=3))
        else:
            fields[name] = draw(HOSTILE)
    return command(**fields)  # pyright: ignore[reportArgumentType] - one of every kind


@given(hostile())
def test_any_text_is_refused_or_reaches_asterisk_as_the_action_that_was_meant(command: Command) -> None:
    plan = CENTRE.plan(command, RULES)
    if isinstance(plan, Outcome):
        assert plan.result == "refused" or not INTENDED[type(command)]
        return
    requests = [*plan.actions, *([plan.check.request] if plan.check else [])]
    assert {request.action for request in plan.actions} <= set(INTENDED[type(command)])
    assert plan.actions
    for request in requests:
        sent_headers = checked_headers(request.action, request.headers)
        assert sent_headers["Action"] == request.action
        for value in request.headers.values():
            for line in [value] if isinstance(value, str) else value:
                assert not set(line) & set("\r\n\0")

"""The outcome of a command by those of its actions."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.commands import conclude, done
from shared.commands import Code, Outcome, Result

DONE = done({"Response": "Success", "Message": "Park successful\n"})


def _refused(code: Code) -> Outcome:
    return Outcome(result="refused", code=code, message=code)


NOT_A_MEMBER, DENIED = _refused("not_a_member"), _refused("refused")
UNKNOWN = Outcome(result="unknown", code="no_answer", message="link lost")
NOT_SENT = Outcome(result="not_sent", code="late", message="late")


def test_what_is_done_is_told_in_asterisks_words() -> None:
    assert Outcome(result="done", message="Park successful") == DONE


@pytest.mark.parametrize("outcome", [DONE, DENIED, UNKNOWN, NOT_SENT])
def test_one_action_has_its_own_outcome(outcome: Outcome) -> None:
    assert conclude([outcome]) == outcome


@pytest.mark.parametrize(
    ("outcomes", "result", "code"),
    [
        ([DONE, DONE], "done", ""),
        ([DONE, NOT_A_MEMBER], "done", ""),
        ([NOT_A_MEMBER, DONE], "done", ""),
        ([NOT_A_MEMBER, DENIED], "refused", "not_a_member"),
        ([DONE, DENIED], "refused", "refused"),
        ([DONE, UNKNOWN], "unknown", "no_answer"),
        ([DONE, NOT_SENT], "unknown", "no_answer"),
        ([NOT_A_MEMBER, NOT_SENT], "not_sent", "late"),
        ([NOT_A_MEMBER, UNKNOWN], "unknown", "no_answer"),
    ],
)
def test_several_actions_never_hide_what_happened(
    outcomes: list[Outcome], result: Result, code: Code
) -> None:
    concluded = conclude(outcomes)

    assert (concluded.result, concluded.code) == (result, code)


def test_a_part_that_was_done_is_said() -> None:
    assert conclude([DONE, DENIED]).message == "only a part was done: refused"

from __future__ import annotations

import pytest

from services.gateway.core import answers
from shared.commands import Candidate, Outcome, QueueMember, QueueStatus

CALL = Candidate(agent_channel="PJSIP/148-1")


def test_a_done_action() -> None:
    outcome = Outcome(result="done", message="Done.")

    assert answers.of_action("done", "pbxis-1", outcome) == {"response": "Success", "message": "Done."}
    assert answers.of_action("action id", "pbxis-1", outcome) == "pbxis-1"


def test_several_calls() -> None:
    outcome = Outcome(result="done", candidates=(CALL,))

    assert answers.of_action("done or candidates", "pbxis-1", outcome) == {
        "candidates": [{"agentChannel": "PJSIP/148-1", "bridgedChannel": None, "callerId": None}]
    }


def test_a_queue() -> None:
    member = QueueMember(
        agent="148",
        location="PJSIP/148",
        member_name="Ana",
        status="inuse",
        device_status="inuse",
        paused=False,
        paused_reason=None,
        penalty=0,
        calls_taken=0,
        last_call=None,
    )
    found = answers.of_queue(
        "hq", QueueStatus(queue="q1", members=(member,), calls=1, service_level_perf=0.5)
    )

    assert (found["queue"], found["pbx"], found["calls"], found["serviceLevelPerf"]) == ("q1", "hq", 1, 0.5)
    assert found["members"][0]["memberName"] == "Ana"
    assert found["completed"] is None


@pytest.mark.parametrize("last_call", [None, 1_790_000_000_000])
def test_the_last_call_of_a_member_is_told_as_in_the_events(last_call: int | None) -> None:
    member = QueueMember(
        agent="148",
        location="PJSIP/148",
        member_name="Ana",
        status="inuse",
        device_status="inuse",
        paused=False,
        paused_reason=None,
        penalty=0,
        calls_taken=0,
        last_call=last_call,
    )

    found = answers.of_queue("hq", QueueStatus(queue="q1", members=(member,), calls=1))

    assert found["members"][0]["lastCall"] == last_call

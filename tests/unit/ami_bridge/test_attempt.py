"""What becomes of a command, whatever Asterisk, the link and the time do."""

from __future__ import annotations

import pytest

from services.ami_bridge.attempt import LEAST_MS, MARGIN_MS, MOST_AHEAD_MS, Attempt
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.plans import AmiRequest, Check, Plan, Steps
from services.ami_bridge.errors import (
    ActionNotSentError,
    ActionOutcomeUnknownError,
    AmiActionRefusedError,
    UnsafeActionError,
)
from shared.commands import Code, Command, Hangup, Outcome, Result
from tests.support.command_fakes import NOW_MS, SUCCESS, FakePbx, FakeSession, FakeTime

COMMAND = Hangup(agent_or_channel="148")
NO_SUCH_CHANNEL = AmiActionRefusedError("Act", {"Response": "Error", "Message": "No such channel"})


def steps(*names: str, check: Check | None = None) -> Steps:
    return Steps(check, tuple(AmiRequest(name, {}) for name in names))


def check(outcome: Outcome | None = None) -> Check:
    def read(answer: AmiMessage) -> Outcome | None:
        assert answer == SUCCESS
        return outcome

    return Check(AmiRequest("Look", {}, acts=False), read)


class Rig:
    def __init__(self, plan: Plan, left_ms: int = 5000) -> None:
        self.session = FakeSession()
        self.pbx = FakePbx(self.session, plan=lambda command: plan)
        self.time = FakeTime()
        self.attempt = Attempt(self.pbx, self.time, NOW_MS + left_ms)

    async def run(self, command: Command = COMMAND) -> Outcome:
        return await self.attempt.run(command)


async def ended(plan: Plan, answer: AmiMessage | Exception, of: str = "Act") -> tuple[Result, Code, str]:
    rig = Rig(plan)
    rig.session.answers[of] = answer
    outcome = await rig.run()
    return outcome.result, outcome.code, outcome.message


async def test_what_asterisk_does_is_done_in_its_words() -> None:
    assert await ended(steps("Act"), {"Response": "Success", "Message": "Hung up\n"}) == (
        "done",
        "",
        "Hung up",
    )


async def test_an_outcome_that_is_known_already_sends_nothing() -> None:
    rig = Rig(Outcome(result="refused", code="no_call", message="no call"))

    assert (await rig.run()).code == "no_call"
    assert rig.pbx.sent == []


async def test_what_asterisk_refuses_is_refused_by_its_meaning() -> None:
    assert await ended(steps("Act"), NO_SUCH_CHANNEL) == ("refused", "no_channel", "No such channel")


async def test_what_cannot_be_sent_safely_is_refused() -> None:
    result, code, message = await ended(steps("Act"), UnsafeActionError("Act", "Channel", "holds a line end"))

    assert (result, code) == ("refused", "invalid")
    assert "'Channel' holds a line end" in message


async def test_without_a_link_it_is_not_sent() -> None:
    result, code, message = await ended(steps("Act"), ActionNotSentError("Act", "the link is down"))

    assert (result, code) == ("not_sent", "offline")
    assert "the link is down" in message


async def test_sent_and_not_answered_is_unknown() -> None:
    result, code, message = await ended(
        steps("Act"), ActionOutcomeUnknownError("Act", "no answer within 5 s")
    )

    assert (result, code) == ("unknown", "no_answer")
    assert "no answer within 5 s" in message


async def test_a_lookup_that_is_not_answered_is_not_sent_and_nothing_is_done() -> None:
    rig = Rig(steps("Act", check=check()))
    rig.session.answers["Look"] = ActionOutcomeUnknownError("Look", "the link was lost")

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("not_sent", "no_answer")
    assert rig.pbx.sent == ["Look"]
    assert not rig.attempt.acted


async def test_a_lookup_that_is_refused_is_refused() -> None:
    plan = steps("Act", check=check())

    assert (await ended(plan, NO_SUCH_CHANNEL, of="Look"))[:2] == ("refused", "no_channel")


async def test_what_a_lookup_finds_may_end_the_command() -> None:
    rig = Rig(steps("Act", check=check(Outcome(result="refused", code="no_extension"))))

    assert (await rig.run()).code == "no_extension"
    assert rig.pbx.sent == ["Look"]


async def test_after_a_good_lookup_it_acts() -> None:
    rig = Rig(steps("Act", check=check()))

    assert (await rig.run()).result == "done"
    assert rig.pbx.sent == ["Look", "Act"]
    assert rig.attempt.acted


async def test_of_several_actions_all_are_sent_in_order() -> None:
    rig = Rig(steps("First", "Second"))

    assert (await rig.run()).result == "done"
    assert rig.pbx.sent == ["First", "Second"]


@pytest.mark.parametrize(
    "error", [ActionOutcomeUnknownError("First", "no answer"), ActionNotSentError("First", "no link")]
)
async def test_after_an_action_without_an_answer_none_is_sent(error: Exception) -> None:
    rig = Rig(steps("First", "Second"))
    rig.session.answers["First"] = error

    assert (await rig.run()).result in ("unknown", "not_sent")
    assert rig.pbx.sent == ["First"]


async def test_a_link_lost_after_the_first_of_several_actions_says_that_a_part_was_done() -> None:
    rig = Rig(steps("First", "Second"))
    rig.session.answers["Second"] = ActionNotSentError("Second", "no link")

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("refused", "partly_done")
    assert "First: done" in outcome.message
    assert "no link" in outcome.message


async def test_without_a_session_nothing_is_sent_and_the_reason_is_told() -> None:
    rig = Rig(steps("Act"))
    rig.pbx.session = None

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("not_sent", "offline")
    assert "offline: connection refused" in outcome.message


async def test_without_the_time_of_nats_nothing_is_sent() -> None:
    rig = Rig(steps("Act"))
    rig.time.ms = None

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("not_sent", "bus_away")
    assert rig.pbx.sent == []


@pytest.mark.parametrize("left_ms", [-1, 0, MARGIN_MS + LEAST_MS - 1])
async def test_a_late_command_is_not_sent(left_ms: int) -> None:
    rig = Rig(steps("Act"), left_ms)

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("not_sent", "late")
    assert rig.pbx.sent == []


async def test_a_command_whose_lookup_took_too_long_is_not_sent() -> None:
    rig = Rig(Steps(None, ()))

    def slow(answer: AmiMessage) -> Outcome | None:
        rig.time.ms = NOW_MS + 4900
        return None

    plan = steps("Act", check=Check(AmiRequest("Look", {}, acts=False), slow))
    rig.pbx.plan = lambda command: plan

    assert (await rig.run()).code == "late"
    assert rig.pbx.sent == ["Look"]


async def test_asterisk_gets_the_time_that_is_left_less_the_way_back() -> None:
    rig = Rig(steps("Act"), left_ms=5000)

    await rig.run()

    assert rig.session.sent[0].timeout_s == (5000 - MARGIN_MS) / 1000


async def test_a_deadline_that_is_too_far_ahead_is_not_sent_and_the_clock_is_blamed() -> None:
    rig = Rig(steps("Act"), left_ms=MOST_AHEAD_MS + 1)

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("not_sent", "clock")
    assert "has the wrong time" in outcome.message
    assert rig.pbx.sent == []


async def test_a_refusal_of_the_second_of_several_actions_says_what_was_done() -> None:
    rig = Rig(steps("First", "Second"))
    rig.session.answers["Second"] = NO_SUCH_CHANNEL

    outcome = await rig.run()

    assert (outcome.result, outcome.code) == ("refused", "partly_done")
    assert "First: done (Done so). Second: refused (No such channel)" in outcome.message


async def test_cut_short_it_is_not_sent_as_long_as_nothing_acted() -> None:
    rig = Rig(steps("Act"))

    assert rig.attempt.cut_short("Stopped").result == "not_sent"
    await rig.run()
    assert rig.attempt.cut_short("Stopped").result == "unknown"

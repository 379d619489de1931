"""Originate against a real Asterisk: calls that come about, and every way in which they do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import pytest

from tests.e2e.acting import CALLER, Desk, channel_of
from tests.support.asterisk_rig import AsteriskRig
from tests.support.sip import Answering, SipCall

Then = Callable[[SipCall], Coroutine[Any, Any, None]]


async def test_the_agents_phone_rings_and_then_the_destination(pbx: AsteriskRig, desk: Desk) -> None:
    phone, outside = await pbx.phone("148"), await pbx.outside()

    answer = await desk.do(f"/originate/148/{CALLER}")

    assert answer.status == 200
    assert re.fullmatch("pbxis-[0-9a-f]{32}", answer.body)
    agent = await phone.incoming()
    assert outside.calls == []
    await desk.call_shows("148", CALLER, "ringing")
    agent.answer()
    (await outside.incoming()).answer()
    await desk.call_shows("148", CALLER, "connected")
    shown = await desk.shows("phoneNumber", agent="148", number=CALLER, direction="outbound")
    assert shown["uniqueId"] == answer.body
    await agent.hangup()
    await desk.shows("phoneNumber", agent="148", number=None)
    assert desk.stream.matching(type="originateFailed") == []


async def test_two_agents_are_connected(pbx: AsteriskRig, desk: Desk) -> None:
    await pbx.phone("148", answering=Answering.ANSWER)
    other = await pbx.phone("149", answering=Answering.ANSWER)

    assert (await desk.do("/originate/148/149")).status == 200

    await desk.call_shows("148", "149", "connected")
    await desk.call_shows("149", "148", "connected")
    assert len(other.calls) == 1


@pytest.mark.parametrize(
    ("caller_id", "shown"), [("555", "555"), ("Ana <555>", "555"), ('"Ana Anić" <+385991>', "+385991")]
)
async def test_the_agents_phone_shows_the_caller_id(
    pbx: AsteriskRig, desk: Desk, caller_id: str, shown: str
) -> None:
    phone = await pbx.phone("148")

    answer = await desk.do("/originate/148/501", callerId=caller_id)

    assert answer.status == 200, answer.text
    assert (await phone.incoming()).number == shown
    await desk.call_shows("148", "501", "ringing")


async def test_variables_reach_both_legs_as_they_were_given(pbx: AsteriskRig, desk: Desk) -> None:
    await pbx.phone("148", answering=Answering.ANSWER)
    await pbx.outside(answering=Answering.ANSWER)

    variables = {"__TICKET": "47 11; a=b|c:d", "PLAIN": "č${EPOCH}"}
    answer = await desk.do(f"/originate/148/{CALLER}", variables=variables)

    assert answer.status == 200, answer.text
    await desk.call_shows("148", CALLER, "connected")
    async with pbx.ami() as ami:
        for endpoint, name, value in (
            ("148", "TICKET", "47 11; a=b|c:d"),
            ("trunk", "TICKET", "47 11; a=b|c:d"),
            ("148", "PLAIN", "č${EPOCH}"),
        ):
            told = await ami.action("Getvar", Channel=await channel_of(pbx, endpoint), Variable=name)
            assert (name, told["Value"]) == (name, value)


# -------------------------------------------------------------------- calls that do not come about


async def nothing(_: SipCall) -> None:
    """The phone rings on."""


async def decline(call: SipCall) -> None:
    call.reject(603)


async def take(call: SipCall) -> None:
    call.answer()


class Failure(NamedTuple):
    """``agent`` and ``other``: what the phones 148 and 149 do; ``None``: not plugged in."""

    reason: str
    agent: Answering | Then | None
    other: Answering | Then | None = None
    destination: str = "149"
    timeout: int = 20


FAILURES: dict[str, Failure] = {
    "the agent is busy": Failure("busy", Answering.BUSY),
    "the agent declines": Failure("declined", decline),
    "the agent does not answer": Failure("no_answer", nothing, timeout=1),
    "the agent has no phone": Failure("unavailable", None),
    "the destination is busy": Failure("destination_busy", take, Answering.BUSY),
    "the destination declines": Failure("destination_declined", take, decline),
    "the destination does not answer": Failure("destination_no_answer", take, nothing, "506"),
    "the destination has no phone": Failure("destination_unavailable", take, None),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_why_a_call_did_not_come_about_is_told(pbx: AsteriskRig, desk: Desk, name: str) -> None:
    failure = FAILURES[name]
    phones = [
        (await pbx.phone(number), does)
        for number, does in (("148", failure.agent), ("149", failure.other))
        if does is not None
    ]
    for phone, does in phones:
        phone.answering = does if isinstance(does, Answering) else Answering.RING
        await desk.shows("extensionStatus", agent=phone.user, status="not_inuse")

    answer = await desk.do(f"/originate/148/{failure.destination}", timeout=failure.timeout)
    for phone, does in phones:
        call = await phone.incoming()
        if not isinstance(does, Answering):
            await does(call)

    failed = await desk.happens("originateFailed", agent="148")
    assert (failed["actionId"], failed["reason"], failed["pbx"]) == (answer.body, failure.reason, "hq")
    await desk.shows("phoneNumber", agent="148", number=None)
    assert [len(phone.calls) for phone, _ in phones] == [1] * len(phones)


async def test_an_agent_who_hangs_up_before_the_destination_answers_cancelled_it(
    pbx: AsteriskRig, desk: Desk
) -> None:
    phone, outside = await pbx.phone("148"), await pbx.outside()

    answer = await desk.do(f"/originate/148/{CALLER}")
    agent = await phone.incoming()
    agent.answer()
    await outside.incoming()
    await agent.hangup()

    failed = await desk.happens("originateFailed", agent="148")
    assert (failed["actionId"], failed["reason"]) == (answer.body, "cancelled")


async def test_a_hangup_while_the_agents_phone_rings_cancels_the_call(pbx: AsteriskRig, desk: Desk) -> None:
    phone = await pbx.phone("148")

    answer = await desk.do("/originate/148/149")
    agent = await phone.incoming()
    await desk.call_shows("148", "149", "ringing")
    ended = await desk.do("/hangup", agent_or_channel="148")

    assert ended.status == 200, ended.text
    await agent.ended()
    failed = await desk.happens("originateFailed", agent="148")
    assert (failed["actionId"], failed["reason"]) == (answer.body, "cancelled")
    await desk.shows("phoneNumber", agent="148", number=None)


async def test_a_call_into_a_queue_is_no_failure(pbx: AsteriskRig, desk: Desk) -> None:
    phone = await pbx.phone("148", answering=Answering.ANSWER)

    await desk.do("/originate/148/600")
    await desk.shows("queueCount", queue="support", count=1)
    await (await phone.incoming()).hangup()
    await desk.shows("queueCount", queue="support", count=0)
    await desk.shows("phoneNumber", agent="148", number=None)

    assert desk.stream.matching(type="originateFailed") == []


# -------------------------------------------------------------------- what is refused

REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "no such extension": ("/originate/148/999", {}, 404, "no_extension"),
    "part of a number": ("/originate/148/60", {}, 404, "no_extension"),
    "no such agent": ("/originate/nobody/149", {}, 404, "no_agent"),
    "an agent that is no number": ("/originate/14,8/149", {}, 400, "bad_parameter"),
    "a destination that is no number": ("/originate/148/149@default", {}, 400, "bad_parameter"),
    "two agents": ("/originate/148&149/600", {}, 400, "bad_parameter"),
    "a line end in the agent": ("/originate/148%0D%0AAsync:%20false/149", {}, 400, "bad_parameter"),
    "a line end in the destination": ("/originate/148/149%0D%0AX:%20y", {}, 400, "bad_parameter"),
    "a comma in the caller ID": ("/originate/148/149", {"callerId": "a, b <1>"}, 400, "bad_parameter"),
    "a line end in the caller ID": (
        "/originate/148/149",
        {"callerId": "1\r\nApplication: System"},
        400,
        "bad_parameter",
    ),
    "a comma in a variable": ("/originate/148/149", {"variables": {"A": "1,B=2"}}, 400, "bad_parameter"),
    "a line end in a variable": (
        "/originate/148/149",
        {"variables": {"A": "1\nApplication: System"}},
        400,
        "bad_parameter",
    ),
    "a function as a variable": (
        "/originate/148/149",
        {"variables": {"SHELL(id)": "1"}},
        400,
        "bad_parameter",
    ),
    "a variable that is no text": ("/originate/148/149", {"variables": {"A": 1}}, 400, "bad_parameter"),
    "no time to ring": ("/originate/148/149", {"timeout": 0}, 400, "bad_parameter"),
    "an unknown parameter": ("/originate/148/149", {"application": "System"}, 400, "bad_parameter"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_rings_nowhere(pbx: AsteriskRig, desk: Desk, name: str) -> None:
    path, asked, status, code = REFUSED[name]
    phones = [await pbx.phone("148"), await pbx.phone("149")]

    answer = await desk.do(path, **asked)

    assert (answer.status, answer.code) == (status, code), answer.text
    assert await pbx.channels() == []
    assert [phone.calls for phone in phones] == [[], []]

"""Redirect, park, hang up and look up calls on a real Asterisk, whatever kind of call it is."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.e2e.acting import (
    CALLER,
    SECOND_CALLER,
    Conversation,
    Desk,
    channel_of,
    channels_of,
    direct_call,
    held_call,
    local_member_call,
    placed_call,
    queue_call,
)
from tests.support.asterisk_rig import AmiClient, AsteriskRig
from tests.support.sip import CallState, SipCall
from tests.support.streams import Event

Kind = Callable[[AsteriskRig, Desk], Coroutine[Any, Any, Conversation]]

KINDS: dict[str, Kind] = {
    "a queue call": queue_call,
    "a queue call to a member behind a Local channel": local_member_call,
    "a call to his own number": direct_call,
    "a call that he placed": placed_call,
    "a call on hold": held_call,
}
OF_A_QUEUE = {"a queue call", "a queue call to a member behind a Local channel", "a call on hold"}
NO_CHANNEL = "PJSIP/148-00000fff"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of call that an agent can be in."""
    name: str = request.param
    return name


async def two_calls(pbx: AsteriskRig, desk: Desk) -> tuple[Conversation, Conversation]:
    """148 holds CALLER, from `support`, and talks to SECOND_CALLER."""
    held = await held_call(pbx, desk)
    return held, await direct_call(pbx, desk, number=SECOND_CALLER, phone=held.phone)


async def ringing(pbx: AsteriskRig, desk: Desk) -> tuple[SipCall, SipCall]:
    """CALLER rings at 148: the agent's end and the caller's."""
    phone = await pbx.phone("148")
    caller = await pbx.caller(CALLER, extension="148")
    agent = await phone.incoming()
    await desk.call_shows("148", CALLER, "ringing")
    return agent, caller


async def candidates_of_two(pbx: AsteriskRig, answer: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The two candidates by caller; each is whole, and the channels are those there are."""
    found = {each["callerId"]: each for each in answer["candidates"]}
    assert set(found) == {CALLER, SECOND_CALLER}
    assert {each["agentChannel"] for each in found.values()} == set(await channels_of(pbx, "148"))
    assert {each["bridgedChannel"] for each in found.values()} == set(await channels_of(pbx, "trunk"))
    return found


# -------------------------------------------------------------------- redirect


async def test_the_remote_party_is_redirected_and_the_agent_is_free(
    pbx: AsteriskRig, desk: Desk, kind: str
) -> None:
    target = await pbx.phone("149")
    call = await KINDS[kind](pbx, desk)

    answer = await desk.do("/redirect-to/149", agent_or_channel=call.phone.user)

    assert answer.status == 200, answer.body
    assert answer.body == {"response": "Success", "message": "Transfer succeeded"}
    await call.agent.ended()
    transferred = await target.incoming()
    assert transferred.number == CALLER
    await desk.call_shows("149", CALLER, "ringing")
    await desk.shows("phoneNumber", agent=call.phone.user, number=None)
    if kind in OF_A_QUEUE:
        await desk.happens("agentComplete", agent=call.phone.user, reason="transfer")
    transferred.answer()
    await desk.call_shows("149", CALLER, "connected")
    assert call.other.state is CallState.UP


async def test_one_channel_is_redirected(pbx: AsteriskRig, desk: Desk) -> None:
    call = await queue_call(pbx, desk)

    answer = await desk.do("/redirect-to/501", agent_or_channel=await channel_of(pbx, "trunk"))

    assert (answer.status, answer.text) == (200, "Redirect successful")
    await call.agent.ended()
    await desk.shows("phoneNumber", agent="148", number=None)
    assert call.other.state is CallState.UP


async def test_a_waiting_caller_is_redirected_out_of_the_queue(pbx: AsteriskRig, desk: Desk) -> None:
    caller = await (await pbx.caller(CALLER)).up()
    await desk.shows("queueCount", queue="support", count=1)

    answer = await desk.do("/redirect-to/501", agent_or_channel=await channel_of(pbx, "trunk"))

    assert answer.status == 200
    await desk.shows("queueCount", queue="support", count=0)
    assert caller.state is CallState.UP


async def test_a_redirect_of_an_agent_with_two_calls_asks_which(pbx: AsteriskRig, desk: Desk) -> None:
    held, talking = await two_calls(pbx, desk)

    answer = await desk.do("/redirect-to/501", agent_or_channel="148")

    found = await candidates_of_two(pbx, answer.body)
    assert (held.agent.state, talking.agent.state) == (CallState.UP, CallState.UP)
    chosen = found[SECOND_CALLER]["bridgedChannel"]
    assert (await desk.do("/redirect-to/501", agent_or_channel=chosen)).status == 200
    await talking.agent.ended()
    assert (held.agent.state, talking.other.state) == (CallState.UP, CallState.UP)


@pytest.mark.parametrize("whom", ["agent", "channel"])
async def test_a_redirect_to_no_extension_is_refused_and_the_call_stays(
    pbx: AsteriskRig, desk: Desk, whom: str
) -> None:
    call = await queue_call(pbx, desk)
    party = "148" if whom == "agent" else await channel_of(pbx, "trunk")

    answer = await desk.do("/redirect-to/999", agent_or_channel=party)

    assert (answer.status, answer.code) == (404, "no_extension")
    await call.agent.hold()  # both ends still are in it
    await desk.call_shows("148", CALLER, "held")
    assert call.other.state is CallState.UP


# -------------------------------------------------------------------- park


async def parked(pbx: AsteriskRig, desk: Desk, call: Conversation) -> Event:
    """The agent's party is parked, with the announcement on the agent's phone; the event of it."""
    user = call.phone.user
    async with pbx.ami() as ami:
        answer = await desk.do("/park-and-announce", agent_or_channel=user)
        assert answer.status == 200, answer.body
        event = await desk.happens("parkedCall", callerId=CALLER, parkedBy=user)
        await ami.until(lambda: _heard(ami, user) == event["parkedExt"], "the space announced to the agent")
    await call.agent.ended()
    await desk.shows("phoneNumber", agent=user, number=None)
    return event


async def test_a_parked_call_is_announced_to_the_agent_and_fetched(
    pbx: AsteriskRig, desk: Desk, kind: str
) -> None:
    fetcher = await pbx.phone("144")
    call = await KINDS[kind](pbx, desk)

    event = await parked(pbx, desk, call)
    await (await fetcher.dial(event["parkedExt"])).up()

    await desk.happens("unParkedCall", parkedExt=event["parkedExt"], callerId=CALLER)
    await desk.call_shows("144", CALLER, "connected")
    assert call.other.state is CallState.UP


async def test_a_parked_call_that_nobody_fetches_comes_back_to_the_agent(
    pbx: AsteriskRig, desk: Desk, kind: str
) -> None:
    call = await KINDS[kind](pbx, desk)

    event = await parked(pbx, desk, call)

    await desk.happens("parkedCallTimeOut", parkedExt=event["parkedExt"], parkedBy=call.phone.user)
    again = await call.phone.incoming(15)
    await desk.call_shows(call.phone.user, CALLER, "ringing")
    again.answer()
    await desk.call_shows(call.phone.user, CALLER, "connected")
    assert call.other.state is CallState.UP


async def test_a_parked_caller_may_give_up(pbx: AsteriskRig, desk: Desk, kind: str) -> None:
    call = await KINDS[kind](pbx, desk)

    event = await parked(pbx, desk, call)
    await call.other.hangup()

    await desk.happens("parkedCallGiveUp", parkedExt=event["parkedExt"], callerId=CALLER)
    assert desk.stream.matching(type="parkedCallTimeOut") == []


async def test_one_channel_is_parked_and_comes_back_to_who_talked_to_it(pbx: AsteriskRig, desk: Desk) -> None:
    call = await queue_call(pbx, desk)
    caller = await channel_of(pbx, "trunk")

    answer = await desk.do("/park-and-announce", agent_or_channel=caller)

    assert answer.status == 200, answer.text
    event = await desk.happens("parkedCall", channel=caller)
    assert event["parkedBy"] == "148"
    await call.agent.ended()


async def test_parking_for_an_agent_with_two_calls_asks_which(pbx: AsteriskRig, desk: Desk) -> None:
    held, talking = await two_calls(pbx, desk)

    answer = await desk.do("/park-and-announce", agent_or_channel="148")

    found = await candidates_of_two(pbx, answer.body)
    assert desk.stream.matching(type="parkedCall") == []
    chosen = found[CALLER]["bridgedChannel"]
    assert (await desk.do("/park-and-announce", agent_or_channel=chosen)).status == 200
    await desk.happens("parkedCall", callerId=CALLER, parkedBy="148")
    await held.agent.ended()
    assert talking.agent.state is CallState.UP


# -------------------------------------------------------------------- hang up


async def test_an_agents_own_leg_is_hung_up(pbx: AsteriskRig, desk: Desk, kind: str) -> None:
    call = await KINDS[kind](pbx, desk)

    answer = await desk.do("/hangup", agent_or_channel=call.phone.user)

    assert (answer.status, answer.text) == (200, "Channel Hungup")
    await call.agent.ended()
    assert call.agent.ended_by == "them"
    await desk.shows("phoneNumber", agent=call.phone.user, number=None)


async def test_a_ringing_phone_is_hung_up(pbx: AsteriskRig, desk: Desk) -> None:
    agent, _ = await ringing(pbx, desk)

    answer = await desk.do("/hangup", agent_or_channel="148")

    assert answer.status == 200, answer.text
    await agent.ended()
    await desk.shows("phoneNumber", agent="148", number=None)


async def test_one_channel_is_hung_up(pbx: AsteriskRig, desk: Desk) -> None:
    call = await queue_call(pbx, desk)

    answer = await desk.do("/hangup", agent_or_channel=await channel_of(pbx, "trunk"))

    assert answer.status == 200, answer.text
    await call.other.ended()
    await desk.happens("agentComplete", agent="148")


async def test_hanging_up_an_agent_with_two_calls_asks_which(pbx: AsteriskRig, desk: Desk) -> None:
    held, talking = await two_calls(pbx, desk)

    answer = await desk.do("/hangup", agent_or_channel="148")

    found = await candidates_of_two(pbx, answer.body)
    chosen = found[CALLER]["agentChannel"]
    assert (await desk.do("/hangup", agent_or_channel=chosen)).status == 200
    await held.agent.ended()
    assert talking.agent.state is CallState.UP


# -------------------------------------------------------------------- look up


async def test_the_calls_of_an_extension_are_those_with_a_remote_party(
    pbx: AsteriskRig, desk: Desk, kind: str
) -> None:
    call = await KINDS[kind](pbx, desk)
    user = call.phone.user

    answer = await desk.look("/bridged-channels", extension=user)

    assert answer.body == [
        {
            "agentChannel": await channel_of(pbx, user),
            "bridgedChannel": await channel_of(pbx, "trunk"),
            "callerId": CALLER,
        }
    ]


async def test_two_calls_of_an_extension(pbx: AsteriskRig, desk: Desk) -> None:
    await two_calls(pbx, desk)

    answer = await desk.look("/bridged-channels", extension="148")

    await candidates_of_two(pbx, {"candidates": answer.body})


async def test_a_phone_that_only_rings_talks_to_nobody(pbx: AsteriskRig, desk: Desk) -> None:
    await ringing(pbx, desk)

    assert (await desk.look("/bridged-channels", extension="148")).body == []
    assert (await desk.look("/bridged-channels", extension="149")).body == []


# -------------------------------------------------------------------- what is refused


PATHS = ("/redirect-to/501", "/park-and-announce", "/hangup")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("party", "status", "code"),
    [
        ("148", 404, "no_call"),
        ("nobody", 404, "no_agent"),
        (NO_CHANNEL, 404, "no_channel"),
        ("/.*/", 400, "bad_parameter"),
        ("148\r\nChannel: PJSIP", 400, "bad_parameter"),
        ("", 400, "bad_parameter"),
    ],
    ids=["no call", "no agent", "no channel", "a pattern", "a line end", "nothing"],
)
async def test_there_is_nothing_to_act_on(
    pbx: AsteriskRig, desk: Desk, path: str, party: str, status: int, code: str
) -> None:
    bystander = await (await pbx.caller(CALLER, extension="501")).up()

    answer = await desk.do(path, agent_or_channel=party)

    assert (answer.status, answer.code) == (status, code), answer.text
    assert [item["Channel"] for item in await pbx.channels()] == [await channel_of(pbx, "trunk")]
    assert bystander.state is CallState.UP


@pytest.mark.parametrize("path", PATHS[:2])
@pytest.mark.parametrize("whom", ["agent", "channel"])
async def test_a_phone_that_only_rings_is_neither_redirected_nor_parked(
    pbx: AsteriskRig, desk: Desk, path: str, whom: str
) -> None:
    agent, caller = await ringing(pbx, desk)
    party = "148" if whom == "agent" else await channel_of(pbx, "148")

    answer = await desk.do(path, agent_or_channel=party)

    assert (answer.status, answer.code) == (404, "no_call"), answer.text
    agent.answer()
    await caller.up()
    await desk.call_shows("148", CALLER, "connected")


def _heard(ami: AmiClient, agent: str) -> str:
    """The digits that were played to an agent; only a build with the test framework, as Debian's, tells."""
    return "".join(
        event["Message"].removeprefix("digits/")
        for event in ami.events
        if event.matches("TestEvent", {"State": "PLAYBACK"})
        and event["Channel"].startswith(f"PJSIP/{agent}-")
    )

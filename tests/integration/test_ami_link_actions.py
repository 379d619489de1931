"""Actions over a link: every one ends as done, refused, not sent or unknown."""

from __future__ import annotations

import asyncio

import pytest

from services.ami_bridge.errors import (
    ActionOutcomeUnknownError,
    AmiActionRefusedError,
    UnsafeActionError,
)
from tests.support.link_user import LinkUser, link_to, running
from tests.support.scripted_ami import (
    Action,
    listing,
    message,
    response,
    scripted_ami,
)
from tests.support.waiting import until


async def test_a_list_comes_in_order_while_events_come_in_between() -> None:
    async with scripted_ami() as ami:

        def answer(action: Action) -> bytes:
            live = message({"Event": "ParkedCall", "ParkingSpace": "703"})
            items = [
                {"Event": "ParkedCall", "ParkingSpace": "701"},
                {"Event": "ParkedCall", "ParkingSpace": "702"},
            ]
            start, separator, rest = listing(action, items, "ParkedCalls").partition(b"\r\n\r\n")
            return start + separator + live + rest

        ami.answers["parkedcalls"] = answer
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            items = await session.request_list("ParkedCalls", ParkingLot="default")
            empty = await session.request_list("QueueRule")
            await until(lambda: user.named("ParkedCall"))

    assert [item["ParkingSpace"] for item in items] == ["701", "702"]
    assert [each["ParkingSpace"] for each in user.named("ParkedCall")] == ["703"]
    assert empty == []


async def test_a_refused_or_cancelled_list_is_an_error() -> None:
    async with scripted_ami() as ami:
        ami.answers["status"] = lambda action: response(action, "Error", Message="No such channel")
        ami.answers["parkedcalls"] = lambda action: (
            response(action, EventList="start")
            + message(
                {"Event": "ParkedCallsComplete", "EventList": "cancelled", "ActionID": action.get("ActionID")}
            )
        )
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            with pytest.raises(AmiActionRefusedError, match="refused Status: No such channel"):
                await session.request_list("Status")
            with pytest.raises(AmiActionRefusedError, match="refused ParkedCalls: no reason given"):
                await session.request_list("ParkedCalls")


async def test_a_refused_action_keeps_its_answer() -> None:
    async with scripted_ami() as ami:
        ami.answers["park"] = lambda action: response(action, "Error", Message="Park action failed\n")
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            with pytest.raises(AmiActionRefusedError) as caught:
                await session.request("Park", {"Channel": "PJSIP/trunk-1"}, 5)

    assert caught.value.reason == "Park action failed"
    assert caught.value.response["Message"] == "Park action failed\n"


async def test_an_action_without_answer_has_an_unknown_end_and_its_late_answer_hurts_nobody() -> None:
    async with scripted_ami() as ami:
        ami.silent_to.add("redirect")
        user = LinkUser()
        link = link_to(ami)
        async with running(link, user):
            session = await user.up()
            with pytest.raises(ActionOutcomeUnknownError, match="no answer within"):
                await session.request("Redirect", {"Channel": "x"}, 0.05)
            (redirect,) = [each for each in ami.actions if each.name == "redirect"]
            ami.say(response(redirect))
            await until(lambda: link.counters.late == 1)
            assert user.downs == []


async def test_headers_reach_asterisk_as_given_and_repeated_ones_in_order() -> None:
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            variables = ("B=2", "A=1: x", "C=Č")
            answer = await session.request("Setvar", {"Variable": variables, "ActionID": "mine", "X": ""}, 5)

    (setvar,) = [each for each in ami.actions if each.name == "setvar"]
    assert setvar.all("Variable") == list(variables)
    assert (setvar.get("ActionID"), answer["ActionID"]) == ("mine", "mine")


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "y" * 1019},
        {"X": "č" * 510},
        {"X": "\ud800"},
        {"Variable": ["A=1"] * 127},
        {"Action": "Command"},
        {"x": "1", "X": "2"},
        {"X: Y": "1"},
        {" X": "1"},
        {"": "1"},
    ],
)
async def test_what_asterisk_would_read_as_something_else_is_not_sent(headers: dict[str, str]) -> None:
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            with pytest.raises(UnsafeActionError, match="Setvar was not sent"):
                await session.request("Setvar", headers, 5)
            await session.request("Setvar", {"X": "y" * 1018, "Variable": ["A=1"] * 125}, 5)

    assert ami.count("setvar") == 1


async def test_an_action_id_that_is_awaited_is_not_used_twice() -> None:
    async with scripted_ami() as ami:
        ami.silent_to.add("originate")
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            first = asyncio.create_task(session.request("Originate", {"ActionID": "1"}, 5))
            await until(lambda: ami.count("originate"))
            with pytest.raises(UnsafeActionError, match="still awaited"):
                await session.request("Originate", {"ActionID": "1"}, 5)
            ami.hang_up()
            await asyncio.wait({first})
            first.exception()

    assert ami.count("originate") == 1

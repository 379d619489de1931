"""What happens on a real Asterisk gives exactly the events of the catalogue, on every transport.

Each scenario waits for one step to show before it takes the next, so no state in between is skipped. Asterisk
does not fix the order between different subjects; the order within one is asserted in full.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import configuration
from tests.support.asterisk_rig import AmiClient, AsteriskRig
from tests.support.sip import Answering, SipCall, SipPhone
from tests.support.site import Site, running_site
from tests.support.streams import Event
from tests.support.watchers import Value, Watchers, watching

CALLER = "0991234567"
OF_A_QUEUE_CALL = {"queueCount", "queueCallers", "queueMemberStatus", "extensionStatus", "phoneNumber"}
OF_AN_ANSWERED_CALL = OF_A_QUEUE_CALL | {"agentName", "agentComplete"}
OF_PARKING = ("pbx", "callerId", "channel", "parkedExt", "parkedBy")


async def agent_takes_call(pbx: AsteriskRig, seen: Watchers) -> tuple[SipPhone, SipCall, SipCall]:
    """148 is in `support`, CALLER comes, 148's phone rings, is answered; the phone and both calls."""
    phone = await pbx.phone("148")
    await seen.until_state("extensionStatus", agent="148", status="not_inuse")
    await pbx.sign_in("148", "support")
    await seen.until_state("queueMemberStatus", agent="148", queue="support", status="not_inuse")
    caller = await pbx.caller(CALLER, "Customer")
    call = await phone.incoming()
    await seen.until_state("queueMemberStatus", agent="148", queue="support", status="ringing")
    await seen.until_state("extensionStatus", agent="148", status="ringing")
    call.answer()
    await seen.until_state("queueCount", queue="support", count=0)
    await seen.until_state("queueMemberStatus", agent="148", queue="support", status="inuse")
    await seen.until_state("extensionStatus", agent="148", status="inuse")
    await seen.first.until(lambda: (CALLER, "connected") in seen.calls("148"), "the call in front")
    return phone, caller, call


async def agent_is_free(seen: Watchers) -> None:
    await seen.until_state("phoneNumber", agent="148", number=None)
    await seen.until_state("extensionStatus", agent="148", status="not_inuse")
    await seen.until_state("queueMemberStatus", agent="148", queue="support", status="not_inuse")


@pytest.mark.parametrize("username", ["bridge", "bridge-filtered", "minimal"])
async def test_an_answered_queue_call(pbx: AsteriskRig, tmp_path: Path, username: str) -> None:
    async with (
        running_site(tmp_path, configuration(pbx, username=username)) as site,
        watching(site.url, ["148"], ["support"]) as seen,
    ):
        _, caller, _ = await agent_takes_call(pbx, seen)
        await caller.hangup()
        await seen.until_event(type="agentComplete")
        await agent_is_free(seen)

        assert seen.timeline("queueCount", "count") == [1, 0]
        assert [len(callers) for callers in seen.timeline("queueCallers", "callers")] == [1, 0]
        (waiting,) = seen.timeline("queueCallers", "callers")[0]
        assert (waiting["number"], waiting["name"], waiting["position"]) == (CALLER, "Customer", 1)
        assert seen.timeline("queueMemberStatus", "status", queue="support") == [
            "not_inuse",
            "ringing",
            "inuse",
            "not_inuse",
        ]
        assert seen.timeline("extensionStatus", "status") == ["not_inuse", "ringing", "inuse", "not_inuse"]
        assert seen.calls("148") == [(CALLER, "ringing"), (CALLER, "connected"), None]
        assert seen.timeline("agentName", "name") == ["Agent 148"]
        (complete,) = seen.first.matching(type="agentComplete")
        assert (complete["agent"], complete["queue"], complete["reason"]) == ("148", "support", "caller")
        assert complete["uniqueId"] == waiting["uniqueId"]
        assert seen.types() == OF_AN_ANSWERED_CALL
        await seen.check()


async def test_an_abandoned_queue_call(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148"], ["support"]) as seen:
        caller = await pbx.caller("anonymous")
        await seen.until_state("queueCount", queue="support", count=1)
        await caller.hangup()
        await seen.until_state("queueCount", queue="support", count=0)
        await seen.until_state("queueCallers", queue="support", callers=[])

        assert seen.timeline("queueCount", "count") == [1, 0]
        assert seen.timeline("queueCallers", "callers")[0][0]["number"] == "anonymous"
        assert seen.types() == {"queueCount", "queueCallers"}
        await seen.check()


async def test_a_call_that_the_agent_does_not_answer_pauses_him_where_the_queue_says_so(
    pbx: AsteriskRig, site: Site
) -> None:
    async with watching(site.url, ["148"], ["autopause"]) as seen:
        phone = await pbx.phone("148")
        await seen.until_state("extensionStatus", agent="148", status="not_inuse")
        await pbx.sign_in("148", "autopause")
        await seen.until_state("queueMemberStatus", agent="148", queue="autopause", status="not_inuse")
        caller = await pbx.caller(CALLER, queue="autopause")
        await phone.incoming()
        await seen.until_state("queueMemberStatus", agent="148", queue="autopause", deviceStatus="ringing")
        await seen.until_event(
            type="queueMemberStatus", status="paused", pausedReason="Auto-Pause", deviceStatus="not_inuse"
        )
        await seen.until_state("phoneNumber", agent="148", number=None)
        await seen.until_state("extensionStatus", agent="148", status="not_inuse")
        await caller.hangup()
        await seen.until_state("queueCount", queue="autopause", count=0)

        assert seen.calls("148") == [(CALLER, "ringing"), None]
        members = seen.timeline("queueMemberStatus", "status", "deviceStatus", queue="autopause")
        # For a millisecond he is paused while his phone still rings: a state in between may be skipped.
        assert [member for member in members if member != ("paused", "ringing")] == [
            ("not_inuse", "not_inuse"),
            ("ringing", "ringing"),
            ("paused", "not_inuse"),
        ]
        assert seen.timeline("extensionStatus", "status") == ["not_inuse", "ringing", "not_inuse"]
        assert seen.timeline("queueCount", "count") == [1, 0]
        assert seen.types() == OF_A_QUEUE_CALL | {"agentName"}
        await seen.check()


async def test_pause_with_a_reason_and_logging_off(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148"], ["support"]) as seen, pbx.ami() as ami:
        await pbx.sign_in("148", "support")
        await seen.until_event(type="queueMemberStatus", status="unavailable", agent="148")
        member = {"Queue": "support", "Interface": "PJSIP/148"}
        await ami.action("QueuePause", Paused="true", Reason='lunch: "a, b" & č', **member)
        await seen.until_state("queueMemberStatus", agent="148", queue="support", status="paused")
        await ami.action("QueuePause", Paused="false", **member)
        await seen.until_state("queueMemberStatus", agent="148", queue="support", status="unavailable")
        await ami.action("QueueRemove", **member)
        await seen.until_state("queueMemberStatus", agent="148", queue="support", status="loggedoff")

        assert seen.timeline("queueMemberStatus", "status", "paused", "pausedReason") == [
            ("unavailable", False, None),
            ("paused", True, 'lunch: "a, b" & č'),
            ("unavailable", False, None),
            ("loggedoff", False, None),
        ]
        assert seen.timeline("agentName", "name") == ["Agent 148"]
        assert seen.types() == {"queueMemberStatus", "agentName"}
        await seen.check()


async def park(pbx: AsteriskRig, ami: AmiClient, seen: Watchers, timeout_s: int) -> Event:
    """148 parks the call he has and is free; the event of it."""
    caller, agent = await channel_of(pbx, "trunk"), await channel_of(pbx, "148")
    await ami.action("Park", Channel=caller, TimeoutChannel=agent, Timeout=str(timeout_s * 1000))
    parked = await seen.until_event(type="parkedCall")
    assert (parked["callerId"], parked["channel"], parked["parkedBy"]) == (CALLER, caller, "148")
    return parked


def ends_of_parking(seen: Watchers) -> list[Value]:
    """The events of parking, in order: type and space of each."""
    return [(event["type"], event["parkedExt"]) for event in seen.first.live if "arked" in event["type"]]


async def test_a_parked_call_that_is_fetched(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148", "144"], ["support"]) as seen, pbx.ami() as ami:
        fetcher = await pbx.phone("144")
        await seen.until_state("extensionStatus", agent="144", status="not_inuse")
        await agent_takes_call(pbx, seen)
        parked = await park(pbx, ami, seen, 30)
        await agent_is_free(seen)
        fetched = await fetcher.dial(parked["parkedExt"])
        await fetched.up()
        await seen.until_event(type="unParkedCall")
        await seen.first.until(lambda: (CALLER, "connected") in seen.calls("144"), "the fetched call")
        await seen.until_state("extensionStatus", agent="144", status="inuse")
        await fetched.hangup()
        await seen.until_event(type="agentComplete")
        await seen.until_state("phoneNumber", agent="144", number=None)
        await seen.until_state("extensionStatus", agent="144", status="not_inuse")

        assert seen.calls("148") == [(CALLER, "ringing"), (CALLER, "connected"), None]
        assert ends_of_parking(seen) == [
            ("parkedCall", parked["parkedExt"]),
            ("unParkedCall", parked["parkedExt"]),
        ]
        assert seen.timeline("queueMemberStatus", "status") == ["not_inuse", "ringing", "inuse", "not_inuse"]
        assert len(seen.first.matching(type="agentComplete")) == 1
        assert seen.types() == OF_AN_ANSWERED_CALL | {"parkedCall", "unParkedCall"}
        await seen.check()


async def test_a_parked_caller_who_gives_up(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148"], ["support"]) as seen, pbx.ami() as ami:
        _, caller, _ = await agent_takes_call(pbx, seen)
        parked = await park(pbx, ami, seen, 30)
        await agent_is_free(seen)
        await caller.hangup()
        given_up = await seen.until_event(type="parkedCallGiveUp")
        await seen.until_event(type="agentComplete", agent="148", reason="caller")

        assert [given_up[name] for name in OF_PARKING] == [parked[name] for name in OF_PARKING]
        assert ends_of_parking(seen) == [
            ("parkedCall", parked["parkedExt"]),
            ("parkedCallGiveUp", parked["parkedExt"]),
        ]
        assert seen.calls("148") == [(CALLER, "ringing"), (CALLER, "connected"), None]
        assert seen.timeline("extensionStatus", "status") == ["not_inuse", "ringing", "inuse", "not_inuse"]
        assert len(seen.first.matching(type="agentComplete")) == 1
        assert seen.types() == OF_AN_ANSWERED_CALL | {"parkedCall", "parkedCallGiveUp"}
        await seen.check()


async def test_a_parked_call_that_nobody_fetches_comes_back_to_the_agent(
    pbx: AsteriskRig, site: Site
) -> None:
    async with watching(site.url, ["148"], ["support"]) as seen, pbx.ami() as ami:
        phone, caller, _ = await agent_takes_call(pbx, seen)
        parked = await park(pbx, ami, seen, 5)
        await agent_is_free(seen)
        timed_out = await seen.until_event(type="parkedCallTimeOut")
        again = await phone.incoming(10)
        await seen.first.until(lambda: seen.calls("148")[-1] == (CALLER, "ringing"), "it comes back")
        await seen.until_state("extensionStatus", agent="148", status="ringing")
        again.answer()
        await seen.first.until(lambda: seen.calls("148")[-1] == (CALLER, "connected"), "148 has it again")
        await seen.until_state("extensionStatus", agent="148", status="inuse")
        await caller.hangup()
        await seen.until_event(type="agentComplete", agent="148", reason="caller")
        await agent_is_free(seen)

        assert [timed_out[name] for name in OF_PARKING] == [parked[name] for name in OF_PARKING]
        assert ends_of_parking(seen) == [
            ("parkedCall", parked["parkedExt"]),
            ("parkedCallTimeOut", parked["parkedExt"]),
        ]
        assert seen.calls("148") == [(CALLER, "ringing"), (CALLER, "connected"), None] * 2
        assert len(seen.first.matching(type="agentComplete")) == 1
        assert seen.types() == OF_AN_ANSWERED_CALL | {"parkedCall", "parkedCallTimeOut"}
        await seen.check()


async def test_a_call_transferred_from_the_phone(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148", "144"], ["support"]) as seen:
        other = await pbx.phone("144")
        _, _, call = await agent_takes_call(pbx, seen)
        await call.transfer("144")
        await seen.until_event(type="agentComplete", reason="transfer", agent="148")
        await agent_is_free(seen)
        transferred = await other.incoming()
        await seen.first.until(lambda: (CALLER, "ringing") in seen.calls("144"), "144 rings")
        transferred.answer()
        await seen.first.until(lambda: (CALLER, "connected") in seen.calls("144"), "the transferred call")
        await transferred.hangup()
        await seen.until_state("phoneNumber", agent="144", number=None)
        await seen.until_state("extensionStatus", agent="144", status="not_inuse")

        assert seen.calls("148") == [(CALLER, "ringing"), (CALLER, "connected"), None]
        assert seen.calls("144") == [(CALLER, "ringing"), (CALLER, "connected"), None]
        assert len(seen.first.matching(type="agentComplete")) == 1
        assert seen.types() == OF_AN_ANSWERED_CALL
        await seen.check()


async def test_an_originated_call(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148", "141"], ["support"]) as seen, pbx.ami() as ami:
        await pbx.phone("148", answering=Answering.ANSWER)
        other = await pbx.phone("141")
        await seen.until_state("extensionStatus", agent="148", status="not_inuse")
        await seen.until_state("extensionStatus", agent="141", status="not_inuse")
        await ami.action(
            "Originate", Channel="PJSIP/148", Context="default", Exten="141", Priority="1", Async="true"
        )
        call = await other.incoming()
        await seen.first.until(lambda: ("148", "ringing") in seen.calls("141"), "141 rings")
        call.answer()
        await seen.first.until(lambda: ("141", "connected") in seen.calls("148"), "148 talks")
        await seen.first.until(lambda: ("148", "connected") in seen.calls("141"), "141 talks")
        await call.hangup()
        for agent in ("148", "141"):
            await seen.until_state("phoneNumber", agent=agent, number=None)
            await seen.until_state("extensionStatus", agent=agent, status="not_inuse")

        assert seen.calls("141") == [("148", "ringing"), ("148", "connected"), None]
        # His phone rings and dials on by itself, so a state in between may be skipped, and the number comes
        # to be known while it rings or while it dials. Neither goes back.
        of_148 = [call for call in seen.calls("148") if call is not None]
        numbers, words = zip(*of_148, strict=True)
        assert list(numbers) == sorted(numbers, key=["anonymous", "141"].index)
        assert list(words) == sorted(words, key=["ringing", "dialing", "connected"].index)
        assert seen.calls("148")[-2:] == [("141", "connected"), None]
        assert seen.timeline("extensionStatus", "status", agent="141") == [
            "not_inuse",
            "ringing",
            "inuse",
            "not_inuse",
        ]
        assert seen.types() == {"extensionStatus", "phoneNumber"}
        await seen.check()


async def test_an_originate_to_a_busy_agent_fails_with_its_reason(pbx: AsteriskRig, site: Site) -> None:
    async with watching(site.url, ["148"], ["support"]) as seen, pbx.ami() as ami:
        await pbx.phone("148", answering=Answering.BUSY)
        await seen.until_state("extensionStatus", agent="148", status="not_inuse")
        await ami.send(
            "Originate", Channel="PJSIP/148", Context="default", Exten="141", Priority="1", Async="true"
        )
        failed = await seen.until_event(type="originateFailed")
        await seen.first.until(lambda: seen.calls("148")[-1:] == [None], "148 is free again")

        assert (failed["agent"], failed["reason"]) == ("148", "busy")
        assert seen.calls("148") == [("anonymous", "ringing"), None]
        assert seen.types() == {"extensionStatus", "phoneNumber", "originateFailed"}
        await seen.check()


async def channel_of(pbx: AsteriskRig, endpoint: str) -> str:
    (channel,) = [
        item["Channel"] for item in await pbx.channels() if item["Channel"].startswith(f"PJSIP/{endpoint}-")
    ]
    return channel

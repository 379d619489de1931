"""The rig itself: that phones, callers and the power switch do to Asterisk what the other tests rely on.

Everything is asserted through AMI, as Asterisk tells it.
"""

import ssl

import pytest

from tests.support.asterisk_rig import AmiClient, AmiClosedError, AmiRefusedError, AsteriskRig
from tests.support.sip import Answering, CallState, SipCall, SipPhone

AWKWARD_NAMES = [
    "front desk",
    "a.b..c.",
    "*",
    ">",
    "night.*.>",
    "\"gold\" & 'silver'",
    "<b>R&D</b>",
    "50% off/now?#",
    "smith, jones",
    "back\\slash",
    "$SYS_{x}~`^|",
    "Žalbe и 客服",
    "semi;colon",
    "seventy-nine-characters-are-the-longest-name-of-a-queue-that-asterisk-can-store",
]


async def talk(pbx: AsteriskRig, phone: SipPhone, number: str = "0917770001") -> tuple[SipCall, SipCall]:
    """The agent, signed in to support, talks to a caller: the agent's call and the caller's."""
    await pbx.sign_in(phone.user, "support")
    caller = await pbx.caller(number, "Ana")
    agent = await phone.incoming()
    agent.answer()
    await caller.up()
    return agent, caller


async def remote_channel(pbx: AsteriskRig, number: str) -> str:
    """The channel of who called from that number."""
    return next(item["Channel"] for item in await pbx.channels() if item["CallerIDNum"] == number)


async def test_caller_joins_a_queue_and_an_agent_answers(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148")

    agent, caller = await talk(pbx, phone)

    joined = await ami.event("QueueCallerJoin", Queue="support", CallerIDNum="0917770001")
    assert (joined["CallerIDName"], joined["Count"]) == ("Ana", "1")
    connected = await ami.event("AgentConnect", Queue="support", MemberName="Agent 148")
    assert connected["Uniqueid"] == joined["Uniqueid"]
    assert agent.number == "0917770001"

    await caller.hangup()

    await agent.ended()
    complete = await ami.event("AgentComplete", Interface="PJSIP/148", Reason="caller")
    assert complete["ChanVariable"].startswith("MIXMONITOR_FILENAME=/")


async def test_agent_holds_and_fetches_the_caller(pbx: AsteriskRig, ami: AmiClient) -> None:
    agent, _ = await talk(pbx, await pbx.phone("148"))

    await agent.hold()
    assert (await ami.event("Hold"))["Channel"].startswith("PJSIP/148-")

    await agent.unhold()
    assert (await ami.event("Unhold"))["Channel"].startswith("PJSIP/148-")


async def test_agent_transfers_blindly(pbx: AsteriskRig, ami: AmiClient) -> None:
    agent, _ = await talk(pbx, await pbx.phone("148"))
    colleague = await pbx.phone("149", answering=Answering.ANSWER)

    await agent.transfer("149")

    assert (await ami.event("BlindTransfer"))["Extension"] == "149"
    assert (await ami.event("AgentComplete"))["Reason"] == "transfer"
    await agent.ended()
    assert (await colleague.incoming()).number == "0917770001"


async def test_agent_transfers_after_asking(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148")
    agent, caller = await talk(pbx, phone)
    await pbx.phone("149", answering=Answering.ANSWER)
    asked = await (await phone.dial("149")).up()

    await agent.transfer_to(asked)

    assert (await ami.event("AttendedTransfer"))["Result"] == "Success"
    await agent.ended()
    await asked.ended()
    assert caller.state is CallState.UP


async def test_parked_caller_comes_back_to_the_agent(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148")
    await talk(pbx, phone)
    agent = next(item["Channel"] for item in await pbx.channels() if "PJSIP/148-" in item["Channel"])
    caller = await remote_channel(pbx, "0917770001")

    await ami.action("Park", Channel=caller, TimeoutChannel=agent, Timeout="1000")

    parked = await ami.event("ParkedCall")
    assert (parked["ParkeeChannel"], parked["ParkerDialString"]) == (caller, "PJSIP/148")
    await ami.event("ParkedCallTimeOut", ParkeeChannel=caller)
    assert (await phone.incoming()).state is CallState.RINGING


async def test_parked_caller_is_fetched(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148")
    await talk(pbx, phone)
    caller = await remote_channel(pbx, "0917770001")

    await ami.action("Park", Channel=caller)
    space = (await ami.event("ParkedCall"))["ParkingSpace"]
    await (await phone.dial(space)).up()

    assert (await ami.event("UnParkedCall"))["RetrieverChannel"].startswith("PJSIP/148-")


async def test_caller_gives_up(pbx: AsteriskRig, ami: AmiClient) -> None:
    caller = await (await pbx.caller("0917770002", queue="sales")).up()
    await ami.event("QueueCallerJoin", Queue="sales")
    assert [entry["CallerIDNum"] for entry in await pbx.waiting("sales")] == ["0917770002"]

    await caller.hangup()

    assert (await ami.event("QueueCallerAbandon", Queue="sales"))["CallerIDNum"] == "0917770002"
    assert (await ami.event("QueueCallerLeave", Queue="sales"))["Count"] == "0"


async def test_agent_who_does_not_answer_is_paused(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148")
    await pbx.sign_in("148", "autopause")
    await pbx.caller("0917770003", queue="autopause")

    missed = await phone.incoming()

    await missed.ended()
    assert missed.ended_by == "them"
    await ami.event("AgentRingNoAnswer", Interface="PJSIP/148")
    assert (await ami.event("QueueMemberPause", Paused="1"))["PausedReason"] == "Auto-Pause"


async def test_busy_agent_is_passed_over(pbx: AsteriskRig, ami: AmiClient) -> None:
    busy = await pbx.phone("148", answering=Answering.BUSY)
    free = await pbx.phone("149")
    await pbx.sign_in("148", "support", Penalty="0")
    await pbx.sign_in("149", "support", Penalty="1")
    await pbx.caller("0917770004")

    await free.incoming()

    await ami.event("AgentCalled", Interface="PJSIP/149")
    assert busy.calls[0].status == 486


async def test_ringall_rings_everybody_and_one_answers(pbx: AsteriskRig, ami: AmiClient) -> None:
    first, second = await pbx.phone("148"), await pbx.phone("149")
    for agent in ("148", "149"):
        await pbx.sign_in(agent, "ringall")
    await pbx.caller("0917770005", queue="ringall")
    lost, won = await first.incoming(), await second.incoming()

    won.answer()

    await lost.ended()
    assert (await ami.event("AgentConnect", Queue="ringall"))["Interface"] == "PJSIP/149"


async def test_member_with_a_state_interface_is_rung_through_the_dialplan(
    pbx: AsteriskRig, ami: AmiClient
) -> None:
    phone = await pbx.phone("147", answering=Answering.ANSWER)
    await ami.event("QueueMemberStatus", Queue="400", StateInterface="hint:147@ext-local", Status="1")

    caller = await pbx.caller("0917770006", queue="400")

    connected = await ami.event("AgentConnect", Queue="400", Interface="Local/147@from-queue/n")
    assert connected["DestChannel"].startswith("Local/147@from-queue-")
    await caller.up()
    assert (await phone.incoming()).state is CallState.UP


async def test_pause_and_its_reason(pbx: AsteriskRig, ami: AmiClient) -> None:
    await pbx.sign_in("148", "support")

    await ami.action("QueuePause", Interface="PJSIP/148", Paused="true", Reason="lunch")

    assert (await ami.event("QueueMemberPause"))["PausedReason"] == "lunch"
    assert [(member["Name"], member["Paused"]) for member in await pbx.members("support")] == [
        ("Agent 148", "1")
    ]


async def test_nobody_signed_in_means_no_place_in_a_strict_queue(pbx: AsteriskRig, ami: AmiClient) -> None:
    refused = await pbx.caller("0917770007", queue="strict")

    await refused.ended()

    assert not [event for event in ami.events if event["Event"] == "QueueCallerJoin"]


async def test_originate_rings_the_agent_and_then_the_outside_line(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148")
    outside = await pbx.outside(answering=Answering.ANSWER)
    target = {"Context": "default", "Exten": "0917770008", "Priority": "1"}

    await ami.action("Originate", Channel="PJSIP/148", Async="true", CallerID="0917770008", **target)
    (await phone.incoming()).answer()

    assert (await ami.event("OriginateResponse"))["Response"] == "Success"
    await ami.event("DialEnd", DialStatus="ANSWER", Exten="0917770008")
    assert (await outside.incoming()).state is CallState.UP


async def test_redirect_takes_the_caller_to_another_agent(pbx: AsteriskRig, ami: AmiClient) -> None:
    agent, _ = await talk(pbx, await pbx.phone("148"))
    colleague = await pbx.phone("149")
    caller = await remote_channel(pbx, "0917770001")

    await ami.action("Redirect", Channel=caller, Context="default", Exten="149", Priority="1")

    await agent.ended()
    assert (await colleague.incoming()).number == "0917770001"


async def test_extension_status_follows_the_phone(pbx: AsteriskRig, ami: AmiClient) -> None:
    phone = await pbx.phone("148", answering=Answering.ANSWER)
    await ami.event("ExtensionStatus", Exten="148", Context="hint", StatusText="Idle")

    caller = await (await pbx.caller("0917770009", extension="148")).up()
    await ami.event("ExtensionStatus", Exten="148", Context="hint", StatusText="InUse")

    await caller.hangup()
    await ami.event("ExtensionStatus", Exten="148", Context="hint", StatusText="Idle")

    await phone.unregister()
    await ami.event("ExtensionStatus", Exten="148", Context="hint", StatusText="Unavailable")


@pytest.mark.parametrize("name", AWKWARD_NAMES)
async def test_a_caller_can_wait_in_a_queue_of_any_name(pbx: AsteriskRig, ami: AmiClient, name: str) -> None:
    await pbx.sign_in("148", name)

    await pbx.caller("0917770010", queue=name)

    joined = await ami.event("QueueCallerJoin", CallerIDNum="0917770010")
    assert joined["Queue"] == name
    assert [member["Queue"] for member in await pbx.members(name)] == [name]


async def test_events_escape_the_name_of_a_caller_and_the_queue_list_does_not(
    pbx: AsteriskRig, ami: AmiClient
) -> None:
    await pbx.caller("0917770010", "Čedo O'Hara?")

    joined = await ami.event("QueueCallerJoin")

    assert joined["CallerIDName"] == "Čedo O\\'Hara\\?"
    assert [entry["CallerIDName"] for entry in await pbx.waiting("support")] == ["Čedo O'Hara?"]


async def test_rights_of_the_users(pbx: AsteriskRig) -> None:
    async with pbx.ami("minimal") as minimal:
        assert await minimal.list("ExtensionStateList")
        with pytest.raises(AmiRefusedError, match="Permission denied"):
            await minimal.action("Filter", Operation="Add", Filter="x")
    async with pbx.ami("noreporting") as noreporting, pbx.ami("agentonly") as agentonly:
        for ami in (noreporting, agentonly):
            await ami.list("QueueStatus")
        with pytest.raises(AmiRefusedError, match="Permission denied"):
            await agentonly.list("ExtensionStateList")
    async with pbx.ami("readonly") as readonly:
        with pytest.raises(AmiRefusedError, match="Permission denied"):
            await readonly.action("QueueAdd", Queue="support", Interface="PJSIP/148")
    with pytest.raises(AmiRefusedError, match="Authentication failed"):
        await AmiClient.connect(pbx.ami_port, "admin", "wrong")


async def test_filtered_user_gets_only_what_the_bridge_uses(pbx: AsteriskRig) -> None:
    async with pbx.ami("bridge-filtered") as filtered, pbx.ami("bridge") as plain:
        caller = await pbx.caller("0917770011")
        for ami in (filtered, plain):
            await ami.event("QueueCallerJoin")
        await caller.hangup()
        for ami in (filtered, plain):
            await ami.event("QueueCallerLeave")
            await ami.event("Hangup")

        assert "Newchannel" in {event["Event"] for event in plain.events}
        assert "Newchannel" not in {event["Event"] for event in filtered.events}


async def test_ami_over_tls_is_trusted_by_its_certificate(pbx: AsteriskRig) -> None:
    context = ssl.create_default_context(cadata=await pbx.ca_pem())

    async with await AmiClient.connect(pbx.ami_tls_port, "bridge", pbx.ami_secret, tls=context) as ami:
        assert ami.banner.startswith("Asterisk Call Manager/")


async def test_killed_asterisk_is_down_and_comes_back_with_its_members(
    pbx: AsteriskRig, ami: AmiClient
) -> None:
    await talk(pbx, await pbx.phone("148"))
    await pbx.saved("PJSIP/148;")
    ami.forget()

    await pbx.kill()

    await ami.gone()
    assert not [event for event in ami.events if event["Event"] == "Hangup"]
    with pytest.raises(ConnectionRefusedError):
        await AmiClient.connect(pbx.ami_port, "admin", pbx.admin_secret)

    await pbx.start()

    assert not await pbx.channels()
    assert [member["Name"] for member in await pbx.members("support")] == ["Agent 148"]


async def test_hung_asterisk_is_silent_and_answers_later(pbx: AsteriskRig, ami: AmiClient) -> None:
    await pbx.stop_signal()

    with pytest.raises(TimeoutError):
        await AmiClient.connect(pbx.ami_port, "admin", pbx.admin_secret, timeout_s=0.3)
    assert not ami.closed

    await pbx.cont()

    assert (await ami.action("Ping"))["Ping"] == "Pong"


async def test_core_restart_says_goodbye(pbx: AsteriskRig, ami: AmiClient) -> None:
    await pbx.restart_now()

    assert (await ami.event("Shutdown"))["Restart"] == "True"
    with pytest.raises(AmiClosedError):
        await ami.action("Ping")
    assert "Asterisk 22" in await pbx.cli("core show version")


async def test_reset_leaves_nothing_of_a_test_behind(pbx: AsteriskRig) -> None:
    await talk(pbx, await pbx.phone("148"))
    await pbx.saved("PJSIP/148;")
    await pbx.kill()

    await pbx.reset()

    assert not await pbx.channels()
    assert not await pbx.members("support")
    assert "148" not in await pbx.cli("pjsip show contacts")


async def test_two_pbxs_run_side_by_side(pbx: AsteriskRig, second_pbx: AsteriskRig) -> None:
    await pbx.phone("148", answering=Answering.ANSWER)
    other = await second_pbx.phone("148", answering=Answering.ANSWER)

    async with second_pbx.ami() as ami:
        await (await second_pbx.caller("0917770012", extension="148")).up()
        assert (await ami.event("DialBegin"))["DestUniqueid"].startswith("branch-")
    assert len(other.calls) == 1
    assert not await pbx.channels()

"""Asterisk dies, hangs and restarts: the screens say so in time, and are right again after."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import groupby

import pytest

from tests.support.asterisk_rig import AsteriskRig
from tests.support.site import Site
from tests.support.streams import StreamClient, make_ticket
from tests.support.waiting import until
from tests.support.watchers import Watchers, until_online, watching

AGENTS = [str(number) for number in range(140, 150)]
QUEUES = ["support", "sales", "ringall", "vip.es-en", "autopause"]
NOTICED_WITHIN_S = 12.0
RIGHT_WITHIN_S = 2.0
HANGS_S = 15.0

# AMI's numbers, as Asterisk's include/asterisk/devicestate.h and pbx.h have them.
DEVICE = {
    "0": "unknown",
    "1": "not_inuse",
    "2": "inuse",
    "3": "busy",
    "4": "unavailable",
    "5": "unavailable",
    "6": "ringing",
    "7": "ringinuse",
    "8": "onhold",
}
EXTENSION = {
    "-1": "unavailable",
    "0": "not_inuse",
    "1": "inuse",
    "2": "busy",
    "4": "unavailable",
    "8": "ringing",
    "9": "ringinuse",
    "16": "onhold",
}


async def lists_of(pbx: AsteriskRig) -> dict[tuple[str, ...], object]:
    """What Asterisk itself says, in the words of the events; what is not there has no key."""
    truth: dict[tuple[str, ...], object] = {}
    waiting: dict[str, list[str]] = {queue: [] for queue in QUEUES}
    calls: dict[str, set[str]] = {agent: set() for agent in AGENTS}
    async with pbx.ami() as ami:
        for item in await ami.list("QueueStatus"):
            if item["Queue"] not in QUEUES:
                continue
            if item["Event"] == "QueueParams":
                truth["queueCount", item["Queue"]] = int(item["Calls"])
            elif item["Event"] == "QueueEntry":
                waiting[item["Queue"]].append(item["Uniqueid"])
            elif item["Event"] == "QueueMember":
                agent = item["Location"].removeprefix("PJSIP/")
                paused = item["Paused"] == "1"
                truth["member", item["Queue"], agent] = "paused" if paused else DEVICE[item["Status"]]
        for item in await ami.list("ExtensionStateList"):
            if item["Context"] == "hint" and item["Exten"] in AGENTS:
                truth["extensionStatus", item["Exten"]] = EXTENSION[item["Status"]]
        for item in await ami.list("CoreShowChannels"):
            agent = item["Channel"].removeprefix("PJSIP/").rpartition("-")[0]
            if agent in calls:
                calls[agent].add(item["Linkedid"])  # of a queue call: the caller's Uniqueid
    truth |= {("queueCallers", queue): ids for queue, ids in waiting.items() if ids}
    return truth | {("calls", agent): ids for agent, ids in calls.items() if ids}


def told_by(client: StreamClient) -> dict[tuple[str, ...], object]:
    """The newest states that a client was told, without those who are logged off, free or not waiting."""
    told: dict[tuple[str, ...], object] = {}
    for event in client.events:
        kind = event["type"]
        if kind == "queueCount":
            told[kind, event["queue"]] = event["count"]
        elif kind == "queueCallers":
            told[kind, event["queue"]] = [caller["uniqueId"] for caller in event["callers"]]
        elif kind == "extensionStatus":
            told[kind, event["agent"]] = event["status"]
        elif kind == "queueMemberStatus":
            told["member", event["queue"], event["agent"]] = event["status"]
        elif kind == "phoneNumber":
            told["calls", event["agent"]] = {call["uniqueId"] for call in event["calls"]}
            assert (event["number"] is None) == (not event["calls"])
    return {key: value for key, value in told.items() if value not in ("loggedoff", [], set())}


async def busy_floor(pbx: AsteriskRig, seen: Watchers) -> None:
    """148 talks to a caller, 147 is paused, 146 is signed in without a phone, a second caller waits."""
    phone = await pbx.phone("148")
    await pbx.phone("147")
    for agent in ("146", "147", "148"):
        await pbx.sign_in(agent, "support")
        await pbx.saved(f"PJSIP/{agent};")
    async with pbx.ami() as ami:
        await ami.action("QueuePause", Queue="support", Interface="PJSIP/147", Paused="true", Reason="lunch")
    await pbx.caller("0991", queue="support")
    (await phone.incoming()).answer()
    await seen.until_state("queueMemberStatus", agent="148", queue="support", status="inuse")
    await seen.until_state("queueCount", queue="support", count=0)
    await pbx.caller("0992", queue="support")
    await seen.until_state("queueCount", queue="support", count=1)
    await seen.until_state("queueMemberStatus", agent="147", queue="support", status="paused")


def pbx_statuses(seen: Watchers) -> list[str]:
    """In order; one that is told again, with a newer reason, counts once."""
    told = [event["status"] for event in seen.first.live if event["type"] == "pbxStatus"]
    return [status for status, _ in groupby(told)]


async def kill(pbx: AsteriskRig) -> None:
    await pbx.kill()


async def hang(pbx: AsteriskRig) -> None:
    await pbx.stop_signal()


async def start(pbx: AsteriskRig) -> None:
    await pbx.start()


async def go_on(pbx: AsteriskRig) -> None:
    await pbx.cont()


async def restart(pbx: AsteriskRig) -> None:
    await pbx.restart_now()


async def nothing(pbx: AsteriskRig) -> None:
    """It comes back by itself."""


@pytest.mark.parametrize(
    ("away", "back"), [(kill, start), (hang, go_on), (restart, nothing)], ids=["killed", "hung", "restarted"]
)
async def test_it_is_said_in_time_and_all_states_are_right_again(
    pbx: AsteriskRig,
    site: Site,
    away: Callable[[AsteriskRig], Awaitable[None]],
    back: Callable[[AsteriskRig], Awaitable[None]],
) -> None:
    async with watching(site.url, AGENTS, QUEUES) as seen:
        await busy_floor(pbx, seen)
        truth = await lists_of(pbx)
        assert {("calls", "148"), ("queueCallers", "support")} <= truth.keys()
        await seen.first.until(lambda: told_by(seen.first) == truth, f"{truth} before")

        await away(pbx)
        since = time.monotonic()
        await seen.until_event(NOTICED_WITHIN_S, type="pbxStatus", status="offline")
        if away is hang:
            await until(lambda: time.monotonic() >= since + HANGS_S, HANGS_S + 1, "the end of the hang")
            assert pbx_statuses(seen) == ["offline"]
        await back(pbx)
        await pbx.booted()
        begun = time.monotonic()

        truth = await lists_of(pbx)
        await seen.first.until(
            lambda: (
                seen.first.state("pbxStatus")["status"] == "online"  # type: ignore[index]
                and told_by(seen.first) == truth
            ),
            f"the state of Asterisk's lists, {truth}",
            begun + RIGHT_WITHIN_S - time.monotonic(),
        )
        assert pbx_statuses(seen) == ["offline", "syncing", "online"]
        await seen.check()


async def test_a_snapshot_has_every_agent_and_queue_also_logged_off_empty_and_unknown(
    pbx: AsteriskRig, site: Site
) -> None:
    agents, queues = [*AGENTS[:9], "999"], ["support", "sales", "no such queue"]
    await pbx.sign_in("148", "support")
    await until_online(site.url)
    for transport in ("long-poll", "sse", "websocket"):
        ticket = await make_ticket(site.url, agents=agents, queues=queues, callers=True)
        async with StreamClient(site.url, ticket, transport) as client:
            snapshot = client.snapshot

        def keys(
            kind: str, *names: str, events: list[dict[str, object]] = snapshot
        ) -> list[tuple[object, ...]]:
            return sorted(tuple(event[name] for name in names) for event in events if event["type"] == kind)  # type: ignore[type-var]

        assert keys("queueCount", "queue") == sorted((queue,) for queue in queues)
        assert keys("queueCallers", "queue") == sorted((queue,) for queue in queues)
        for kind in ("agentName", "extensionStatus", "phoneNumber"):
            assert keys(kind, "agent") == sorted((agent,) for agent in agents)
        assert keys("queueMemberStatus", "queue", "agent") == sorted(
            (queue, agent) for queue in queues for agent in agents
        )
        assert keys("pbxStatus", "pbx", "status") == [("hq", "online")]
        assert not [event for event in snapshot if "id" in event or event.get("gone")]


async def test_awkward_names_of_queues_and_members_work_end_to_end(pbx: AsteriskRig, site: Site) -> None:
    async with pbx.ami() as ami:
        queues = [item["Queue"] for item in await ami.list("QueueStatus") if item["Event"] == "QueueParams"]
    awkward = [queue for queue in queues if not queue.replace("-", "").isalnum() or len(queue) == 79]
    assert len(awkward) >= 12
    assert max(map(len, awkward)) == 79
    name = 'Č. "O\'Hara" *.> 客服 ' + "x" * 50
    caller_name = "O'Hara? & Söhne *.> 客服"
    async with watching(site.url, ["148"], awkward) as seen:
        for queue in awkward:
            await pbx.sign_in("148", queue, MemberName=name)
            caller = await pbx.caller("0991", caller_name, queue=queue)
            await seen.until_state("queueMemberStatus", agent="148", queue=queue, status="unavailable")
            await seen.until_state("queueCount", queue=queue, count=1)
            told = partial(seen.timeline, "queueCallers", "callers", queue=queue)
            await seen.first.until(lambda told=told: bool(told() and told()[-1]), "who waits")
            (waiting,) = told()[-1]
            assert waiting["name"] == caller_name
            await caller.hangup()
            await seen.until_state("queueCount", queue=queue, count=0)
            assert seen.timeline("queueCount", "count", queue=queue) == [1, 0]
        assert seen.timeline("agentName", "name") == [name]
        await seen.check()

"""Two PBXs whose agents and queues share names, behind two gateways: kept apart, and seen in one ticket.

hq      queues support, sales      agents 148, 149
branch  queues support, repairs    agents 148, 150
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.chaos.browser import Browser
from tests.support.chaos.crowd import ticket_of
from tests.support.chaos.log_copy import copy_log
from tests.support.chaos.oracle import Listed, check_story, newest_for
from tests.support.chaos.transports import TRANSPORTS
from tests.support.floor_processes import Floor, FloorPbx, running_floor
from tests.support.nats import admin
from tests.support.scripted_ami import ScriptedAmi, scripted_ami
from tests.support.scripted_pbx import play
from tests.support.waiting import until

QUEUES = {"hq": ("support", "sales"), "branch": ("support", "repairs")}
AGENTS = {"hq": ("148", "149"), "branch": ("148", "150")}
SAID = 40
_AWAY_S = 60.0

Seen = set[tuple[str, str]]
"""PBX, and agent or queue."""


@dataclass
class Place:
    """Two scripted PBXs with a bridge each, and two gateways."""

    amis: Mapping[str, ScriptedAmi]
    floor: Floor

    def count(self, pbx: str, queue: str, number: int) -> None:
        """So many wait in a queue."""
        self.amis[pbx].event(
            "QueueCallerJoin",
            Queue=queue,
            Position="1",
            Count=str(number),
            Uniqueid=f"1796000000.{number}",
            CallerIDNum="0991",
            CallerIDName="",
        )

    def complete(self, pbx: str, queue: str, agent: str, number: int) -> None:
        """A conversation ended; ``number`` tells it from others."""
        self.amis[pbx].event(
            "AgentComplete",
            Queue=queue,
            Interface=f"PJSIP/{agent}",
            Uniqueid=f"1795000000.{number}",
            HoldTime=str(number),
            TalkTime="60",
            Reason="caller",
        )

    def ring(self, pbx: str, agent: str, status: str) -> None:
        """An agent's phone is in another state; 0 is free, 8 rings."""
        self.amis[pbx].event(
            "ExtensionStatus",
            Exten=agent,
            Context="hint",
            Hint=f"PJSIP/{agent}",
            Status=status,
            StatusText="",
        )

    def browser(self, ticket: str, transport: str, gateway: int = 0) -> Browser:
        """A client of one gateway."""
        url = self.floor.gateways[gateway].url
        return Browser(lambda: [url], ticket, [transport], chance=random.Random(gateway), patience_s=_AWAY_S)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    async with AsyncExitStack() as stack:
        amis = {name: await stack.enter_async_context(scripted_ami()) for name in QUEUES}
        for name, ami in amis.items():
            members = {queue: AGENTS[name] for queue in QUEUES[name]}
            play(ami, queues=QUEUES[name], agents=AGENTS[name], members=members)
        pbxs = [FloorPbx(ami.port, "scripted", name) for name, ami in amis.items()]
        floor = await stack.enter_async_context(running_floor(tmp_path, pbxs))
        await floor.until_acting()
        place = Place(amis, floor)
        await until_known(place)
        yield place


async def until_known(place: Place) -> None:
    """Wait until both gateways have the states of both PBXs."""
    everything = {(pbx, name) for pbx in QUEUES for name in (*QUEUES[pbx], *AGENTS[pbx])}
    ticket = await ticket_of(place.floor.gateways[0].url, Listed(("*",), ("*",)))
    for gateway in range(2):
        async with place.browser(ticket, "websocket", gateway) as client:
            await until(lambda client=client: seen(client, "") == everything, what="both PBXs")


def seen(client: Browser, kind: str) -> Seen:
    """The agents and queues that it shows, of one type of state or of all."""
    return {
        (event["pbx"], event[name])
        for event in client.story.screen.states.values()
        for name in ("agent", "queue")
        if event["type"].startswith(kind) and event.get(name) is not None
    }


def on(pbx: str, *names: str) -> Seen:
    """These names on this PBX."""
    return {(pbx, name) for name in names}


def on_both(*names: str) -> Seen:
    """These names on each PBX."""
    return {(pbx, name) for pbx in QUEUES for name in names}


ALL_AGENTS = {(pbx, agent) for pbx, agents in AGENTS.items() for agent in agents}
ALL_QUEUES = {(pbx, queue) for pbx, queues in QUEUES.items() for queue in queues}
OF_BRANCH = on("branch", *AGENTS["branch"]), on("branch", *QUEUES["branch"])

TICKETS: list[tuple[str, Listed, Seen, Seen]] = [
    ("a name on both", Listed(("148",), ("support",)), on_both("148"), on_both("support")),
    (
        "a name with its PBX",
        Listed(("148@hq",), ("support@branch",)),
        on("hq", "148"),
        on("branch", "support"),
    ),
    ("a name of one PBX", Listed(("149",), ("repairs",)), on("hq", "149"), on("branch", "repairs")),
    ("a name that nobody knows", Listed(("999",), ()), on_both("999"), set()),
    ("what follows @ is no PBX", Listed(("148@nowhere",), ()), on_both("148@nowhere"), set()),
    ("all", Listed(("*",), ("*",), callers=True), ALL_AGENTS, ALL_QUEUES),
    ("all of one PBX", Listed(("*@branch",), ("*@branch",)), *OF_BRANCH),
    ("all, of a chosen PBX", Listed(("*",), ("*",), pbxs=("branch",)), *OF_BRANCH),
    ("everything at once", Listed(("148", "148@hq", "*"), ("support@hq", "*")), ALL_AGENTS, ALL_QUEUES),
    (
        "both by name",
        Listed(("148@hq", "148@hq", "148@branch"), ("sales",)),
        on_both("148"),
        on("hq", "sales"),
    ),
]


async def test_a_ticket_shows_the_names_of_its_pbxs_and_no_others(place: Place) -> None:
    for index, (case, listed, agents, queues) in enumerate(TICKETS):
        made_at, read_at = index % 2, (index + 1) % 2
        ticket = await ticket_of(place.floor.gateways[made_at].url, listed)
        for transport in TRANSPORTS:
            async with place.browser(ticket, transport, read_at) as client:
                await until(lambda client=client: client.story.position is not None, what=case)
            told = (case, transport, seen(client, "extensionStatus"), seen(client, "queueCount"))
            assert told == (case, transport, agents, queues)


async def test_what_happens_on_one_pbx_is_told_of_that_one(place: Place) -> None:
    listed = Listed(("148",), ("support",))
    ticket = await ticket_of(place.floor.gateways[0].url, listed)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(place.browser(ticket, transport, gateway))
            for gateway, transport in enumerate(["websocket", "sse"])
        ]
        for client in clients:
            await until(lambda client=client: client.story.position is not None)
        place.count("branch", "support", 3)
        place.ring("hq", "148", "8")
        place.complete("branch", "support", "148", 7)

        wanted = [("branch", "agentComplete"), ("branch", "queueCount"), ("hq", "extensionStatus")]
        for client in clients:

            def told(client: Browser = client) -> list[tuple[str, str]]:
                return sorted((event["pbx"], event["type"]) for event in client.story.chapters[0].live)

            await until(lambda told=told: told() == wanted, what=f"{wanted}")
            states = client.story.screen.states
            figures = [states["queueCount", pbx, "support"]["count"] for pbx in ("hq", "branch")]
            phones = [states["extensionStatus", pbx, "148"]["status"] for pbx in ("hq", "branch")]
            assert (figures, phones) == ([0, 3], ["ringing", "not_inuse"])


async def test_every_ticket_gets_of_both_logs_what_it_lists_once_and_in_order(place: Place) -> None:
    async with AsyncExitStack() as stack:
        members: list[tuple[Browser, Listed]] = []
        for index, (_, listed, _, _) in enumerate(TICKETS):
            ticket = await ticket_of(place.floor.gateways[index % 2].url, listed)
            transport = list(TRANSPORTS)[index % 3]
            client = place.browser(ticket, transport, (index + 1) % 2)
            members.append((await stack.enter_async_context(client), listed))
        for client, _ in members:
            await until(lambda client=client: client.story.position is not None)
        for number in range(1, SAID + 1):
            for pbx in QUEUES:
                say_something(place, pbx, number)
        log = await copy_log(lambda: admin(place.floor.nats))
        while len(log.moments("agentComplete")) < 2 * SAID:
            log = await copy_log(lambda: admin(place.floor.nats))
        for client, listed in members:
            newest = newest_for(listed, log)
            await until(lambda client=client, newest=newest: client.sequence >= newest)
            check_story(client.story, listed, log)


def say_something(place: Place, pbx: str, number: int) -> None:
    """A count, a phone and the end of a conversation."""
    queues, agents = QUEUES[pbx], AGENTS[pbx]
    place.count(pbx, _turn(queues, number), number)
    place.ring(pbx, _turn(agents, number), "8" if number % 4 < 2 else "0")
    place.complete(pbx, _turn(queues, number), _turn(agents, number), number)


def _turn(names: Sequence[str], number: int) -> str:
    return names[number % len(names)]

"""The embedded nats-server dies under load: no client loses a moment, gets one twice or out of order.

The site starts it again by itself, and the gateway keeps its clients. One kill is over in a fraction of a
second; to make an outage long enough to be told, it is killed again each time it comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.support.scripted_ami import Action, ScriptedAmi, listing, scripted_ami
from tests.support.site import Site, running_site
from tests.support.streams import Event, StreamClient, make_ticket
from tests.support.waiting import until
from tests.support.watchers import until_online

AGENTS = [str(number) for number in range(140, 150)]
LISTS = ("QueueStatus", "QueueSummary", "ExtensionStateList", "Status", "BridgeList")
MOMENTS = 3000
BURST = 100
AHEAD = 500
"""How many moments may be under way: these are in flight or wait in the bridge when the server dies."""
KILL_ONCE_AT, KILL_LONG_AT = 800, 1800
WITHIN_S = 60.0


def empty(action: Action) -> bytes:
    names = {name.lower(): name for name in LISTS}
    return listing(action, [], names[action.name])


def agent_of(number: int) -> str:
    return AGENTS[number % len(AGENTS)]


def say(ami: ScriptedAmi, number: int) -> None:
    """One call's end, and one more caller who waits."""
    ami.event(
        "AgentComplete",
        Queue="sales",
        Interface=f"PJSIP/{agent_of(number)}",
        Uniqueid=f"1795000000.{number}",
        HoldTime=str(number),
        TalkTime="60",
        Reason="caller",
    )
    ami.event(
        "QueueCallerJoin",
        Queue="support",
        Position="1",
        Count=str(number),
        Uniqueid=f"1796000000.{number}",
        CallerIDNum="0991",
        CallerIDName="",
    )


class PatientPoller(StreamClient):
    """A long poll that is refused while NATS is away, and asks again for what follows its last event."""

    def __init__(self, url: str, ticket: str, peer: StreamClient) -> None:
        super().__init__(url, ticket, "long-poll")
        self.refused = 0
        self._polls = f"{url}/{ticket}/long-poll"
        self._peer = peer

    async def _collect(self) -> None:
        position: str | None = None
        async with httpx.AsyncClient(timeout=60) as http:
            while True:
                heard = len(self._peer.events)
                answer = await http.get(self._polls, params={"after": position} if position else {})
                if answer.status_code == 503:
                    assert answer.json()["code"] == "bus_unavailable"
                    assert int(answer.headers["Retry-After"]) > 0
                    self.refused += 1
                    # Instead of a pause: until the open stream tells something, a ping at the latest.
                    await self._peer.until(lambda n=heard: len(self._peer.events) > n, "a sign", WITHIN_S)
                    continue
                assert answer.status_code == 200, answer.text
                for event in answer.json():
                    position = event.get("id", position)
                    self.events.append(event)
                    self._arrived.set()


def moments(client: StreamClient) -> list[Event]:
    return client.matching(type="agentComplete")


def status(client: StreamClient) -> str:
    newest = client.state("pbxStatus")
    return newest["status"] if newest else ""


async def feed(ami: ScriptedAmi, clients: list[StreamClient]) -> None:
    """All moments, in bursts, never more than ``AHEAD`` before the slowest client."""
    for first in range(1, MOMENTS + 1, BURST):
        for client in clients:
            await client.until(
                lambda c=client, least=first + BURST - AHEAD: len(moments(c)) >= least,
                f"{first + BURST - AHEAD} moments",
                WITHIN_S,
            )
        for number in range(first, first + BURST):
            say(ami, number)


def kill_server(site: Site) -> list[int]:
    """`kill -9`; whom."""
    killed = site.children("nats-server")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    return killed


async def killed_until_told(site: Site, clients: list[StreamClient]) -> None:
    """Kill it whenever it is there, until every client was told that the figures are not live.

    A long poll is told by an event or, when it begins after the server died, by its refusal.
    """
    for client in clients:
        if isinstance(client, PatientPoller):
            client.refused = 0  # the first kill may have

    def told() -> bool:
        kill_server(site)
        return all(
            status(client) == "offline" or (isinstance(client, PatientPoller) and client.refused)
            for client in clients
        )

    await until(told, WITHIN_S, "every client told that nothing is live")


def check(client: StreamClient) -> None:
    """Every moment once; in the order of the log, which per subject is that of Asterisk."""
    told = moments(client)
    figures = [event["holdTime"] for event in told]
    assert sorted(figures) == list(range(1, MOMENTS + 1)), client.transport
    for agent in AGENTS:
        own = [event["holdTime"] for event in told if event["agent"] == agent]
        assert own == sorted(own), client.transport
    logged = [event["id"] for event in client.live if event["type"] != "pbxStatus"]
    assert len({position.rpartition("-")[0] for position in logged}) == 1, client.transport
    sequences = [int(position.rpartition("-")[2]) for position in logged]
    assert all(before < after for before, after in pairwise(sequences)), client.transport
    counts = [event["count"] for event in client.matching(type="queueCount", queue="support")]
    assert counts == sorted(counts), client.transport
    assert not client.matching(type="eventsLost")
    assert not client.matching(type="reset")


@pytest.fixture
async def ami() -> AsyncGenerator[ScriptedAmi]:
    async with scripted_ami() as scripted:
        scripted.answers = dict.fromkeys(map(str.lower, LISTS), empty)
        yield scripted


@pytest.fixture
async def site(ami: ScriptedAmi, tmp_path: Path) -> AsyncGenerator[Site]:
    config = f"""
[nats]
store_dir = "{tmp_path / "nats"}"
[gateway]
port = 0
open = true
[[pbx]]
name = "hq"
host = "127.0.0.1"
port = {ami.port}
username = "bridge"
secret = "scripted"
summary_refresh_s = 3600
"""
    async with running_site(tmp_path, config) as running:
        yield running


async def test_clients_get_every_moment_once_and_in_order_although_nats_dies_under_load(
    ami: ScriptedAmi, site: Site
) -> None:
    await until_online(site.url)
    async with contextlib.AsyncExitStack() as stack:
        tickets = [await make_ticket(site.url, agents=AGENTS, queues=["sales", "support"]) for _ in range(3)]
        first = StreamClient(site.url, tickets[0], "websocket")
        clients = [
            first,
            StreamClient(site.url, tickets[1], "sse"),
            PatientPoller(site.url, tickets[2], first),
        ]
        for client in clients:
            await stack.enter_async_context(client)
        load = asyncio.create_task(feed(ami, clients))
        stack.callback(load.cancel)

        await first.until(lambda: len(moments(first)) >= KILL_ONCE_AT, "load before the first kill", WITHIN_S)
        assert len(kill_server(site)) == 1
        await first.until(
            lambda: len(moments(first)) >= KILL_LONG_AT, "load before the second kill", WITHIN_S
        )
        await killed_until_told(site, clients)
        assert not load.done()
        await load

        for client in clients:
            await client.until(lambda c=client: len(moments(c)) >= MOMENTS, "all moments", WITHIN_S)
            await client.until(lambda c=client: status(c) == "online", "online again", WITHIN_S)
            await client.until(
                lambda c=client: c.state("queueCount", queue="support")["count"] == MOMENTS,  # type: ignore[index]
                "the newest count",
            )
            check(client)
    assert (ami.connections, ami.open) == (1, 1)
    assert "Traceback" not in site.log

"""Several gateways on one NATS: a ticket, a place in a stream and a revocation mean the same on each."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.chaos.browser import Browser
from tests.support.chaos.crowd import ticket_of
from tests.support.chaos.log_copy import LogCopy, copy_log
from tests.support.chaos.oracle import Listed, check_story, newest_for
from tests.support.chaos.scripted_load import ScriptedLoad, be_empty
from tests.support.chaos.transports import TRANSPORTS
from tests.support.floor_processes import Floor, FloorPbx, running_floor
from tests.support.nats import admin
from tests.support.scripted_ami import scripted_ami
from tests.support.waiting import until

AGENTS = ["148", "149"]
QUEUE = "support"
LISTED = Listed(tuple(AGENTS), (QUEUE,))
GATEWAYS = 3
MOVES = 30
KILLS = 5
WITHIN_S = 20.0
_IMPATIENT_S = 3.0
_NO_TICKET = 4504
_SETTINGS = "open = true\npoll_timeout_s = 1"

Event = dict[str, Any]


@dataclass
class Place:
    """Three gateways and a bridge, whose PBX says things when it is asked to."""

    floor: Floor
    load: ScriptedLoad

    @property
    def urls(self) -> list[str]:
        return [gateway.url for gateway in self.floor.alive]

    async def ticket(self, gateway: int = 0) -> str:
        """A new one."""
        return await ticket_of(self.urls[gateway], LISTED)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    async with AsyncExitStack() as stack:
        ami = await stack.enter_async_context(scripted_ami())
        be_empty(ami)
        pbxs = [FloorPbx(ami.port, "scripted")]
        floor = await stack.enter_async_context(
            running_floor(tmp_path, pbxs, gateway=_SETTINGS, gateways=GATEWAYS)
        )
        await floor.until_acting()
        yield Place(floor, ScriptedLoad(ami, AGENTS, QUEUE))


async def test_a_ticket_is_good_on_every_gateway_at_once(place: Place) -> None:
    for made_at in range(GATEWAYS):
        ticket = await place.ticket(made_at)
        for transport in TRANSPORTS:
            for url in place.urls:
                client = Browser(
                    lambda url=url: [url], ticket, [transport], chance=random.Random(1), patience_s=WITHIN_S
                )
                async with client:
                    await until(lambda client=client: client.story.position is not None, WITHIN_S)
                assert client.connections == 1


async def test_a_long_poll_without_after_goes_on_at_another_gateway_where_it_ended(place: Place) -> None:
    ticket = await place.ticket()
    told: list[Event] = []
    async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:

        async def poll(url: str) -> list[Event]:
            answer = await http.get(f"{url}/{ticket}/long-poll")
            assert answer.status_code == 200, answer.text
            return answer.json()

        first = await poll(place.urls[0])
        assert first[-1]["type"] == "ready"
        for number in range(1, MOVES + 1):
            place.load.say_next()
            while not any(event.get("holdTime") == number for event in told):
                told += await poll(place.urls[len(told) % GATEWAYS])

    moments = [event["holdTime"] for event in told if event["type"] == "agentComplete"]
    assert moments == list(range(1, MOVES + 1))
    ids = [event["id"] for event in told if "id" in event]
    assert len(set(ids)) == len(ids)


async def test_a_stream_goes_on_with_any_transport_at_any_gateway(place: Place) -> None:
    chance = random.Random(5)
    ticket = await place.ticket()
    client = Browser(
        lambda: place.urls, ticket, list(TRANSPORTS), chance=random.Random(5), patience_s=_IMPATIENT_S
    )
    speaking = asyncio.create_task(place.load.run())
    try:
        async with client:
            for _ in range(KILLS):
                before = client.sequence
                await until(lambda before=before: client.sequence > before, WITHIN_S)
                await chance.choice(place.floor.alive).kill()
                await place.floor.start_gateway()
            place.load.stop()
            log = await until_logged(place, place.load.said)
            await until(lambda: client.sequence >= newest_for(LISTED, log), WITHIN_S)
    finally:
        place.load.stop()
        await speaking

    place.load.logged(log)
    check_story(client.story, LISTED, log)
    assert client.story.resets == 0


async def test_a_gateway_that_starts_later_goes_on_from_before_its_start(place: Place) -> None:
    ticket = await place.ticket()
    async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:
        answer = await http.get(f"{place.urls[0]}/{ticket}/long-poll")
        before = answer.json()[-1]["id"]
        for _ in range(50):
            place.load.say_next()
        await until_logged(place, 50)
        late = await place.floor.start_gateway()

        answer = await http.get(f"{late.url}/{ticket}/long-poll", params={"after": before})

    told = answer.json()
    assert [event["holdTime"] for event in told if event["type"] == "agentComplete"] == list(range(1, 51))
    assert (told[-1]["type"], told[-1]["resumed"]) == ("ready", True)


async def test_a_revoked_ticket_ends_its_streams_on_every_gateway_and_opens_none(place: Place) -> None:
    ticket = await place.ticket()
    async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connect(_socket(url, ticket))) for url in place.urls]
        for socket in sockets:
            await _until_type(socket.recv, "ready")
        streams = [
            await stack.enter_async_context(http.stream("GET", f"{url}/{ticket}/sse")) for url in place.urls
        ]
        polls = [asyncio.create_task(_poll_for_ever(http, url, ticket)) for url in place.urls]

        answer = await http.delete(f"{place.urls[1]}/ticket/{ticket}")
        assert answer.is_success, answer.text

        for socket in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                await _until_type(socket.recv, "no such type")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == _NO_TICKET
        for stream in streams:
            lines = [line async for line in stream.aiter_lines()]
            assert [line for line in lines if line.startswith("event: close")] == [
                "event: closed",
                "event: close",
            ]
        assert await asyncio.wait_for(asyncio.gather(*polls), WITHIN_S) == [404] * GATEWAYS
        for url in place.urls:
            answer = await http.get(f"{url}/{ticket}/long-poll")
            assert answer.status_code == 404


async def until_logged(place: Place, number: int) -> LogCopy:
    """Wait until so many moments are in the log."""
    async with asyncio.timeout(WITHIN_S):
        log = await copy_log(lambda: admin(place.floor.nats))
        while len(log.moments("agentComplete")) < number:
            log = await copy_log(lambda: admin(place.floor.nats))
        return log


async def _poll_for_ever(http: httpx.AsyncClient, url: str, ticket: str) -> int:
    """Poll until it is refused; the status."""
    position = "0-0"  # of no log: the state, and then what follows it
    while True:
        answer = await http.get(f"{url}/{ticket}/long-poll", params={"after": position})
        if answer.status_code != 200:
            return answer.status_code
        position = next((event["id"] for event in reversed(answer.json()) if "id" in event), position)


async def _until_type(receive: Callable[[], Any], kind: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while f'{{"type":"{kind}"' not in await receive():
            pass


def _socket(url: str, ticket: str) -> str:
    return f"ws{url.removeprefix('http')}/{ticket}/websocket"

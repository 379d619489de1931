"""What holds for all three transports, by the raw lane, by ASGI alone, and over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from services.gateway.core.tickets import key_of
from services.gateway.openings import BEHIND_S
from services.gateway.waiting import AHEAD_S, STUCK_S
from tests.support.gateway_fakes import complete, count, member, online, phone, place
from tests.support.gateway_rig import LANE, Events, Rig, running
from tests.support.waiting import until

Next = Callable[[], Awaitable[dict[str, Any]]]


@contextlib.asynccontextmanager
async def stream(
    rig: Rig, transport: str, ticket: str, after: str | None = None
) -> AsyncGenerator[Callable[[], Awaitable[Any]]]:
    """Events one by one, whatever the transport; a long poll asks again with the last id."""
    if transport == "websocket":
        async with rig.websocket(ticket, after) as websocket:
            yield websocket.next
    elif transport == "sse":
        async with rig.sse(ticket, after) as sse:
            yield sse.next
    else:
        yield _Poller(rig, ticket, after).next


class _Poller:
    def __init__(self, rig: Rig, ticket: str, after: str | None) -> None:
        self.rig = rig
        self.ticket = ticket
        self.after = after
        self.events: Events = []

    async def next(self) -> dict[str, Any]:
        while not self.events:
            self.events = await self.rig.poll(self.ticket, self.after)
            self.after = next((event["id"] for event in reversed(self.events) if "id" in event), self.after)
        return self.events.pop(0)


async def take(next_event: Callable[[], Awaitable[Any]], kind: str) -> Events:
    events: Events = []
    while not events or events[-1]["type"] != kind:
        events.append(await next_event())
    return events


TRANSPORTS = pytest.mark.parametrize("transport", ["websocket", "sse", "long-poll"])


@pytest.fixture(params=["raw", "asgi", "tls"], autouse=True)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here is run with each kind of connection."""
    monkeypatch.setenv(LANE, request.param)
    return request.param


@TRANSPORTS
async def test_stream_begins_with_the_state_and_goes_on_with_what_happens(transport: str) -> None:
    async with running() as rig:
        rig.log.write(count(3), phone())
        ticket = await rig.ticket(agents=["148"], queues=["q1"])
        told = place(rig.gateway.hub, 3)
        async with stream(rig, transport, ticket) as next_event:
            opening = await take(next_event, "ready")
            rig.log.write(count(4), count(9, "q2"), member(), complete())
            live = await take(next_event, "agentComplete")

    assert [event["type"] for event in opening] == [
        "pbxStatus",
        "agentName",
        "extensionStatus",
        "phoneNumber",
        "queueCount",
        "queueMemberStatus",
        "ready",
    ]
    assert all("id" not in event for event in opening[:-1])
    begun = told if transport == "long-poll" else "g1-3"  # a poll's says what it was told of the PBXs
    assert opening[-1] == {"type": "ready", "resumed": False, "now": 1_000_000, "id": begun}
    live = [event for event in live if event["type"] != "ready"]
    assert [event["type"] for event in live] == ["queueCount", "queueMemberStatus", "agentComplete"]
    assert [event["id"] for event in live] == ["g1-4", "g1-6", "g1-7"]
    assert live[0] == {"type": "queueCount", "pbx": "hq", "queue": "q1", "count": 4, "id": "g1-4"}


@TRANSPORTS
async def test_client_that_comes_back_gets_exactly_what_followed(transport: str) -> None:
    async with running() as rig:
        rig.log.write(*(count(number) for number in range(10)))
        ticket = await rig.ticket(queues=["q1"])
        async with stream(rig, transport, ticket, after="g1-8") as next_event:
            events = await take(next_event, "ready")
        told = place(rig.gateway.hub, 11)

    assert [event["count"] for event in events if event["type"] == "queueCount"] == [7, 8, 9]
    assert events[-1]["resumed"] is True
    assert events[-1]["id"] == (told if transport == "long-poll" else "g1-11")


@TRANSPORTS
@pytest.mark.parametrize("after", ["g0-8", "reset", "g1-99", "g1-99999999999999999"])
async def test_client_from_elsewhere_or_from_the_future_starts_anew(transport: str, after: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with stream(rig, transport, ticket, after) as next_event:
            taking = asyncio.create_task(take(next_event, "ready"))
            await until(lambda: rig.gateway.hub.clients or taking.done())
            rig.clock.go(AHEAD_S + 1)
            events = await taking

    assert [event["type"] for event in events] == ["reset", "pbxStatus", "queueCount", "ready"]
    assert "id" not in events[0] or transport == "sse"
    assert events[-1]["resumed"] is False


@TRANSPORTS
async def test_client_resumes_on_another_gateway(transport: str) -> None:
    async with running() as first, running(store=first.store, started=False) as second:
        both = first.log
        both.hubs.append(second.gateway.hub)
        second.gateway.hub.begin("g1")
        second.gateway.hub.caught_up(both.sequence)
        ticket = await first.ticket(queues=["q1"])
        async with stream(first, transport, ticket) as next_event:
            position = (await take(next_event, "ready"))[-1]["id"]
        both.write(count(1), count(2))
        async with stream(second, transport, ticket, position) as next_event:
            events = await take(next_event, "ready")

    assert [event["count"] for event in events if event["type"] == "queueCount"] == [1, 2]
    assert events[-1]["resumed"] is True


@TRANSPORTS
async def test_new_log_resets_the_client(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with stream(rig, transport, ticket) as next_event:
            await take(next_event, "ready")
            rig.log.generation = "g2"
            rig.log.start(online(), count(7))
            events = await take(next_event, "ready")

    events = events[[event["type"] for event in events].index("reset") :]
    assert [event["type"] for event in events] == ["reset", "pbxStatus", "queueCount", "ready"]
    assert events[2]["count"] == 7
    assert events[-1]["id"].startswith("g2")


@TRANSPORTS
async def test_client_that_comes_before_the_state_waits_for_it(transport: str) -> None:
    async with running(started=False) as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with stream(rig, transport, ticket) as next_event:
            taking = asyncio.create_task(take(next_event, "ready"))
            await until(lambda: rig.gateway.hub.clients == 1)
            rig.log.start(online(), count(7))
            events = await taking

    assert [event["type"] for event in events] == ["pbxStatus", "queueCount", "ready"]


@TRANSPORTS
async def test_silent_bridge_is_shown_and_its_return_too(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with stream(rig, transport, ticket) as next_event:
            opening = await take(next_event, "ready")
            rig.clock.go(6)
            silent = await take(next_event, "pbxStatus")
            rig.gateway.hub.alive("hq")
            back = await take(next_event, "pbxStatus")

    assert opening[0]["status"] == "online"
    assert silent[-1]["status"] == "offline"
    assert "not reporting" in silent[-1]["reason"]
    assert "id" not in silent[-1]
    assert back[-1]["status"] == "online"
    assert "id" not in back[-1]


@TRANSPORTS
async def test_lost_log_is_shown_and_its_return_too(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with stream(rig, transport, ticket) as next_event:
            await take(next_event, "ready")
            rig.gateway.hub.stale("no heartbeat")
            lost = await take(next_event, "pbxStatus")
            rig.gateway.hub.fresh()
            back = await take(next_event, "pbxStatus")

    assert "no heartbeat" in lost[-1]["reason"]
    assert back[-1]["status"] == "online"


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_ping_tells_the_time(transport: str) -> None:
    async with running(ping_interval_s=0.01) as rig:
        ticket = await rig.ticket()
        async with stream(rig, transport, ticket) as next_event:
            events = await take(next_event, "ping")

    assert events[-1] == {"type": "ping", "now": 1_000_000}


async def test_revoked_ticket_ends_its_streams_on_every_gateway() -> None:
    async with running() as first, running(store=first.store) as second:
        ticket = await first.ticket()
        async with second.websocket(ticket) as websocket, second.sse(ticket) as sse:
            await websocket.until("ready")
            await sse.until("ready")
            after = place(second.gateway.hub, 1)
            polling = asyncio.create_task(second.http.get(f"/{ticket}/long-poll", params={"after": after}))
            await until(lambda: second.gateway.hub.clients == 3)
            answer = await first.http.delete(f"/ticket/{ticket}")
            last = [await websocket.next(), await websocket.next()]
            code = await websocket.closed()
            sse_last = [await sse.next(), await sse.next(), await sse.next()]
            poll = await polling

        assert answer.json()["response"] == "Success"
        assert [event["type"] for event in last] == ["closed", "close"]
        assert code == 4504
        assert sse_last == [{"type": "closed"}, {"type": "close"}, None]
        assert poll.status_code == 404
        await until(lambda: second.gateway.hub.clients == 0)


async def test_unknown_ticket_is_answered_so_that_nobody_reconnects() -> None:
    async with running() as rig:
        unknown = "A" * 32
        poll = await rig.http.get(f"/{unknown}/long-poll")
        async with rig.sse(unknown) as sse:
            status = sse.answer.status_code
            events = [await sse.next(), await sse.next(), await sse.next()]
        async with rig.websocket(unknown) as websocket:
            code = await websocket.closed()

    assert poll.status_code == 404
    assert poll.headers["content-type"] == "application/problem+json"
    assert poll.json()["code"] == "no_ticket"
    assert status == 200
    assert events == [{"type": "closed"}, {"type": "close"}, None]
    assert code == 4504


async def test_while_nats_is_away_clients_are_told_to_come_back() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        rig.store.away = True
        poll = await rig.http.get(f"/{ticket}/long-poll")
        async with rig.sse(ticket) as sse:
            status, event = sse.answer.status_code, await sse.next()
        async with rig.websocket(ticket) as websocket:
            code = await websocket.closed()

    assert poll.status_code == 503
    assert poll.headers["retry-after"]
    assert (status, event) == (200, None)
    assert code == 1013


async def test_stream_is_use_of_its_ticket() -> None:
    async with running(ticket_ttl_s=100) as rig:
        ticket = await rig.ticket()
        async with rig.websocket(ticket) as websocket:
            await websocket.until("ready")
            rig.clock.go(30)
            await rig.gateway.desk.look_up()

    assert rig.store.tickets[key_of(ticket)].touched_ms == 1_030_000


async def test_ticket_that_is_gone_from_the_store_ends_its_streams() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with rig.websocket(ticket) as websocket:
            await websocket.until("ready")
            rig.store.tickets.clear()
            await rig.gateway.desk.look_up()

            assert await websocket.closed() == 4504


async def test_stopping_gateway_sends_clients_elsewhere() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with rig.websocket(ticket) as websocket, rig.sse(ticket) as sse:
            await websocket.until("ready")
            await sse.until("ready")
            after = place(rig.gateway.hub, 1)
            polling = asyncio.create_task(rig.http.get(f"/{ticket}/long-poll", params={"after": after}))
            await until(lambda: rig.gateway.hub.clients == 3)
            rig.gateway.stop()
            assert (await rig.http.get("/health/ready")).status_code == 503

            assert await websocket.closed() == 4001
            reason = websocket.connection.close_reason
            assert await sse.next() is None
            answer = await polling

    waits = re.fullmatch(r"the gateway stops; retry in (\d+) ms", reason or "")
    assert waits
    assert 100 <= int(waits[1]) <= 2000
    assert sse.retry is not None
    assert 100 <= int(sse.retry) <= 2000
    assert answer.json() == []
    assert answer.headers["retry-after"] in ("1", "2")


async def test_client_that_leaves_is_forgotten() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with rig.websocket(ticket) as websocket, rig.sse(ticket) as sse:
            await websocket.until("ready")
            await sse.until("ready")
            assert rig.gateway.hub.clients == 2
        await until(lambda: rig.gateway.hub.clients == 0)


BIG = "x" * 100_000
MANY = 200  # of which the buffers of the system and of TLS take less than half


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_client_that_does_not_read_for_a_moment_gets_every_event(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(agents=["148"])
        async with stalled(rig, transport, ticket) as (go_on, next_event):
            for number in range(MANY):
                rig.log.write(phone(number=f"{number}-{BIG}"))
                await asyncio.sleep(0)
            await until(lambda: rig.gateway.hub.lagging == 1)
            go_on()
            numbers: list[str] = []
            while len(numbers) < MANY:
                event = await next_event()
                numbers += [event["number"].partition("-")[0]] if event["type"] == "phoneNumber" else []

    assert numbers == [str(number) for number in range(MANY)]


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_client_that_does_not_read_for_long_gets_the_state_when_it_does(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(agents=["148"])
        async with stalled(rig, transport, ticket) as (go_on, next_event):
            for number in range(MANY):
                rig.log.write(phone(number=f"{number}-{BIG}"))
                await asyncio.sleep(0)
            await until(lambda: rig.gateway.hub.lagging == 1)
            rig.clock.go(BEHIND_S + 1)
            go_on()
            events = await take(next_event, "reset")
            state = await take(next_event, "ready")
            rig.log.write(phone(number="last"))
            live = await take(next_event, "phoneNumber")

    assert len(events) < MANY
    assert state[-1]["resumed"] is False
    assert next(event["number"] for event in state if event["type"] == "phoneNumber").startswith(
        f"{MANY - 1}-"
    )
    assert live[-1]["number"] == "last"


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_client_that_does_not_read_at_all_is_ended_and_resumes_later(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket(agents=["148"])
        position = str(rig.gateway.hub.position())
        async with stalled(rig, transport, ticket):
            for number in range(MANY):
                rig.log.write(phone(number=f"{number}-{BIG}"))
                await asyncio.sleep(0)
            await until(lambda: rig.gateway.hub.lagging == 1)
            rig.clock.go(STUCK_S + 1)
            await until(lambda: rig.gateway.hub.clients == 0)
        async with stream(rig, transport, ticket, position) as next_event:
            events = await take(next_event, "ready")

    numbers = [event["number"].partition("-")[0] for event in events if event["type"] == "phoneNumber"]
    assert numbers == [str(number) for number in range(MANY)]


def _socket_of(transport: Any) -> asyncio.ReadTransport:
    """What really reads: asyncio's TLS goes on for a while when its user pauses."""
    tls = getattr(transport, "_ssl_protocol", None)
    return transport if tls is None else tls._transport


@contextlib.asynccontextmanager
async def stalled(
    rig: Rig, transport: str, ticket: str
) -> AsyncGenerator[tuple[Callable[[], None], Callable[[], Awaitable[Any]]]]:
    """A stream whose client does not read until it is told to go on."""
    if transport == "websocket":
        async with rig.websocket(ticket) as websocket:
            await websocket.until("ready")
            socket = _socket_of(websocket.connection.transport)
            socket.pause_reading()
            yield socket.resume_reading, websocket.next
            websocket.connection.transport.abort()
    else:
        async with rig.sse(ticket) as sse:
            await sse.until("ready")
            yield (lambda: None), sse.next  # it reads when it is asked for the next event


@TRANSPORTS
async def test_client_from_before_the_ring_resumes_from_the_log(transport: str) -> None:
    async with running(started=False) as rig:
        rig.log.hubs.clear()
        rig.log.start(online())
        rig.log.write(*(count(number) for number in range(50)))
        rig.log.hubs.append(rig.gateway.hub)
        rig.gateway.hub.begin("g1")
        rig.gateway.hub.caught_up(rig.log.sequence)
        ticket = await rig.ticket(queues=["q1"])
        async with stream(rig, transport, ticket, "g1-1") as next_event:
            events = await take(next_event, "ready")

    assert [event["count"] for event in events if event["type"] == "queueCount"] == list(range(50))
    assert events[-1]["resumed"] is True


async def test_frames_go_by_the_lane_that_the_server_allows(lane: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with rig.websocket(ticket) as websocket, rig.sse(ticket) as sse:
            await websocket.until("ready")
            await sse.until("ready")
            name = "asgi" if lane == "asgi" else "raw"
            assert rig.gateway.hub.clients_by() == {("websocket", name): 1, ("sse", name): 1}


async def test_what_a_client_says_is_ignored() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with rig.websocket(ticket) as websocket:
            await websocket.until("ready")
            for _ in range(20):
                await websocket.connection.send("hello")
            rig.log.write(count(1))

            assert (await websocket.next())["count"] == 1


async def test_headers_keep_proxies_from_holding_a_stream_back() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with rig.sse(ticket) as sse:
            headers = sse.answer.headers
            await sse.until("ready")

    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert sse.retry == "2000"


async def test_last_event_id_of_a_browser_resumes_an_event_stream() -> None:
    async with running() as rig:
        rig.log.write(count(1), count(2))
        ticket = await rig.ticket(queues=["q1"])
        async with rig.sse(ticket, headers={"Last-Event-ID": "g1-2"}) as sse:
            events = await sse.until("ready")

    assert [event["count"] for event in events if event["type"] == "queueCount"] == [2]


async def test_last_event_id_counts_more_than_the_address_which_a_browser_repeats() -> None:
    async with running() as rig:
        rig.log.write(count(1), count(2))
        ticket = await rig.ticket(queues=["q1"])
        async with rig.sse(ticket, after="g1-1", headers={"Last-Event-ID": "g1-2"}) as sse:
            events = await sse.until("ready")

    assert [event["count"] for event in events if event["type"] == "queueCount"] == [2]


async def test_browser_that_was_reset_and_lost_the_state_gets_it_whatever_its_address_says() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with rig.sse(ticket, after="g0-1") as sse:
            assert await sse.next() == {"type": "reset", "id": "reset"}
        rig.log.write(count(1))
        async with rig.sse(ticket, after="g1-1", headers={"Last-Event-ID": "reset"}) as sse:
            events = await sse.until("ready")

    assert [event["type"] for event in events] == ["reset", "pbxStatus", "queueCount", "ready"]
    assert events[-1]["resumed"] is False


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_malformed_position_starts_a_stream_anew(transport: str) -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with stream(rig, transport, ticket, "nonsense") as next_event:
            events = await take(next_event, "ready")

    assert events[0]["type"] == "reset"

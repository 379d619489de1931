from __future__ import annotations

import asyncio
from typing import cast

import pytest

from services.gateway.adapters.ticket_store import NatsTicketStore
from services.gateway.core.tickets import key_of
from services.gateway.ports import Cursor
from services.jetstream.connection import Connection
from tests.support.gateway_fakes import FakeTicketStore, count, name, online, parked, place
from tests.support.gateway_rig import WITHIN_S, Events, Rig, problem, running
from tests.support.waiting import until


def counts(events: Events) -> list[int]:
    return [event["count"] for event in events if event["type"] == "queueCount"]


async def polling(rig: Rig, ticket: str, clients: int = 1) -> asyncio.Task[Events]:
    """A poll that waits."""
    task = asyncio.create_task(rig.poll(ticket))
    await until(lambda: rig.gateway.hub.clients == clients)
    return task


async def test_first_answer_is_the_state_and_the_next_what_followed() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        first = await rig.poll(ticket)
        rig.log.write(count(1), count(2))
        second = await rig.poll(ticket)

    assert [event["type"] for event in first] == ["pbxStatus", "queueCount", "ready"]
    assert [event["type"] for event in second] == ["queueCount", "queueCount"]
    assert counts(second) == [1, 2]


@pytest.mark.usefixtures("each_lane")
async def test_a_state_larger_than_an_answer_comes_whole() -> None:
    agents = [str(number) for number in range(3000)]
    async with running(started=False) as rig:
        rig.log.start(online(), *(name(agent, "x" * 500) for agent in agents))
        rig.gateway.hub.alive("hq")
        ticket = await rig.ticket(agents=["*"])
        for after in (None, "elsewhere-1"):
            state = await rig.poll(ticket, after)

            assert [event["agent"] for event in state if event["type"] == "agentName"] == agents
            assert (state[-1]["type"], state[-1]["resumed"]) == ("ready", False)


@pytest.mark.usefixtures("each_lane")
async def test_answers_as_soon_as_there_is_something() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        task = await polling(rig, ticket)
        rig.log.write(count(1))

        assert counts(await task) == [1]


async def test_answers_empty_after_the_timeout() -> None:
    async with running(poll_timeout_s=0.05) as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)

        assert await rig.poll(ticket) == []
        assert await rig.poll(ticket, place(rig.gateway.hub, 1)) == []


async def test_position_is_remembered_across_gateways() -> None:
    async with running() as first, running(store=first.store, started=False) as second:
        first.log.hubs.append(second.gateway.hub)
        second.gateway.hub.begin("g1")
        second.gateway.hub.caught_up(first.log.sequence)
        ticket = await first.ticket(queues=["q1"])
        await first.poll(ticket)
        first.log.write(count(1), count(2))
        events = await second.poll(ticket)
        first.log.write(count(3))

        assert counts(events) == [1, 2]
        assert counts(await first.poll(ticket)) == [3]


@pytest.mark.usefixtures("each_lane")
async def test_newer_poll_ends_the_older_with_nothing() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        older = await polling(rig, ticket)
        newer = asyncio.create_task(rig.poll(ticket))

        assert await older == []
        rig.log.write(count(1))
        assert counts(await newer) == [1]


async def test_of_two_polls_on_two_gateways_one_gets_the_events() -> None:
    async with running() as first, running(store=first.store, started=False) as second:
        first.log.hubs.append(second.gateway.hub)
        second.gateway.hub.begin("g1")
        second.gateway.hub.caught_up(first.log.sequence)
        ticket = await first.ticket(queues=["q1"])
        await first.poll(ticket)
        tasks = [await polling(first, ticket), await polling(second, ticket)]
        first.log.write(count(1))

        assert sorted([counts(await task) for task in tasks]) == [[], [1]]


@pytest.mark.usefixtures("each_lane")
async def test_client_that_left_has_not_moved_the_cursor() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        task = await polling(rig, ticket)
        task.cancel()
        await until(lambda: rig.gateway.hub.clients == 0)
        rig.log.write(count(1))

        assert counts(await rig.poll(ticket)) == [1]


async def test_answer_to_after_ends_with_the_position_to_go_on_from() -> None:
    async with running() as rig:
        rig.log.write(count(1), count(1, "q2"))
        ticket = await rig.ticket(queues=["q1"])
        events = await rig.poll(ticket, place(rig.gateway.hub, 1))
        behind = place(rig.gateway.hub, 3)

    assert [event["type"] for event in events] == ["queueCount", "ready"]
    assert events[-1] == {"type": "ready", "resumed": True, "now": 1_000_000, "id": behind}


async def test_cursor_that_is_too_old_starts_anew() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        rig.log.generation = "g2"
        rig.log.start(count(7))
        events = await rig.poll(ticket)

    assert events[0] == {"type": "reset"}
    assert counts(events) == [7]
    assert events[-1]["resumed"] is False


@pytest.mark.parametrize("left", [None, Cursor("nonsense", 1)], ids=["lost", "spoilt"])
async def test_place_that_is_lost_is_said_to_be(left: Cursor | None) -> None:
    async with running(ticket_ttl_s=100) as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        rig.log.write(parked())
        rig.clock.go(25)
        rig.gateway.hub.alive("hq")
        rig.store.cursors.clear()
        rig.store.cursors |= {} if left is None else {key_of(ticket): left}

        events = await rig.poll(ticket)
        assert [event["type"] for event in events] == ["reset", "pbxStatus", "queueCount", "ready"]
        rig.log.write(count(1))
        assert counts(await rig.poll(ticket)) == [1]


async def test_first_poll_of_a_new_ticket_has_nothing_to_reset() -> None:
    async with running(ticket_ttl_s=100) as rig:
        ticket = await rig.ticket()
        rig.clock.go(24)

        assert "reset" not in [event["type"] for event in await rig.poll(ticket)]


async def test_place_that_is_lost_while_a_poll_waits_loses_nothing() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        await rig.poll(ticket)
        waiting = await polling(rig, ticket)
        rig.store.cursors.clear()
        rig.log.write(parked())

        assert [event["type"] for event in await waiting] == ["parkedCall"]


async def test_moment_after_a_silence_longer_than_the_life_of_a_ticket_is_told(
    gateway_connection: Connection,
) -> None:
    store = NatsTicketStore(gateway_connection, ttl_s=2, replicas=1)
    async with running(store=cast("FakeTicketStore", store), ticket_ttl_s=2) as rig, asyncio.timeout(30):
        ticket = await rig.ticket()
        await rig.poll(ticket)
        await store.move_cursor(unused := key_of("unused"), "g1-1", None)
        waiting = await polling(rig, ticket)
        while await store.read_cursor(unused) is not None:
            rig.clock.go(0.5)
            rig.gateway.hub.alive("hq")
            await rig.gateway.desk.look_up()
        rig.log.write(parked())

        assert [event["type"] for event in await waiting] == ["parkedCall"]


async def test_malformed_position_is_the_callers_mistake() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        answer = await rig.http.get(f"/{ticket}/long-poll", params={"after": "nonsense"})

    assert answer.status_code == 400
    assert answer.json()["parameter"] == "after"


@pytest.mark.usefixtures("each_lane")
@pytest.mark.parametrize("after", [None, "g1-1"])
async def test_poll_at_a_gateway_that_has_no_state_says_so_in_the_end(after: str | None) -> None:
    """An empty answer would mean that nothing has happened."""
    async with running(started=False, poll_timeout_s=0.05) as rig:
        ticket = await rig.ticket()
        params = {} if after is None else {"after": after}

        problem(await rig.http.get(f"/{ticket}/long-poll", params=params), 503, "not_ready")
        assert rig.store.cursors == {}


@pytest.mark.parametrize("remembered", [True, False])
async def test_poll_that_waits_for_a_log_which_cannot_be_read_says_so_and_misses_nothing(
    remembered: bool,
) -> None:
    async with running(poll_timeout_s=0.05) as rig:
        ticket = await rig.ticket(queues=["q1"])
        after = (await rig.poll(ticket))[-1]["id"]
        params = {} if remembered else {"after": after}
        rig.gateway.hub.ring.limit = 4
        rig.log.write(*(count(number) for number in range(12)))
        rig.log.away = True

        answer = problem(await rig.http.get(f"/{ticket}/long-poll", params=params), 503, "not_ready")
        assert answer["reasons"] == ["what was missed has not been read from NATS yet"]

        rig.log.away = False
        async with asyncio.timeout(WITHIN_S):
            while (again := await rig.http.get(f"/{ticket}/long-poll", params=params)).status_code == 503:
                pass
        assert counts(again.json()) == list(range(12))


@pytest.mark.usefixtures("each_lane")
async def test_poll_that_waits_while_the_state_is_read_anew_is_told_at_once_and_misses_nothing() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        place = (await rig.poll(ticket))[-1]["id"]
        waiting = asyncio.create_task(rig.http.get(f"/{ticket}/long-poll", params={"after": place}))
        await until(lambda: rig.gateway.hub.clients == 1)
        rig.gateway.hub.begin("g1")

        answer = problem(await waiting, 503, "not_ready")
        assert answer["reasons"] == ["the state has not been read from NATS yet"]

        rig.gateway.hub.caught_up(rig.log.sequence)
        rig.log.write(count(1))
        assert counts(await rig.poll(ticket, place)) == [1]


async def test_lost_store_does_not_lose_events() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        rig.log.write(count(1))
        rig.store.away = True
        answer = await rig.http.get(f"/{ticket}/long-poll")
        rig.store.away = False

        assert answer.status_code == 503
        assert counts(await rig.poll(ticket)) == [1]


async def test_ticket_revoked_while_its_cursor_is_read_gives_nothing() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        rig.gateway.desk.revoked(key_of(ticket))

        assert (await rig.http.get(f"/{ticket}/long-poll")).status_code == 404


async def test_silence_of_a_bridge_is_told_between_polls() -> None:
    async with running(poll_timeout_s=0.05) as rig:
        ticket = await rig.ticket()
        await rig.poll(ticket)
        rig.clock.go(6)
        rig.gateway.hub.tick()
        told = await rig.poll(ticket)

        assert [event["status"] for event in told] == ["offline"]
        assert await rig.poll(ticket) == []

from __future__ import annotations

import asyncio

import pytest

from services.gateway.core.tickets import key_of
from tests.support.gateway_fakes import count, name, online, place
from tests.support.gateway_rig import Events, Rig, problem, running
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


async def test_malformed_position_is_the_callers_mistake() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        answer = await rig.http.get(f"/{ticket}/long-poll", params={"after": "nonsense"})

    assert answer.status_code == 400
    assert answer.json()["parameter"] == "after"


@pytest.mark.parametrize("after", [None, "g1-1"])
async def test_poll_at_a_gateway_that_has_no_state_says_so_in_the_end(after: str | None) -> None:
    """An empty answer would mean that nothing has happened."""
    async with running(started=False, poll_timeout_s=0.05) as rig:
        ticket = await rig.ticket()
        params = {} if after is None else {"after": after}

        problem(await rig.http.get(f"/{ticket}/long-poll", params=params), 503, "not_ready")
        assert rig.store.cursors == {}


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

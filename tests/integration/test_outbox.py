"""The outbox against a real nats-server that is killed, frozen, full or gone."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from services.ami_bridge.adapters.heartbeat import Heartbeat
from services.ami_bridge.adapters.jetstream_outbox import WINDOW, Outbox
from services.ami_bridge.adapters.published_states import load_documents, purge_tombstones
from services.jetstream.connection import Connection
from services.jetstream.log import LOG, STATE, ensure_log, read_log
from services.jetstream.reading import read_to_end
from shared import wire
from shared.events import (
    AgentComplete,
    Event,
    EventsLost,
    MemberFigures,
    MemberSummary,
    OriginateFailed,
    QueueCount,
    State,
)
from tests.support.nats import NatsServer, admin, connected
from tests.support.waiting import until


def count(queue: str, number: int) -> QueueCount:
    return QueueCount(pbx="hq", queue=queue, count=number)


def complete(agent: str, number: int) -> AgentComplete:
    return AgentComplete(
        pbx="hq",
        agent=agent,
        queue="sales",
        unique_id=f"{number}.1",
        talk_time=number,
        hold_time=0,
        recording=None,
        reason="caller",
    )


def put(outbox: Outbox, event: Event) -> None:
    """As the bridge does: a moment has a name made from Asterisk's ids."""
    name = f"hq:agentComplete:{event.unique_id}" if isinstance(event, AgentComplete) else ""
    outbox.put(event, name)


async def read_all(connection: Connection, stream: str = LOG) -> list[Event]:
    found: list[Event] = []
    await read_to_end(connection, stream, lambda _subject, payload, _at: found.append(wire.decode(payload)))
    return found


async def mirrored(connection: Connection, sequence: int) -> None:
    """Wait until the mirror has what the log has up to there."""
    async with asyncio.timeout(10):
        while (await connection.jetstream.stream_info(STATE)).state.last_seq < sequence:
            pass


@asynccontextmanager
async def running(
    connection: Connection, server: NatsServer, close_within_s: float = 0.0, **options: Any
) -> AsyncGenerator[Outbox]:
    outbox = Outbox(connection, server.section(), "hq", **options)
    await outbox.start()
    try:
        yield outbox
    finally:
        await outbox.close(close_within_s)


async def flushed(outbox: Outbox, within_s: float = 20) -> None:
    assert await outbox.flushed(within_s), "not flushed in time"


async def test_everything_is_stored_in_the_order_in_which_it_was_put(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    # Each state has its own subject and each moment is one of three agents': subjects repeat all the
    # time, which must neither reorder nor merge anything.
    events: list[Event] = []
    for number in range(1500):
        events += [count(f"q{number}", number), complete(f"10{number % 3}", number)]
    async with running(bridge_connection, nats_server) as outbox:
        for event in events:
            put(outbox, event)
        await flushed(outbox)

    assert await read_all(bridge_connection) == events
    assert (outbox.counters.published, outbox.counters.retries, outbox.dropped) == (3000, 0, 0)


async def test_states_coalesce_to_the_newest_and_keep_behind_what_was_put_before(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with running(bridge_connection, nats_server) as outbox:
        nats_server.kill()
        await until(lambda: not bridge_connection.connected)
        for number in range(10_000):
            put(outbox, count("busy", number))
            if number == 5000:
                put(outbox, count("other", 1))
        assert (outbox.pending_states, outbox.pending_moments) == (2, 0)
        nats_server.start()
        await flushed(outbox)

    assert await read_all(bridge_connection) == [count("other", 1), count("busy", 9999)]


async def test_killed_twice_while_thousands_are_published_nothing_is_lost_or_stored_twice(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    moments = [complete(f"1{number % 50:02}", number) for number in range(6000)]
    async with running(bridge_connection, nats_server) as outbox:
        published = 0
        for begin, end in ((0, 2000), (2000, 4000), (4000, 6000)):
            for moment in moments[begin:end]:
                put(outbox, moment)
                put(outbox, count(f"q{moment.talk_time % 200}", moment.talk_time))
            if end < 6000:
                # In the middle: some are stored and answered, some stored, some on the way, some here.
                published += 300
                await until(lambda at_least=published: outbox.counters.published > at_least, 20)
                nats_server.kill()
                nats_server.start()
        await flushed(outbox, 30)
        assert (outbox.dropped, outbox.in_flight) == (0, 0)

    stored = await read_all(bridge_connection)
    found = [event for event in stored if isinstance(event, AgentComplete)]
    assert sorted(event.talk_time for event in found) == list(range(6000))
    by_agent: dict[str, list[int]] = defaultdict(list)
    for event in found:
        by_agent[event.agent].append(event.talk_time)
    assert all(numbers == sorted(numbers) for numbers in by_agent.values())
    by_queue: dict[str, list[int]] = defaultdict(list)
    for event in stored:
        if isinstance(event, QueueCount):
            by_queue[event.queue].append(event.count)
    assert all(numbers == sorted(set(numbers)) for numbers in by_queue.values())
    assert {queue: numbers[-1] for queue, numbers in by_queue.items()} == {
        f"q{number}": 5800 + number for number in range(200)
    }
    await mirrored(bridge_connection, len(stored))
    kept = {e.queue: e.count for e in await read_all(bridge_connection, STATE) if isinstance(e, QueueCount)}
    assert kept == {queue: numbers[-1] for queue, numbers in by_queue.items()}


async def test_a_frozen_server_gets_everything_once_and_the_newest_last(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with running(bridge_connection, nats_server, ack_within_s=0.5) as outbox:
        put(outbox, count("first", 1))
        await flushed(outbox)
        nats_server.freeze()
        # These go into the socket of a server that does not read it: their outcome is unknown. It reads
        # them when it is thawed, perhaps after what was sent over a new connection.
        for number in range(2000):
            put(outbox, complete(f"1{number % 50:02}", number))
            put(outbox, count(f"q{number % 100}", number))
        await until(lambda: not bridge_connection.connected, 15, "noticed that the server hangs")
        for number in range(100):
            put(outbox, count(f"q{number}", 10_000 + number))
        nats_server.thaw()
        await flushed(outbox, 30)

    stored = await read_all(bridge_connection)
    moments = [event.talk_time for event in stored if isinstance(event, AgentComplete)]
    assert sorted(moments) == list(range(2000))
    newest = {event.queue: event.count for event in stored if isinstance(event, QueueCount)}
    assert newest == {"first": 1} | {f"q{number}": 10_000 + number for number in range(100)}


async def test_while_nats_is_away_memory_is_bounded_and_put_returns(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with running(bridge_connection, nats_server, moments_limit=1000) as outbox:
        put(outbox, count("q0", 0))
        await flushed(outbox)
        nats_server.kill()
        await until(lambda: not bridge_connection.connected)
        for number in range(50_000):
            put(outbox, count(f"q{number % 500}", number))
            put(outbox, complete("148", number))

        assert (outbox.pending_states, outbox.pending_moments, outbox.in_flight) == (500, 1000, 0)
        assert outbox.dropped == 49_000
        assert bridge_connection.client.pending_data_size < 10_000


async def test_dropped_moments_are_told_by_one_events_lost_before_those_that_follow(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with running(bridge_connection, nats_server, moments_limit=10) as outbox:
        put(outbox, count("q", 0))
        await flushed(outbox)
        nats_server.kill()
        await until(lambda: not bridge_connection.connected)
        for number in range(25):
            put(outbox, complete("148", number))
        nats_server.start()
        await flushed(outbox)

    _, lost, *kept = await read_all(bridge_connection)
    assert isinstance(lost, EventsLost)
    assert (lost.pbx, lost.count) == ("hq", 15)
    assert lost.since > 1_600_000_000_000
    assert kept == [complete("148", number) for number in range(15, 25)]


async def test_the_same_moment_of_two_bridges_is_stored_once(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with (
        running(bridge_connection, nats_server) as acting,
        connected(nats_server) as other,
        running(other, nats_server) as standby,
    ):
        for outbox in (acting, standby):
            put(outbox, complete("148", 1))
            await flushed(outbox)

    assert await read_all(bridge_connection) == [complete("148", 1)]


async def test_a_full_log_is_said_retried_and_loses_nothing(
    nats_server: NatsServer, bridge_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    async with admin(nats_server) as client:
        js = client.jetstream()
        config = (await js.stream_info(LOG)).config
        # As a full disk would: the log refuses what is published.
        await js.update_stream(config.evolve(max_msgs=5, discard="new"))
        async with running(bridge_connection, nats_server) as outbox:
            await until(lambda: outbox.counters.published == 0 and bridge_connection.connected)
            outbox._log.checked = True  # pyright: ignore[reportPrivateUsage] - or it would find the shape first
            events = [complete("148", number) for number in range(20)]
            for event in events:
                put(outbox, event)
            await until(lambda: outbox.counters.retries >= 3, 10, "retries")
            # A back-off, not a busy loop: a retry a pause, and the pauses double.
            assert outbox.counters.retries < 10
            assert (outbox.counters.published, outbox.dropped) == (5, 0)
            assert "maximum messages exceeded" in caplog.text
            assert caplog.text.count("maximum messages exceeded") == 1
            await until(lambda: outbox.stalled, 10, "stalled")
            await js.update_stream(config)
            await flushed(outbox)
            assert not outbox.stalled
    assert await read_all(bridge_connection) == events


@pytest.mark.parametrize("by_another_bridge", [False, True])
async def test_a_mirror_deleted_underneath_is_made_anew_and_the_bridge_told_to_publish_all(
    nats_server: NatsServer, bridge_connection: Connection, by_another_bridge: bool
) -> None:
    told: list[str] = []
    async with running(bridge_connection, nats_server, on_new_log=lambda: told.append("new")) as outbox:
        put(outbox, count("q", 1))
        await flushed(outbox)
        async with admin(nats_server) as client:
            await client.jetstream().delete_stream(STATE)
        if by_another_bridge:
            await ensure_log(bridge_connection, nats_server.section())

        outbox._log.checked = False  # pyright: ignore[reportPrivateUsage] - it looks every 30 s; now it does
        put(outbox, count("q", 2))

        await until(lambda: told == ["new"], 10, "told")
        await flushed(outbox)


async def test_a_log_deleted_underneath_is_made_anew_and_the_bridge_told_to_publish_all(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    told: list[str] = []
    async with running(bridge_connection, nats_server, on_new_log=lambda: told.append("new")) as outbox:
        put(outbox, count("q", 1))
        await flushed(outbox)
        before = await read_log(bridge_connection)
        async with admin(nats_server) as client:
            await client.jetstream().delete_stream(LOG)
        put(outbox, count("q", 2))
        await flushed(outbox)
        after = await read_log(bridge_connection)

    assert told == ["new"]
    assert after.generation != before.generation
    assert await read_all(bridge_connection) == [count("q", 2)]
    # A mirror that was just made takes a moment; reading the log after it makes up for that.
    assert await load_documents(bridge_connection, "hq") == [count("q", 2)]
    await mirrored(bridge_connection, 1)


async def test_a_store_wiped_while_away_is_another_log(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    told: list[str] = []
    async with running(bridge_connection, nats_server, on_new_log=lambda: told.append("new")) as outbox:
        put(outbox, count("q", 1))
        await flushed(outbox)
        nats_server.kill()
        nats_server.wipe()
        nats_server.start()
        await until(lambda: told == ["new"], 10)


async def test_what_no_server_would_take_does_not_hold_up_the_rest(
    nats_server: NatsServer, bridge_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(bridge_connection, nats_server) as outbox:
        huge = OriginateFailed(pbx="hq", action_id="1", agent="148", reason="x" * 9_000_000)
        outbox.put(huge, "hq:1")
        put(outbox, count("x" * 4000, 1))
        put(outbox, count("", 1))
        put(outbox, count("q", 1))
        await flushed(outbox)
        assert (outbox.counters.refused, outbox.dropped) == (3, 1)

    assert "raise max_payload" in caplog.text
    stored = await read_all(bridge_connection)
    assert [type(event) for event in stored] in ([QueueCount, EventsLost], [EventsLost, QueueCount])


async def test_the_longest_names_and_a_queue_of_a_thousand_members_go_through(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    name = "縁" * 79
    member = MemberFigures(
        agent=name,
        location=f"PJSIP/{name}",
        member_name=name,
        calls_taken=0,
        last_call=None,
        last_pause=None,
        login_time=None,
        incall=False,
        paused=False,
        paused_reason=None,
        penalty=0,
        status="not_inuse",
        membership="dynamic",
        wrapup_time=0,
    )
    summary = MemberSummary(pbx="hq", queue=name, members=(member,) * 1000)
    async with running(bridge_connection, nats_server) as outbox:
        outbox.put(summary, "")
        outbox.put(msgspec.structs.replace(count(name, 1)), "")
        await flushed(outbox)
        assert len(wire.encode(summary)) > 700_000

    assert await read_all(bridge_connection) == [summary, count(name, 1)]


async def test_no_more_than_the_window_is_under_way(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    async with running(bridge_connection, nats_server, ack_within_s=30) as outbox:
        put(outbox, count("q", 1))
        await flushed(outbox)
        nats_server.freeze()
        for number in range(2000):
            put(outbox, count(f"q{number}", number))
        await until(lambda: outbox.in_flight == WINDOW)
        assert outbox.pending_states == 2000 - WINDOW
        nats_server.thaw()
        await flushed(outbox)
        assert outbox.counters.published == 2001


async def test_closing_flushes_within_its_time(
    nats_server: NatsServer, bridge_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(bridge_connection, nats_server, close_within_s=10) as outbox:
        for number in range(1000):
            put(outbox, count(f"q{number}", number))
    assert len(await read_all(bridge_connection)) == 1000

    nats_server.kill()
    await until(lambda: not bridge_connection.connected)
    async with running(bridge_connection, nats_server) as outbox:
        put(outbox, count("q", 1))
    assert "stopped with 1 events not published" in caplog.text


async def test_documents_are_read_back_newest_and_of_this_pbx_alone(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    gone = QueueCount(pbx="hq", queue="old", count=0, gone=True)
    async with running(bridge_connection, nats_server) as outbox:
        for event in (count("a", 1), gone, count("a", 2), complete("148", 1)):
            put(outbox, event)
        outbox.put(QueueCount(pbx="hq2", queue="a", count=9), "")
        await flushed(outbox)
    await bridge_connection.jetstream.publish("pbxis.v1.state.hq.future._._", b'{"type":"future","pbx":"hq"}')

    documents: list[State] = await load_documents(bridge_connection, "hq")

    assert documents == [gone, count("a", 2)]


async def test_only_tombstones_older_than_the_log_are_purged(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    def gone(queue: str) -> QueueCount:
        return QueueCount(pbx="hq", queue=queue, count=0, gone=True)

    async with running(bridge_connection, nats_server) as outbox:
        for event in (gone("a"), gone("back"), count("alive", 1), count("back", 1), gone("new")):
            put(outbox, event)
            await flushed(outbox)
    await mirrored(bridge_connection, 5)
    async with admin(nats_server) as client:
        assert await purge_tombstones(bridge_connection, "hq") == 0
        # As if the first four had become too old.
        await client.jetstream().purge_stream(LOG, seq=5)

    assert await purge_tombstones(bridge_connection, "hq") == 1

    assert await load_documents(bridge_connection, "hq") == [count("alive", 1), count("back", 1), gone("new")]


async def test_heartbeats_go_outside_the_log(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    subscription = await gateway_connection.client.subscribe("pbxis.v1.alive.*")
    await gateway_connection.client.flush()
    asked: list[bool] = []

    def is_well() -> bool:
        asked.append(len(asked) > 0)
        return asked[-1]

    beating = asyncio.create_task(Heartbeat(bridge_connection, "hq", is_well).run())

    for _ in range(2):
        assert (await subscription.next_msg(timeout=5)).subject == "pbxis.v1.alive.hq"
    assert len(asked) >= 3, "the first time it was not well, and nothing was to be said"

    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    assert (await read_log(bridge_connection)).last_sequence == 0

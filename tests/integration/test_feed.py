"""The feed against a real nats-server: no gap, no duplicate, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from nats import errors
from nats.aio.client import Client

from services.gateway.adapters.jetstream_feed import LogFeed
from services.jetstream.connection import Connection
from services.jetstream.log import LOG, STATE, ensure_log
from shared.config import NatsSection
from tests.support.nats import NatsServer, admin, connected
from tests.support.waiting import until

QUEUE = "pbxis.v1.state.hq.queueCount.q{}._"
MOMENT = "pbxis.v1.event.hq.parkedCall._._"


class Recorder:
    """A sink that keeps what it is told; ``calls`` without the documents."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.snapshot: dict[str, bytes] = {}
        self.snapshot_sequences: list[int] = []
        self.live: list[tuple[int, str, bytes]] = []
        self.fail_at = 0

    @property
    def names(self) -> list[object]:
        return [call[0] for call in self.calls]

    @property
    def sequences(self) -> list[int]:
        return [sequence for sequence, _, _ in self.live]

    def begin(self, generation: str) -> None:
        self.calls.append(("begin", generation))
        self.snapshot.clear()
        self.snapshot_sequences.clear()
        self.live.clear()

    def restore(self, subject: str, payload: bytes, sequence: int) -> None:
        self.snapshot[subject] = payload
        self.snapshot_sequences.append(sequence)

    def caught_up(self, last_sequence: int) -> None:
        self.calls.append(("caught_up", last_sequence))

    def deliver(self, subject: str, payload: bytes, sequence: int) -> None:
        if self.fail_at == sequence:
            raise RuntimeError("a bug in the sink")
        self.live.append((sequence, subject, payload))

    def stale(self, reason: str) -> None:
        self.calls.append(("stale", reason))

    def fresh(self) -> None:
        self.calls.append(("fresh",))

    def alive(self, pbx: str) -> None:
        self.calls.append(("alive", pbx))

    def state(self) -> dict[str, bytes]:
        """What a cache would hold."""
        return self.snapshot | {subject: payload for _, subject, payload in self.live if ".state." in subject}


@asynccontextmanager
async def feeding(connection: Connection) -> AsyncGenerator[Recorder]:
    sink = Recorder()
    running = asyncio.create_task(LogFeed(connection, sink).run())
    try:
        yield sink
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def publish(connection: Connection, subject: str, numbers: range, name: str = "") -> None:
    """Each stored, in order, whatever happens to the server."""
    for number in numbers:
        headers = {"Nats-Msg-Id": f"{name or subject}:{number}"}
        async with asyncio.timeout(30):
            while True:
                try:
                    await connection.jetstream.publish(
                        subject.format(number % 50), b"%d" % number, timeout=1, headers=headers
                    )
                except (errors.Error, TimeoutError):
                    continue
                break


async def ready(sink: Recorder, times: int = 1) -> None:
    await until(lambda: sink.names.count("caught_up") == times, 15, "caught up")


async def mirror_has(client: Client, sequence: int) -> None:
    async with asyncio.timeout(10):
        while (await client.jetstream().stream_info(STATE)).state.last_seq < sequence:
            pass


@pytest.fixture
async def section(nats_server: NatsServer, bridge_connection: Connection) -> NatsSection:
    """The log is there."""
    section = nats_server.section()
    await ensure_log(bridge_connection, section)
    return section


@pytest.mark.usefixtures("section")
async def test_an_empty_log_is_ready_at_once(gateway_connection: Connection) -> None:
    async with feeding(gateway_connection) as sink:
        await ready(sink)
    assert sink.names == ["begin", "caught_up"]
    assert (sink.snapshot, sink.live) == ({}, [])


@pytest.mark.usefixtures("section")
async def test_the_snapshot_has_the_newest_of_each_and_the_log_goes_on_behind_it(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    await publish(bridge_connection, QUEUE, range(120))
    async with admin(nats_server) as client:
        await mirror_has(client, 120)

    async with feeding(gateway_connection) as sink:
        await ready(sink)
        assert sink.snapshot == {QUEUE.format(n % 50): b"%d" % n for n in range(70, 120)}
        assert sink.snapshot_sequences == list(range(71, 121))
        assert sink.live == []
        await publish(bridge_connection, MOMENT, range(3))
        await until(lambda: len(sink.live) == 3)
    assert sink.live == [(121 + n, MOMENT, b"%d" % n) for n in range(3)]


@pytest.mark.usefixtures("section")
async def test_moments_behind_the_newest_state_come_before_it_is_caught_up(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    await publish(bridge_connection, QUEUE, range(2))
    await publish(bridge_connection, MOMENT, range(5))
    async with admin(nats_server) as client:
        await mirror_has(client, 2)

    async with feeding(gateway_connection) as sink:
        await ready(sink)
        assert sink.sequences == [3, 4, 5, 6, 7]
        assert sink.calls[-1] == ("caught_up", 7)


@pytest.mark.usefixtures("section")
async def test_a_log_that_aged_below_the_snapshot_is_ready_all_the_same(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    await publish(bridge_connection, QUEUE, range(3))
    await publish(bridge_connection, MOMENT, range(5))
    async with admin(nats_server) as client:
        await mirror_has(client, 3)
        # Age took everything: X + 1 is not in the log any more, and nothing else is.
        await client.jetstream().purge_stream(LOG)

    async with feeding(gateway_connection) as sink:
        await ready(sink)
        assert sink.calls[-1] == ("caught_up", 8)
        await publish(bridge_connection, QUEUE, range(10, 12))
        await until(lambda: sink.sequences == [9, 10])


@pytest.mark.usefixtures("section")
async def test_snapshots_taken_under_load_miss_nothing(
    bridge_connection: Connection, gateway_connection: Connection
) -> None:
    busy = asyncio.create_task(publish(bridge_connection, QUEUE, range(3000)))
    try:
        for _ in range(10):
            async with feeding(gateway_connection) as sink:
                await ready(sink)
                last = max([0, *sink.snapshot_sequences, *sink.sequences])
                state = sink.state()
            # Sequence n was queue (n - 1) % 50 with the value n - 1.
            assert state == {QUEUE.format(n % 50): b"%d" % n for n in range(max(0, last - 50), last)}
    finally:
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)


@pytest.mark.usefixtures("section")
async def test_two_kills_of_the_server_cause_no_gap_and_no_duplicate(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink:
        await ready(sink)
        for kill in range(2):
            # Concurrent publishers: some are answered by the old server, some only by the new one.
            publishing = asyncio.gather(
                *(
                    publish(bridge_connection, MOMENT, range(kill * 400, kill * 400 + 400), f"publisher {n}")
                    for n in range(5)
                )
            )
            await until(lambda at_least=kill * 2000 + 300: len(sink.live) > at_least)
            nats_server.kill()
            nats_server.start()
            await publishing
            await until(lambda all_of_them=kill * 2000 + 2000: len(sink.live) == all_of_them, 20)
        await until(lambda: sink.names[-1] == "fresh")

    assert sink.sequences == list(range(1, 4001))
    assert [name for name in sink.names if name != "alive"] == [
        "begin",
        "caught_up",
        *["stale", "fresh"] * 2,
    ]


@pytest.mark.usefixtures("section")
async def test_a_frozen_server_is_noticed_and_read_on_from_afterwards(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink:
        await ready(sink)
        nats_server.freeze()
        await until(lambda: "stale" in sink.names, 10)
        nats_server.thaw()
        await publish(bridge_connection, MOMENT, range(10))
        await until(lambda: len(sink.live) == 10 and sink.names[-1] == "fresh", 15)
    assert sink.sequences == list(range(1, 11))


@pytest.mark.usefixtures("section")
async def test_a_consumer_deleted_underneath_is_replaced(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink, admin(nats_server) as client:
        await ready(sink)
        await publish(bridge_connection, MOMENT, range(5))
        consumers = await client.jetstream().consumers_info(LOG)
        pushed = [consumer for consumer in consumers if consumer.config.deliver_subject]
        for consumer in pushed:
            await client.jetstream().delete_consumer(LOG, consumer.name)
        await publish(bridge_connection, MOMENT, range(5, 10))
        await until(lambda: len(sink.live) == 10, 15)
    assert sink.sequences == list(range(1, 11))


@pytest.mark.usefixtures("section")
async def test_a_slow_reader_loses_nothing(
    bridge_connection: Connection, gateway_connection: Connection
) -> None:
    # 60 MB: beyond every buffer on the way, so that flow control must hold the server back.
    payload = b"x" * 20_000
    sink = Recorder()
    deliver = sink.deliver
    busy = 0

    def slow(subject: str, payload: bytes, sequence: int) -> None:
        nonlocal busy
        for _ in range(2000):
            busy += 1
        deliver(subject, b"", sequence)

    sink.deliver = slow  # type: ignore[method-assign]
    running = asyncio.create_task(LogFeed(gateway_connection, sink).run())
    await ready(sink)
    window = asyncio.Semaphore(100)

    async def one(number: int) -> None:
        async with window:
            await bridge_connection.jetstream.publish(MOMENT, payload, timeout=20)

    await asyncio.gather(*(one(number) for number in range(3000)))
    await until(lambda: len(sink.live) == 3000, 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert sink.sequences == list(range(1, 3001))
    assert "stale" not in sink.names


@pytest.mark.usefixtures("section")
async def test_a_wiped_store_is_a_new_generation(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink:
        await ready(sink)
        await publish(bridge_connection, QUEUE, range(5))
        await until(lambda: len(sink.live) == 5)
        nats_server.kill()
        nats_server.wipe()
        await until(lambda: not bridge_connection.connected)
        nats_server.start()
        await until(lambda: bridge_connection.connected)
        await ensure_log(bridge_connection, nats_server.section())
        await publish(bridge_connection, QUEUE, range(5, 8), "anew")
        await ready(sink, 2)
        await until(lambda: set(sink.state().values()) == {b"5", b"6", b"7"})

    generations = [call[1] for call in sink.calls if call[0] == "begin"]
    assert len(set(generations)) == 2


@pytest.mark.usefixtures("section")
async def test_what_the_log_dropped_before_it_was_read_means_a_new_snapshot(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink, admin(nats_server) as client:
        await ready(sink)
        await publish(bridge_connection, QUEUE, range(5))
        await until(lambda: len(sink.live) == 5)
        # The gateway is away while the log goes on and forgets.
        await gateway_connection.client.force_reconnect()
        await until(lambda: "stale" in sink.names)
        await publish(bridge_connection, QUEUE, range(5, 60))
        await mirror_has(client, 60)
        await client.jetstream().purge_stream(LOG, seq=58)
        await until(lambda: len(sink.state()) == 50, 15)
    assert sink.state() == {QUEUE.format(n % 50): b"%d" % n for n in range(10, 60)}


@pytest.mark.usefixtures("section")
async def test_a_hole_cut_into_the_log_by_hand_is_passed(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    await publish(bridge_connection, MOMENT, range(5))
    async with admin(nats_server) as client:
        await client.jetstream().delete_msg(LOG, 3)
    async with feeding(gateway_connection) as sink:
        await until(lambda: sink.sequences == [1, 2, 4, 5])
        await ready(sink)
    assert sink.names == ["begin", "caught_up"]


async def test_without_a_log_the_feed_says_so_and_waits(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink:
        await until(lambda: sink.names == ["stale"])
        await ensure_log(bridge_connection, nats_server.section())
        await ready(sink)
    assert sink.names == ["stale", "begin", "caught_up"]


@pytest.mark.usefixtures("section")
async def test_heartbeats_reach_the_sink_also_after_a_restart(
    nats_server: NatsServer, gateway_connection: Connection
) -> None:
    async with feeding(gateway_connection) as sink:
        await ready(sink)
        async with connected(nats_server) as bridge:
            await bridge.client.publish("pbxis.v1.alive.hq")
            await bridge.client.publish("pbxis.v1.alive.a=2Fb")
            await bridge.client.publish("pbxis.v1.alive.not_a_name")
            await until(lambda: sink.names.count("alive") == 2)
        nats_server.kill()
        nats_server.start()
        await until(lambda: gateway_connection.connected and sink.names[-1] == "fresh")
        async with connected(nats_server) as bridge:
            await bridge.client.publish("pbxis.v1.alive.hq")
            await until(lambda: sink.names.count("alive") == 3)
    assert [call[1] for call in sink.calls if call[0] == "alive"] == ["hq", "a/b", "hq"]


@pytest.mark.usefixtures("section")
async def test_a_bug_in_the_sink_ends_the_feed_instead_of_being_passed_over(
    bridge_connection: Connection, gateway_connection: Connection
) -> None:
    sink = Recorder()
    sink.fail_at = 2
    running = asyncio.create_task(LogFeed(gateway_connection, sink).run())
    await ready(sink)
    await publish(bridge_connection, MOMENT, range(3))

    with pytest.raises(RuntimeError, match="a bug in the sink"):
        await asyncio.wait_for(running, 10)
    assert sink.sequences == [1]

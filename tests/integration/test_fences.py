"""The fences on a real nats-server: whom they keep out, and that a burst never drops them from the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from services.ami_bridge.adapters.fences import FENCES, Fences
from services.ami_bridge.adapters.jetstream_outbox import Outbox
from services.ami_bridge.core.kept_moments import Instant, KeptMoments
from services.jetstream import log as log_module
from services.jetstream.connection import Connection, connect
from services.jetstream.delivery import Delivery
from services.jetstream.log import LOG, MESSAGE_ID, ensure_log, read_log
from services.jetstream.push_consumer import PushConsumer
from shared.config import NatsSection
from shared.events import AgentComplete, OriginateFailed, QueueCount
from shared.subjects import fence, is_fence
from tests.support.nats import NatsServer, admin, connected
from tests.support.nats_proxy import nats_proxy
from tests.support.queue_traffic import QUEUE, logged
from tests.support.waiting import until

WITHIN_S = 20.0


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def count(number: int) -> QueueCount:
    return QueueCount(pbx="hq", queue=QUEUE, count=number)


async def fenced(connection: Connection, server: NatsServer, fences: Fences, kept: KeptMoments) -> Outbox:
    outbox = Outbox(connection, server.section(), "hq", fences=fences, kept=kept)
    await outbox.start()
    return outbox


async def test_what_a_bridge_writes_after_another_began_is_refused_whatever_it_believes(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    still_mine = [True]

    async def prove() -> bool:
        return still_mine[0]

    old, new = Fences(bridge_connection, "hq", prove), Fences(bridge_connection, "hq", yes)
    assert await old.put_up()
    kept = KeptMoments(10)
    async with connected(nats_server) as other:
        zombie = await fenced(bridge_connection, nats_server, old, kept)
        zombie.put(count(1), "")
        assert await zombie.flushed(5)
        still_mine[0] = False
        assert await new.put_up()
        leader = await fenced(other, nats_server, new, kept)
        leader.put(count(2), "")
        assert await leader.flushed(5)

        zombie.put(count(3), "")
        zombie.put(OriginateFailed(pbx="hq", action_id="1", agent="148", reason="busy"), "hq:1")
        await asyncio.wait_for(zombie.fenced_off.wait(), WITHIN_S)
        assert not await zombie.flushed(5)
        await zombie.close(5)
        await leader.close(0)

    found = await logged(bridge_connection)
    assert found.events == [count(1), count(2)]
    assert found.fences == 2 * FENCES


async def test_who_may_not_write_puts_up_no_fence(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())

    assert not await Fences(bridge_connection, "hq", no).put_up()
    assert (await read_log(bridge_connection)).last_sequence == 0


async def test_fences_that_another_put_up_during_the_proof_stand(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    faster = Fences(bridge_connection, "hq", yes)
    asked: list[bool] = []

    async def slow_proof() -> bool:
        asked.append(True)
        if len(asked) == 1:
            await faster.put_up()
        return len(asked) == 1

    assert not await Fences(bridge_connection, "hq", slow_proof).put_up()
    assert (await read_log(bridge_connection)).last_sequence == faster.sequence == FENCES


async def test_each_pbx_has_fences_of_its_own(nats_server: NatsServer, bridge_connection: Connection) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    here = Fences(bridge_connection, "hq", yes)
    assert await here.put_up()
    assert await Fences(bridge_connection, "h", yes).put_up()
    outbox = await fenced(bridge_connection, nats_server, here, KeptMoments(10))
    outbox.put(count(1), "")

    assert await outbox.flushed(5)
    assert outbox.counters.retries == 0
    await outbox.close(0)


class Reader:
    """Reads the log as it grows: what is dropped from it later is not missed."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.fences = 0

    def take(self, subject: str, payload: bytes, _delivery: Delivery) -> None:
        if is_fence(subject):
            self.fences += 1
        else:
            self.numbers.append(int(json.loads(payload)["uniqueId"]))


@asynccontextmanager
async def reading(server: NatsServer) -> AsyncGenerator[Reader]:
    reader = Reader()
    async with connected(server, "gateway") as connection:
        consumer = PushConsumer(
            connection, LOG, first_sequence=1, on_message=reader.take, on_idle=lambda: None
        )
        await consumer.open()
        try:
            yield reader
        finally:
            await consumer.close()


def moment(number: int) -> AgentComplete:
    """One of five hundred subjects, so that a full window is under way."""
    return AgentComplete(
        pbx="hq",
        queue=f"q{number % 500}",
        agent=f"a{number % 500}",
        unique_id=str(number),
        talk_time=1,
        hold_time=1,
        recording=None,
        reason="caller",
    )


async def test_a_burst_that_drops_the_fences_from_the_log_keeps_its_order(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section(log_max_bytes=1_048_576)
    await ensure_log(bridge_connection, section)
    fences = Fences(bridge_connection, "hq", yes)
    assert await fences.put_up()
    async with reading(nats_server) as reader:
        outbox = Outbox(bridge_connection, section, "hq", fences=fences)
        await outbox.start()
        for number in range(15_000):
            outbox.put(moment(number), f"hq:{number}")
        assert await outbox.flushed(WITHIN_S)
        await until(lambda: len(reader.numbers) == 15_000, WITHIN_S, "all is read")
        await outbox.close(0)

    assert reader.numbers == list(range(15_000))
    assert outbox.counters.retries == 0
    assert (await read_log(bridge_connection)).first_sequence > 2 * FENCES


async def test_a_burst_of_another_pbx_does_not_drop_them_either(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section(log_max_bytes=1_048_576)
    async with connected(nats_server) as other:
        outboxes: list[Outbox] = []
        for connection, pbx in ((bridge_connection, "hq"), (other, "b")):
            await ensure_log(connection, section)
            fences = Fences(connection, pbx, yes)
            assert await fences.put_up()
            outboxes.append(Outbox(connection, section, pbx, fences=fences))
            await outboxes[-1].start()
        quiet, busy = outboxes
        for burst in range(10):
            for number in range(burst * 500, burst * 500 + 500):
                busy.put(moment(number), f"b:{number}")
            assert await busy.flushed(WITHIN_S)
            quiet.put(count(burst), "")
            assert await quiet.flushed(WITHIN_S)
        for outbox in outboxes:
            await outbox.close(0)

    assert [outbox.counters.retries for outbox in outboxes] == [0, 0]


async def test_fences_that_were_removed_are_put_up_again_under_a_full_load(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    fences = Fences(bridge_connection, "hq", yes)
    assert await fences.put_up()
    outbox = await fenced(bridge_connection, nats_server, fences, KeptMoments(10_000))
    async with admin(nats_server) as client:
        await client.jetstream().purge_stream(LOG, subject=fence("hq"))
        for number in range(3000):
            outbox.put(QueueCount(pbx="hq", queue=f"q{number}", count=number), "")
        assert await outbox.flushed(WITHIN_S)
    await outbox.close(0)

    found = await logged(bridge_connection)
    assert [event.count for event in found.events if isinstance(event, QueueCount)] == list(range(3000))
    assert found.fences == FENCES


async def test_an_outbox_that_is_held_leaves_a_whole_beginning_to_the_next(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    old = Fences(bridge_connection, "hq", yes)
    assert await old.put_up()
    kept = KeptMoments(10_000)
    outbox = await fenced(bridge_connection, nats_server, old, kept)
    for number in range(8000):
        kept.keep(moment(number), f"hq:{number}", Instant(0, 0))
        outbox.put(moment(number), f"hq:{number}")
    await until(lambda: outbox.counters.published > 500, WITHIN_S)

    assert await outbox.hold(WITHIN_S)

    stored = outbox.counters.published
    assert 0 < outbox.pending_moments == 8000 - stored
    async with connected(nats_server) as other:
        new = Fences(other, "hq", yes)
        assert await new.put_up()
        found = await logged(other)
        assert [int(e.unique_id) for e in found.events if isinstance(e, AgentComplete)] == list(range(stored))
        assert [int(one.event.unique_id) for one in kept if isinstance(one.event, AgentComplete)] == list(
            range(stored, 8000)
        )
        assert outbox.counters.retries == 0

        outbox.go_on()  # as it may, when nobody else went on
        assert await outbox.flushed(WITHIN_S)
        await outbox.close(0)
        found = await logged(other)
        assert [int(e.unique_id) for e in found.events if isinstance(e, AgentComplete)] == list(range(8000))


async def test_what_an_old_connection_still_holds_is_not_stored_after_a_new_one_was_made(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the old connection delivered it when its name is forgotten.
    monkeypatch.setattr(log_module, "_DUPLICATE_WINDOW_S", 0.1)
    async with nats_proxy(nats_server.port) as proxy, connected(nats_server) as reader:
        section = NatsSection(url=proxy.url, username="bridge", password="bridge")
        connection = await connect(section, "bridge", within_s=10)
        try:
            await ensure_log(connection, section)
            fences = Fences(connection, "hq", yes)
            assert await fences.put_up()
            outbox = Outbox(connection, section, "hq", fences=fences)
            await outbox.start()
            outbox.put(moment(0), "hq:0")
            assert await outbox.flushed(WITHIN_S)
            changes: list[bool] = []
            connection.listen(changes.append)
            proxy.hold()
            outbox.put(moment(1), "hq:1")
            # The server seems to hang, so another connection is made; the old one is not dead yet.
            await until(lambda: changes == [False, True], WITHIN_S, "another connection is made")
            outbox.put(moment(2), "hq:2")
            outbox.put(moment(501), "hq:501")  # of the same subject as what the old connection holds
            assert await outbox.flushed(WITHIN_S)
            await until_forgotten(reader)

            await proxy.deliver()

            outbox.put(moment(3), "hq:3")
            assert await outbox.flushed(WITHIN_S)
            await outbox.close(0)
        finally:
            await connection.close()
        found = await logged(reader)

    assert [int(e.unique_id) for e in found.events if isinstance(e, AgentComplete)] == [0, 1, 2, 501, 3]


async def until_forgotten(connection: Connection) -> None:
    """Wait until the log takes a name again that it has just stored."""
    async with asyncio.timeout(WITHIN_S):
        subject, headers = "pbxis.v1.fence.other.0", {MESSAGE_ID: "other:0"}
        first = await connection.jetstream.publish(subject, b"", headers=headers)
        while (await connection.jetstream.publish(subject, b"", headers=headers)).seq == first.seq:
            pass

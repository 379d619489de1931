"""The audit on a real NATS: written whatever becomes of NATS, each record once, and read without a gap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import count

import msgspec
import pytest

from services.gateway.adapters.audit_reader import NatsAuditReader
from services.gateway.adapters.audit_stream import AuditStream
from services.gateway.errors import BusAwayError
from services.gateway.ports import AuditReading
from services.jetstream.connection import Connection
from shared import audit
from shared.audit import AuditRecord
from tests.support.nats import NatsServer, admin, connected
from tests.support.waiting import until

_numbers = count(1)


def ended(name: str = "crm", pbx: str | None = "hq") -> AuditRecord:
    return AuditRecord(
        id=f"pbxis-{next(_numbers)}",
        at=1,
        phase="ended",
        caller=name,
        caller_id="k1",
        action="hangup",
        pbx=pbx,
        result="done",
    )


@asynccontextmanager
async def writing(
    connection: Connection, *, limit: int = 10_000, ack_within_s: float = 5, max_age_s: int = 3600
) -> AsyncGenerator[AuditStream]:
    stream = AuditStream(connection, max_age_s=max_age_s, replicas=1, limit=limit, ack_within_s=ack_within_s)
    task = asyncio.create_task(stream.run())
    try:
        await until(lambda: not stream.not_ready)
        yield stream
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def stream(gateway_connection: Connection) -> AsyncGenerator[AuditStream]:
    async with writing(gateway_connection) as found:
        yield found


async def stored(connection: Connection, wanted: Callable[[int], bool]) -> list[AuditRecord]:
    """All records of the stream, once there are so many."""
    found: list[AuditRecord] = []
    async with NatsAuditReader(connection).read(0, 0) as reading, asyncio.timeout(10):
        while not wanted(len(found)):
            found += await read(reading)
    return found


async def read(reading: AuditReading) -> list[AuditRecord]:
    return [audit.decode(entry.record) for entry in await reading.next(0.2)]


async def test_beginning_and_end_are_stored_on_their_pbxs_subject(
    stream: AuditStream, gateway_connection: Connection, nats_server: NatsServer
) -> None:
    one, none = ended(), ended(pbx=None)
    begun = msgspec.structs.replace(one, phase="begun", result=None)
    await stream.begin(begun)
    stream.write(one)
    stream.write(none)
    await stream.flush(5)

    assert await stored(gateway_connection, lambda number: number == 3) == [begun, one, none]
    async with admin(nats_server) as client:
        info = await client.jetstream().stream_info("PBXIS_AUDIT", subjects_filter=">")
    assert info.state.subjects == {"pbxis.v1.audit.hq": 2, "pbxis.v1.audit._": 1}
    assert (info.config.storage, info.config.max_age) == ("file", 3600)


async def test_each_end_is_one_json_object_a_line_in_the_log(
    stream: AuditStream, caplog: pytest.LogCaptureFixture
) -> None:
    record = ended("a\nb")
    with caplog.at_level(logging.INFO, "pbxis.audit"):
        await stream.begin(ended())
        stream.write(record)

    (line,) = [entry.getMessage() for entry in caplog.records if entry.name == "pbxis.audit"]
    assert "\n" not in line
    assert audit.decode(line.encode()) == record


async def test_ends_while_nats_is_away_are_stored_when_it_is_back(
    stream: AuditStream, gateway_connection: Connection, nats_server: NatsServer
) -> None:
    nats_server.kill()
    await until(lambda: not gateway_connection.connected)
    records = [ended() for _ in range(100)]
    await stream.begin(ended("lost with NATS"))
    for record in records:
        stream.write(record)
    assert stream.waiting == 100

    await asyncio.to_thread(nats_server.start)
    await stream.flush(10)

    found = await stored(gateway_connection, lambda number: number >= 100)
    assert sorted(found, key=lambda one: one.id) == sorted(records, key=lambda one: one.id)


async def test_what_is_sent_again_is_stored_once(
    gateway_connection: Connection, nats_server: NatsServer
) -> None:
    async with writing(gateway_connection, ack_within_s=0.2) as stream:
        nats_server.freeze()  # it has the bytes, and acts on them when it goes on
        stream.write(ended())
        await until(lambda: stream.waiting == 1)
        nats_server.thaw()
        await stream.flush(10)
        stream.write(ended())
        await stream.flush(10)

        assert len(await stored(gateway_connection, lambda number: number >= 2)) == 2


async def test_memory_stays_flat_while_nats_is_away_and_what_is_dropped_is_told(
    gateway_connection: Connection, nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with writing(gateway_connection, limit=10) as stream:
        nats_server.kill()
        await until(lambda: not gateway_connection.connected)
        records = [ended() for _ in range(35)]
        for record in records:
            stream.write(record)
        assert (stream.waiting, stream.dropped) == (10, 25)
        assert caplog.text.count("the oldest audit records are in this log alone") == 1

        await asyncio.to_thread(nats_server.start)
        await stream.flush(10)

        assert "25 audit records were not stored" in caplog.text
        assert await stored(gateway_connection, lambda number: number >= 10) == records[25:]


async def test_stream_that_was_lost_is_made_anew(
    stream: AuditStream, gateway_connection: Connection, nats_server: NatsServer
) -> None:
    async with admin(nats_server) as client:
        await client.jetstream().delete_stream("PBXIS_AUDIT")
    record = ended()
    stream.write(record)
    await stream.flush(10)

    assert await stored(gateway_connection, lambda number: number >= 1) == [record]


async def test_stream_follows_the_configured_age(gateway_connection: Connection) -> None:
    for max_age_s in (3600, 7200):
        async with writing(gateway_connection, max_age_s=max_age_s):
            info = await gateway_connection.jetstream.stream_info("PBXIS_AUDIT")
            assert info.config.max_age == max_age_s


async def test_end_that_cannot_be_stored_is_given_up_in_time(
    stream: AuditStream,
    gateway_connection: Connection,
    nats_server: NatsServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    nats_server.kill()
    await until(lambda: not gateway_connection.connected)
    stream.write(ended())

    await stream.flush(0.01)

    assert "1 audit records not stored" in caplog.text


async def test_reader_begins_with_the_newest_and_goes_on_live(
    stream: AuditStream, gateway_connection: Connection
) -> None:
    records = [ended() for _ in range(20)]
    for record in records:
        stream.write(record)
    await stream.flush(5)

    async with NatsAuditReader(gateway_connection).read(None, 5) as reading:
        found: list[AuditRecord] = []
        async with asyncio.timeout(10):
            while len(found) < 5:
                found += await read(reading)
        assert found == records[15:]
        live = ended()
        stream.write(live)
        async with asyncio.timeout(10):
            while not (found := await read(reading)):
                pass
        assert found == [live]


async def test_reader_goes_on_behind_a_sequence_and_over_a_restart_of_nats(
    stream: AuditStream, gateway_connection: Connection, nats_server: NatsServer
) -> None:
    records = [ended() for _ in range(6)]
    for record in records[:4]:
        stream.write(record)
        await stream.flush(5)
    found: list[AuditRecord] = []
    async with NatsAuditReader(gateway_connection).read(2, 100) as reading, asyncio.timeout(30):
        while len(found) < 2:
            found += await read(reading)
        nats_server.kill()
        await until(lambda: not gateway_connection.connected)
        await asyncio.to_thread(nats_server.start)
        for record in records[4:]:
            stream.write(record)
            await stream.flush(10)
        while len(found) < 4:
            found += await read(reading)

        assert found == records[2:]
        assert await read(reading) == []


@pytest.mark.parametrize("after", [3, 7, 10**17])
async def test_sequence_that_there_is_not_is_as_none(
    stream: AuditStream, gateway_connection: Connection, after: int
) -> None:
    record = ended()
    stream.write(record)
    await stream.flush(5)
    async with NatsAuditReader(gateway_connection).read(after, 100) as reading, asyncio.timeout(10):
        while not (found := await read(reading)):
            pass
    assert found == [record]


async def test_reader_that_is_slow_gets_everything_and_holds_little(
    stream: AuditStream, gateway_connection: Connection
) -> None:
    records = [ended() for _ in range(3000)]
    for record in records:
        stream.write(record)
    await stream.flush(20)

    found: list[str] = []
    async with NatsAuditReader(gateway_connection).read(0, 0) as reading, asyncio.timeout(60):
        while len(found) < 3000:
            entries = await reading.next(1)
            assert len(entries) <= 500
            found += [audit.decode(entry.record).id for entry in entries]
            await asyncio.sleep(0)
    assert found == [record.id for record in records]


async def test_audit_that_cannot_be_read_is_said_to_be(
    gateway_connection: Connection, nats_server: NatsServer
) -> None:
    reader = NatsAuditReader(gateway_connection)
    with pytest.raises(BusAwayError):  # there is none yet
        async with reader.read(None, 5):
            pass
    nats_server.kill()
    await until(lambda: not gateway_connection.connected)
    with pytest.raises(BusAwayError):
        async with reader.read(None, 5):
            pass


async def test_a_bridge_can_neither_write_nor_read_the_audit(
    stream: AuditStream, nats_server: NatsServer, gateway_connection: Connection
) -> None:
    async with connected(nats_server, "bridge") as bridge:
        await bridge.client.publish("pbxis.v1.audit.hq", audit.encode(ended()))
        with pytest.raises(BusAwayError):
            async with NatsAuditReader(bridge).read(None, 5):
                pass
    record = ended()
    stream.write(record)
    await stream.flush(5)

    assert await stored(gateway_connection, lambda number: number >= 1) == [record]

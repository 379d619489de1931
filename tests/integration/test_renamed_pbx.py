"""What is left of a PBX whose name is no more, and how it is removed: as docs/growing.md says it."""

from __future__ import annotations

from services.ami_bridge.adapters.jetstream_outbox import Outbox
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.published_states import load_documents
from services.jetstream.connection import Connection
from services.jetstream.log import LOG, STATE
from services.jetstream.reading import read_to_end
from shared.events import PbxStatus, QueueCount
from tests.support.nats import NatsServer, admin, connected


async def publish(connection: Connection, server: NatsServer, pbx: str, count: int) -> None:
    """What a bridge would, until it is stopped."""
    outbox = Outbox(connection, server.section(), pbx)
    await outbox.start()
    outbox.put(QueueCount(pbx=pbx, queue="sales", count=count), "")
    outbox.put(PbxStatus(pbx=pbx, status="offline", since=1), "")
    assert await outbox.flushed(20)
    await outbox.close(0)


async def subjects(connection: Connection, stream: str) -> set[str]:
    """All that it has."""
    found: set[str] = set()
    await read_to_end(connection, stream, lambda subject, _payload, _sequence: found.add(subject))
    return found


async def counts(connection: Connection, pbx: str) -> list[int]:
    """What a bridge of that name would begin with."""
    documents = await load_documents(connection, pbx)
    return [document.count for document in documents if isinstance(document, QueueCount)]


async def test_the_states_of_a_pbx_that_is_no_more_can_be_purged_for_good_and_nothing_else_is_lost(
    nats_server: NatsServer,
) -> None:
    async with connected(nats_server) as connection:
        known = KnownLog(connection, nats_server.section())
        await known.check()
        await publish(connection, nats_server, "branch", 1)
        await publish(connection, nats_server, "my.old", 2)
        await known.check()
        assert (await counts(connection, "my.old"), await counts(connection, "branch")) == ([2], [1])

        async with admin(nats_server) as client:
            for stream in (LOG, STATE):
                await client.jetstream().purge_stream(stream, subject="pbxis.v1.state.my=2Eold.>")
        nats_server.kill()
        nats_server.start()

    async with connected(nats_server) as connection:
        again = KnownLog(connection, nats_server.section())
        assert known.end is not None
        again.heard(known.end)
        assert not await again.check()
        assert again.generation == known.generation

        await publish(connection, nats_server, "branch", 3)
        assert (await counts(connection, "my.old"), await counts(connection, "branch")) == ([], [3])
        for stream in (LOG, STATE):
            assert not any("old" in subject for subject in await subjects(connection, stream))

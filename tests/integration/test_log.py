"""The log and its mirror, against a real nats-server."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from nats.js import api

from services.jetstream.connection import Connection, connect
from services.jetstream.errors import (
    LogMissingError,
    LogShapeError,
    NatsRefusedError,
    NatsUnavailableError,
)
from services.jetstream.log import GENERATION, LOG, MESSAGE_ID, STATE, LogEnd, ensure_log, read_log
from shared.config import NatsSection
from shared.errors import ConfigError
from tests.support.nats import NatsServer, admin, connected, free_port


async def test_both_streams_are_made_as_documented(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section(log_max_age_s=7200, log_max_bytes=50_000_000)

    info = await ensure_log(bridge_connection, section)

    log = (await bridge_connection.jetstream.stream_info(LOG)).config
    state = (await bridge_connection.jetstream.stream_info(STATE)).config
    assert (info.first_sequence, info.last_sequence) == (1, 0)
    assert log.subjects == ["pbxis.v1.state.>", "pbxis.v1.event.>", "pbxis.v1.fence.>"]
    assert (log.max_age, log.max_bytes, log.duplicate_window) == (7200, 50_000_000, 120)
    assert (log.storage, log.discard, log.num_replicas) == ("file", "old", 1)
    assert log.max_msgs_per_subject == -1
    assert state.mirror is not None
    assert (state.mirror.name, state.mirror.filter_subject) == (LOG, "pbxis.v1.state.>")
    assert (state.max_msgs_per_subject, state.max_age, state.storage) == (1, 0, "file")
    assert {log.metadata[GENERATION], state.metadata[GENERATION]} == {info.generation}  # type: ignore[index]


async def test_making_it_again_changes_nothing(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    first = await ensure_log(bridge_connection, section)

    assert await ensure_log(bridge_connection, section) == first


async def test_two_bridges_that_start_together_agree(nats_server: NatsServer) -> None:
    section = nats_server.section()
    async with connected(nats_server) as one, connected(nats_server) as two:
        found = await asyncio.gather(ensure_log(one, section), ensure_log(two, section))
        assert (await read_log(one)).generation in {info.generation for info in found}
        assert await ensure_log(one, section) == await ensure_log(two, section)


async def test_a_changed_age_and_size_are_taken_over(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    before = await ensure_log(bridge_connection, nats_server.section())

    # The age is below the usual duplicate window, which the server refuses to be longer than it.
    section = nats_server.section(log_max_age_s=60, log_max_bytes=2_000_000)
    after = await ensure_log(bridge_connection, section)

    config = (await bridge_connection.jetstream.stream_info(LOG)).config
    assert (config.max_age, config.max_bytes, config.duplicate_window) == (60, 2_000_000, 60)
    assert after.generation == before.generation


@pytest.mark.parametrize(
    ("stream", "setting"),
    [
        (api.StreamConfig(name=LOG, subjects=["pbxis.>"]), "subjects"),
        (
            api.StreamConfig(
                name=LOG,
                subjects=["pbxis.v1.state.>", "pbxis.v1.event.>", "pbxis.v1.fence.>"],
                storage=api.StorageType.MEMORY,
            ),
            "storage",
        ),
        (api.StreamConfig(name=STATE, subjects=["x"], metadata={GENERATION: "abc"}), "mirror"),
    ],
)
async def test_a_stream_of_another_shape_is_refused_and_left_alone(
    nats_server: NatsServer, bridge_connection: Connection, stream: api.StreamConfig, setting: str
) -> None:
    async with admin(nats_server) as client:
        if stream.name == STATE:
            await client.jetstream().add_stream(
                name=LOG, subjects=["pbxis.v1.state.>", "pbxis.v1.event.>"], metadata={GENERATION: "abc"}
            )
        await client.jetstream().add_stream(stream)

        with pytest.raises(LogShapeError, match=f"{setting} is"):
            await ensure_log(bridge_connection, nats_server.section())
        assert (await client.jetstream().stream_info(str(stream.name))).config.subjects == stream.subjects


async def test_a_log_of_an_earlier_version_is_brought_in_line_with_all_that_is_in_it(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    before = await ensure_log(bridge_connection, section)
    config = (await bridge_connection.jetstream.stream_info(LOG)).config
    config.subjects = ["pbxis.v1.state.>", "pbxis.v1.event.>"]
    await bridge_connection.jetstream.update_stream(config)
    await bridge_connection.jetstream.publish("pbxis.v1.state.hq.queueCount.q1._", b"1")

    after = await ensure_log(bridge_connection, section)

    assert (after.generation, after.last_sequence) == (before.generation, 1)
    fence = await bridge_connection.jetstream.publish("pbxis.v1.fence.hq.0", b"")
    assert (fence.stream, fence.seq) == (LOG, 2)


async def test_a_mirror_of_another_log_is_made_anew(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    old = await ensure_log(bridge_connection, section)
    await bridge_connection.jetstream.publish("pbxis.v1.state.hq.queueCount.q1._", b"1")
    async with admin(nats_server) as client:
        await client.jetstream().delete_stream(LOG)
    with pytest.raises(LogMissingError):
        await read_log(bridge_connection)

    new = await ensure_log(bridge_connection, section)

    assert new.generation != old.generation
    assert await read_log(bridge_connection) == new
    assert (await bridge_connection.jetstream.stream_info(STATE)).state.messages == 0


async def test_a_log_that_lost_its_end_gets_a_new_generation(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    old = await ensure_log(bridge_connection, section)
    await bridge_connection.jetstream.publish("pbxis.v1.state.hq.queueCount.q1._", b"1")

    known = LogEnd(old.generation, 1)
    assert (await ensure_log(bridge_connection, section, known=known)).generation == old.generation
    renewed = await ensure_log(bridge_connection, section, known=LogEnd(old.generation, 2))

    assert renewed.generation != old.generation
    assert (await read_log(bridge_connection)).generation == renewed.generation


async def test_a_log_that_lost_its_end_and_went_on_gets_a_new_generation(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    old = await ensure_log(bridge_connection, section)
    for name in ("a", "b"):
        subject = "pbxis.v1.event.hq.agentComplete.q1._"
        await bridge_connection.jetstream.publish(subject, b"1", headers={MESSAGE_ID: name})

    for known in (LogEnd(old.generation, 1, "a"), LogEnd(old.generation, 1), LogEnd("another", 1, "c")):
        assert (await ensure_log(bridge_connection, section, known=known)).generation == old.generation
    renewed = await ensure_log(bridge_connection, section, known=LogEnd(old.generation, 1, "c"))

    assert renewed.generation != old.generation
    assert await read_log(bridge_connection) == renewed


async def test_a_log_that_dropped_what_was_known_of_it_is_the_same(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    old = await ensure_log(bridge_connection, section)
    for _ in range(2):
        await bridge_connection.jetstream.publish("pbxis.v1.state.hq.queueCount.q1._", b"1")
    async with admin(nats_server) as client:
        await client.jetstream().purge_stream(LOG, seq=2)

    found = await ensure_log(bridge_connection, section, known=LogEnd(old.generation, 1, "a"))

    assert (found.generation, found.first_sequence) == (old.generation, 2)


async def test_bridges_that_find_the_loss_at_once_agree(nats_server: NatsServer) -> None:
    section = nats_server.section()
    async with contextlib.AsyncExitStack() as stack:
        bridges = [await stack.enter_async_context(connected(nats_server)) for _ in range(8)]
        old = await ensure_log(bridges[0], section)
        known = LogEnd(old.generation, 100)
        await asyncio.gather(*(ensure_log(bridge, section, known=known) for bridge in bridges))

        found = [await ensure_log(bridge, section, known=known) for bridge in bridges]
        assert found[0].generation != old.generation
        assert found == [await read_log(bridges[0])] * len(bridges)


async def test_a_replicated_log_that_catches_up_has_lost_nothing(
    nats_server: NatsServer, bridge_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = nats_server.section()
    old = await ensure_log(bridge_connection, section)
    looked = asyncio.Event()
    look = bridge_connection.jetstream.stream_info

    async def stream_info(name: str) -> api.StreamInfo:
        found = await look(name)
        # A single server cannot copy; what is there it calls so.
        found.config.num_replicas = 3
        if name == LOG:
            looked.set()
        return found

    monkeypatch.setattr(bridge_connection.jetstream, "stream_info", stream_info)
    checking = asyncio.create_task(
        ensure_log(bridge_connection, nats_server.section(replicas=3), known=LogEnd(old.generation, 1))
    )
    await looked.wait()
    await bridge_connection.jetstream.publish("pbxis.v1.state.hq.queueCount.q1._", b"1")

    found = await asyncio.wait_for(checking, 5)

    assert (found.generation, found.last_sequence) == (old.generation, 1)


async def test_a_sequence_of_another_generation_says_nothing_of_this_log(
    nats_server: NatsServer, bridge_connection: Connection
) -> None:
    section = nats_server.section()
    made = await ensure_log(bridge_connection, section)

    found = await ensure_log(bridge_connection, section, known=LogEnd("another", 10**6))

    assert found == made


async def test_a_gateway_waits_for_a_log_and_cannot_make_one(
    nats_server: NatsServer, gateway_connection: Connection
) -> None:
    with pytest.raises(LogMissingError, match="a bridge makes it"):
        await read_log(gateway_connection)


async def test_a_connection_without_a_server_says_so_in_time() -> None:
    section = NatsSection(url=f"nats://127.0.0.1:{free_port()}")

    with pytest.raises(NatsUnavailableError, match="cannot be reached"):
        await connect(section, "bridge", within_s=0.5)


async def test_a_connection_waits_for_a_server_that_comes_later(nats_server: NatsServer) -> None:
    nats_server.kill()
    waiting = asyncio.create_task(connect(nats_server.section(), "bridge"))
    nats_server.start()

    connection = await asyncio.wait_for(waiting, 10)

    assert connection.connected
    await connection.close()


async def test_a_wrong_password_is_refused_at_once_and_not_shown(nats_server: NatsServer) -> None:
    section = NatsSection(url=nats_server.url, username="bridge", password="hidden-word")

    with pytest.raises(NatsRefusedError, match="wrong user name or password") as refused:
        await connect(section, "bridge")
    assert "hidden-word" not in str(refused.value)


async def test_a_server_without_tls_is_refused_where_tls_is_asked_for(nats_server: NatsServer) -> None:
    section = NatsSection(
        url=nats_server.url.replace("nats://", "tls://"), username="bridge", password="hidden-word"
    )

    with pytest.raises(NatsRefusedError, match="does not offer TLS"):
        await connect(section, "bridge")


async def test_no_url_and_an_unreadable_ca_are_errors_of_the_configuration(nats_server: NatsServer) -> None:
    with pytest.raises(ConfigError, match=r"nats\.url"):
        await connect(NatsSection(), "bridge")
    with pytest.raises(ConfigError, match=r"nats\.tls_ca"):
        await connect(NatsSection(url=nats_server.url, tls_ca="/does/not/exist"), "bridge")


async def test_a_connection_survives_an_error_that_ends_it_on_the_server(nats_server: NatsServer) -> None:
    changes: list[bool] = []
    back = asyncio.Event()
    async with connected(nats_server) as connection:

        def on_change(up: bool) -> None:
            changes.append(up)
            if up:
                back.set()

        connection.listen(on_change)

        # A protocol error: the server answers `-ERR` and closes, upon which nats-py would close for good.
        await connection.client._send_command(b"NONSENSE\r\n")  # pyright: ignore[reportPrivateUsage]
        await connection.client._flush_pending()  # pyright: ignore[reportPrivateUsage]

        await asyncio.wait_for(back.wait(), 10)
        assert changes == [False, True]
        await connection.client.flush()

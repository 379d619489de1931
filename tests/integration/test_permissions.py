"""What the users of the embedded server may do, shown on the server itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import nats
import pytest
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.kv import KeyValue

from services.jetstream.connection import Connection, Role
from services.jetstream.log import LOG, STATE, ensure_log
from services.jetstream.permissions import CURSORS, TICKETS
from tests.support.nats import NatsServer, admin
from tests.support.waiting import until

STATE_SUBJECT = "pbxis.v1.state.hq.pbxStatus._._"


@asynccontextmanager
async def user(server: NatsServer, role: Role) -> AsyncGenerator[tuple[Client, list[str]]]:
    """A client of nats-py, and what the server reproached it with."""
    reproaches: list[str] = []

    async def on_error(error: Exception) -> None:
        reproaches.append(str(error))

    client = await nats.connect(server.url, user=role, password=role, error_cb=on_error)
    try:
        yield client, reproaches
    finally:
        await client.close()


GATEWAY_MAY_NOT_PUBLISH = [
    STATE_SUBJECT,
    "pbxis.v1.event.hq.parkedCall._._",
    "pbxis.v1.alive.hq",
    "pbxis.v1.fence.hq.0",
    "pbxis.v2.cmd.hq.originate",
    f"$JS.API.STREAM.CREATE.{LOG}",
    f"$JS.API.STREAM.UPDATE.{LOG}",
    f"$JS.API.STREAM.DELETE.{LOG}",
    f"$JS.API.STREAM.PURGE.{LOG}",
    f"$JS.API.STREAM.PURGE.{STATE}",
    f"$JS.API.STREAM.DELETE.{STATE}",
    f"$JS.API.STREAM.MSG.DELETE.{LOG}",
    f"$JS.API.STREAM.RESTORE.{LOG}",
    f"$JS.API.STREAM.DELETE.KV_{TICKETS}",
    "$JS.API.STREAM.CREATE.OTHER",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.CREATE.KV_PBXIS_LEASE",
    "$KV.PBXIS_LEASE.hq",
    "_INBOX.bridge.forged",
    "$SYS.REQ.SERVER.PING",
    "anything",
]
BRIDGE_MAY_NOT_PUBLISH = [
    "pbxis.v1.cmd.hq.originate",
    f"$JS.API.STREAM.DELETE.{LOG}",
    f"$JS.API.STREAM.PURGE.{LOG}",
    f"$JS.API.STREAM.MSG.DELETE.{LOG}",
    f"$KV.{TICKETS}.abc",
    f"$JS.API.STREAM.INFO.KV_{TICKETS}",
    "_INBOX.gateway.unasked",
    "anything",
]


@pytest.mark.parametrize(
    ("role", "subject"),
    [("gateway", subject) for subject in GATEWAY_MAY_NOT_PUBLISH]
    + [("bridge", subject) for subject in BRIDGE_MAY_NOT_PUBLISH],
)
async def test_what_a_user_may_not_publish(nats_server: NatsServer, role: Role, subject: str) -> None:
    async with user(nats_server, role) as (client, reproaches), admin(nats_server) as watcher:
        heard = await watcher.subscribe(subject)
        await watcher.flush()

        await client.publish(subject, b"forged")
        await until(lambda: reproaches, 5, "a reproach of the server")
        await watcher.flush()

        assert [f'publish to "{subject.lower()}"' in reproach for reproach in reproaches] == [True]
        assert heard.pending_msgs == 0


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("gateway", ">"),
        ("gateway", "pbxis.v1.cmd.>"),
        ("gateway", "pbxis.>"),
        ("gateway", "_INBOX.>"),
        ("gateway", "_INBOX.bridge.>"),
        ("gateway", "$KV.PBXIS_LEASE.>"),
        ("bridge", ">"),
        ("bridge", "_INBOX.gateway.>"),
        ("bridge", f"$KV.{TICKETS}.>"),
        ("bridge", "$SYS.>"),
    ],
)
async def test_what_a_user_may_not_listen_to(nats_server: NatsServer, role: Role, subject: str) -> None:
    async with user(nats_server, role) as (client, reproaches):
        await client.subscribe(subject)
        await until(lambda: reproaches, 5, "a reproach of the server")

        assert [f'subscription to "{subject.lower()}"' in reproach for reproach in reproaches] == [True]


@pytest.mark.parametrize(
    "credentials",
    [{}, {"user": "gateway"}, {"user": "gateway", "password": "bridge"}, {"token": "gateway"}],
)
async def test_nobody_else_gets_in(nats_server: NatsServer, credentials: dict[str, str]) -> None:
    client = Client()
    try:
        with pytest.raises(errors.Error, match=r"(?i)authorization"):
            await client.connect(nats_server.url, allow_reconnect=False, error_cb=_ignore, **credentials)  # type: ignore[arg-type]
    finally:
        await client.close()


async def _ignore(_error: Exception) -> None:
    pass


async def test_a_gateway_reads_both_streams_but_may_not_write_them(
    nats_server: NatsServer, bridge_connection: Connection, gateway_connection: Connection
) -> None:
    await ensure_log(bridge_connection, nats_server.section())
    await bridge_connection.jetstream.publish(STATE_SUBJECT, b"1")

    for stream in (LOG, STATE):
        assert (await gateway_connection.jetstream.stream_info(stream)).config.name == stream
    with pytest.raises(errors.TimeoutError):
        await gateway_connection.jetstream.publish(STATE_SUBJECT, b"2", timeout=0.3)
    assert (await bridge_connection.jetstream.stream_info(LOG)).state.messages == 1


@pytest.mark.parametrize("bucket", [TICKETS, CURSORS])
async def test_a_gateway_has_its_buckets_to_itself(gateway_connection: Connection, bucket: str) -> None:
    js = gateway_connection.jetstream
    made: KeyValue = await js.create_key_value(bucket=bucket, history=1, ttl=60)
    revision = await made.create("abc", b"1")
    await made.update("abc", b"2", last=revision)
    found = await (await js.key_value(bucket)).get("abc")
    assert found.value == b"2"
    watcher = await made.watchall()
    async with asyncio.timeout(5):
        # nats-py tells the end of the first values by None, now and then before them.
        while not isinstance(first := await watcher.updates(timeout=5), KeyValue.Entry):
            pass
    assert first.value == b"2"
    await watcher.stop()
    await made.delete("abc")
    await made.purge("abc")


async def test_a_bridge_answers_commands_of_a_gateway(
    bridge_connection: Connection, gateway_connection: Connection
) -> None:
    async def answer(message: Msg) -> None:
        await message.respond(b"done")

    await bridge_connection.client.subscribe("pbxis.v1.cmd.hq.*", queue="bridge.hq", cb=answer)
    for _ in range(2):  # nats-py's first PING goes out ahead of what waits to be written
        await bridge_connection.client.flush()

    reply = await gateway_connection.client.request("pbxis.v1.cmd.hq.originate", b"{}", timeout=5)

    assert reply.data == b"done"


async def test_a_command_without_a_bridge_is_answered_at_once(gateway_connection: Connection) -> None:
    with pytest.raises(errors.NoRespondersError):
        await gateway_connection.client.request("pbxis.v1.cmd.hq.originate", b"{}", timeout=5)

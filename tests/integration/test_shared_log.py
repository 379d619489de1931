"""Bridges of several PBXs and one log: one that lost its end, was made anew, or takes nothing."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from nats.js.kv import KV_OP

from services.ami_bridge import ability
from services.ami_bridge.adapters.fences import FENCES, Fences
from services.ami_bridge.adapters.jetstream_outbox import Outbox
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.log_watch import LogWatch
from services.ami_bridge.clocks import steady_s
from services.ami_bridge.core.tenure import LeaseValue, read_value
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError
from services.jetstream.log import LOG, LogEnd, read_log
from services.jetstream.permissions import LEASE
from shared.events import Event, PbxStatus, QueueCount, State
from tests.support.bridge_tasks import bridge_of, playing, until_logged_some
from tests.support.nats import NatsServer, admin, connected
from tests.support.queue_traffic import QUEUE, Traffic, logged, until_logged
from tests.support.waiting import until

WITHIN_S = 15.0


async def yes() -> bool:
    return True


class Writer:
    """A bridge that acts for a PBX, as far as the log sees one."""

    def __init__(self, connection: Connection, server: NatsServer, pbx: str) -> None:
        self.pbx = pbx
        self.connection = connection
        self.known = KnownLog(connection, server.section())
        self.watch = LogWatch(connection, pbx, self.known)
        self.fences = Fences(connection, pbx, yes)
        self.told_anew = 0
        self._server = server

    async def begin(self) -> Outbox:
        """Put its fences up, and publish."""
        assert await self.fences.put_up()
        self.known.has(*self.fences.newest)
        outbox = Outbox(
            self.connection,
            self._server.section(),
            self.pbx,
            fences=self.fences,
            on_new_log=self._on_new_log,
            known=self.known,
        )
        await outbox.start()
        return outbox

    def _on_new_log(self) -> None:
        self.told_anew += 1


@asynccontextmanager
async def writers(server: NatsServer, *pbxs: str) -> AsyncGenerator[list[Writer]]:
    """Each on a connection of its own; they have seen the log."""
    async with AsyncExitStack() as stack:
        made = [Writer(await stack.enter_async_context(connected(server)), server, pbx) for pbx in pbxs]
        for one in made:
            await one.known.check()
            await one.watch.open()
            await one.connection.client.flush()
        yield made


def count(pbx: str, number: int) -> QueueCount:
    return QueueCount(pbx=pbx, queue=QUEUE, count=number)


async def power_cut(server: NatsServer, copy: Path, *writers: Writer) -> None:
    """NATS is there again with what was on the disk when the copy was taken."""
    server.kill()
    await until(lambda: not any(one.connection.connected for one in writers), WITHIN_S)
    server.wipe()
    shutil.copytree(copy, server.folder / "store")
    server.start()
    await until(lambda: all(one.connection.connected for one in writers), WITHIN_S)


def on_the_disk(server: NatsServer, copy: Path) -> None:
    """Take that copy."""
    server.freeze()
    shutil.copytree(server.folder / "store", copy)
    server.thaw()


async def test_what_another_pbx_wrote_since_does_not_hide_that_the_log_lost_its_end(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async with writers(nats_server, "hq", "b") as (hq, b):
        outbox = await hq.begin()
        on_the_disk(nats_server, tmp_path / "copy")
        for number in range(40):
            outbox.put(count("hq", number), "")
            assert await outbox.flushed(WITHIN_S)
        await outbox.close(0)
        before = await read_log(hq.connection)
        await power_cut(nats_server, tmp_path / "copy", hq, b)

        await b.known.check()
        await (await b.begin()).close(0)
        hidden = await read_log(b.connection)
        assert hidden.last_sequence > before.last_sequence
        assert hidden.generation == before.generation  # it does not know
        assert await hq.known.check()

        assert (await read_log(hq.connection)).generation != before.generation


async def test_every_bridge_knows_from_the_leases_of_all_how_far_the_log_goes(
    nats_server: NatsServer,
) -> None:
    async with writers(nats_server, "hq", "b") as (hq, b):
        generation = hq.known.generation or ""
        told = LeaseValue("one", True, 0, generation, 10**6, "hq:agentComplete:a b")
        await hq.connection.client.publish(f"$KV.{LEASE}.hq", told.encode())
        await until(lambda: b.known.last_sequence == 10**6, WITHIN_S)
        assert b.known.end == LogEnd(generation, 10**6, "hq:agentComplete:a b")

        assert await b.known.check()

        assert b.known.generation != generation
        assert b.known.last_sequence == 0


async def test_one_that_stands_by_finds_the_loss_and_who_acts_publishes_everything_again(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async with writers(nats_server, "hq", "hq", "b") as (standby, acting, b):
        on_the_disk(nats_server, tmp_path / "copy")
        outbox = await b.begin()
        standby.known.has(*b.fences.newest)
        await outbox.close(0)
        await power_cut(nats_server, tmp_path / "copy", standby, acting, b)
        outbox = await acting.begin()  # it was started just now: it knows nothing of the log before
        outbox.put(count("hq", 1), "")
        assert await outbox.flushed(WITHIN_S)
        assert acting.told_anew == 0

        watching = asyncio.create_task(standby.watch.run())
        try:
            await until(lambda: acting.told_anew == 1, WITHIN_S, "the acting one is told")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await outbox.close(0)


@pytest.mark.parametrize("quiet", [True, False])
async def test_a_log_that_another_pbx_made_anew_gets_the_states_of_all_at_once(
    nats_server: NatsServer, quiet: bool
) -> None:
    async with writers(nats_server, "hq", "b") as (hq, b):
        here, there = await hq.begin(), await b.begin()
        for one, outbox in ((hq, here), (b, there)):
            outbox.put(count(one.pbx, 1), "")
            assert await outbox.flushed(WITHIN_S)
        async with admin(nats_server) as client:
            await client.jetstream().delete_stream(LOG)
        there.put(count("b", 2), "")
        assert await there.flushed(WITHIN_S)

        if quiet:
            renewal = LeaseValue("b", True, 0, *(b.known.end or LogEnd("")))
            await b.connection.client.publish(f"$KV.{LEASE}.b", renewal.encode())
        else:
            here.put(count("hq", 2), "")

        await until(lambda: hq.told_anew == 1, WITHIN_S, "it is told to publish everything")
        here.put(count("hq", 3), "")
        assert await here.flushed(WITHIN_S)
        assert (hq.told_anew, b.told_anew) == (1, 1)
        found = await logged(hq.connection)
        assert found.fences == 2 * FENCES
        for outbox in (here, there):
            await outbox.close(0)


# --- whole bridges --------------------------------------------------------------------------------------


def states_of(events: list[Event], pbx: str) -> set[type[Event]]:
    return {type(event) for event in events if isinstance(event, State) and event.pbx == pbx}


async def test_each_pbx_is_whole_again_after_the_log_was_removed(nats_server: NatsServer) -> None:
    async with (
        playing() as one,
        playing() as two,
        bridge_of(nats_server, one.port),
        bridge_of(nats_server, two.port, "b"),
        connected(nats_server) as reader,
    ):
        before = (await logged(reader)).events
        async with admin(nats_server) as client:
            await client.jetstream().delete_stream(LOG)
        Traffic(two).step()

        async with asyncio.timeout(WITHIN_S):
            found: list[Event] = []
            while any(states_of(found, pbx) < states_of(before, pbx) for pbx in ("hq", "b")):
                found = await whatever_is_logged(reader)
        assert PbxStatus in states_of(found, "hq")


async def test_a_bridge_that_gets_nothing_into_the_log_leaves_its_pbx_to_another(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(ability, "UNABLE_AFTER_S", 1.0)
    async with (
        playing() as ami,
        bridge_of(nats_server, ami.port),
        bridge_of(nats_server, ami.port),
        connected(nats_server) as reader,
        admin(nats_server) as client,
    ):
        await until(lambda: caplog.text.count("in step with Asterisk") == 2, WITHIN_S, "both are in step")
        traffic, js = Traffic(ami), client.jetstream()
        first = (await lease_of(js)).holder
        in_step_s = steady_s() + 1.0  # as the second knows it, from the next renewal on
        async with asyncio.timeout(WITHIN_S):
            while (await lease_of(js)).behind_ms / 1000 > steady_s() - in_step_s:
                pass
        config = (await js.stream_info(LOG)).config
        await js.update_stream(config.evolve(max_msgs=1, discard="new"))
        traffic.complete()
        async with asyncio.timeout(WITHIN_S):
            while (await lease_of(js)).holder in ("", first):
                pass
        await js.update_stream(config)

        found = await until_logged(reader, traffic, WITHIN_S)
        assert found.completed == [1]


async def test_a_hand_over_in_a_burst_keeps_the_order_of_all(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        playing() as ami,
        bridge_of(nats_server, ami.port) as acting,
        bridge_of(nats_server, ami.port),
        connected(nats_server) as reader,
    ):
        await until(lambda: caplog.text.count("in step with Asterisk") == 2, WITHIN_S, "both are in step")
        for number in range(3000):
            ami.event(
                "AgentComplete",
                Queue=QUEUE,
                Interface=f"PJSIP/{100 + number % 500}",
                Uniqueid=f"1795404373.{number}",
                HoldTime="1",
                TalkTime="2",
                Reason="caller",
            )
        await until_logged_some(reader, 100)
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        await until_logged_some(reader, 3000)

        assert (await logged(reader)).completed == list(range(3000))


async def lease_of(js: JetStreamContext) -> LeaseValue:
    """What the key of the PBX holds; of nobody when it is free just now."""
    try:
        last = await js.get_last_msg(f"KV_{LEASE}", f"$KV.{LEASE}.hq")
    except NotFoundError:
        return LeaseValue("", False, 0)
    free = KV_OP in (last.headers or {})
    return LeaseValue("", False, 0) if free else read_value(last.data or b"")


async def whatever_is_logged(connection: Connection) -> list[Event]:
    """Nothing while there is no log."""
    try:
        return (await logged(connection)).events
    except BusUnavailableError:
        return []

"""The lease and the fences of a PBX on a real nats-server: who gets them, and what they keep out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from nats.aio.msg import Msg
from nats.js import api

from services.ami_bridge.adapters import lease, log_reading
from services.ami_bridge.adapters.fences import FENCES
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.lease import Lease
from services.ami_bridge.clocks import steady_s
from services.ami_bridge.core import tenure
from services.jetstream import log as log_module
from services.jetstream.connection import Connection
from services.jetstream.log import LOG, read_log
from services.jetstream.permissions import LEASE
from tests.support.ami_proxy import ami_proxy
from tests.support.bridge_tasks import bridge_of, playing, until_logged_some
from tests.support.nats import NatsServer, admin, connected
from tests.support.queue_traffic import Traffic, logged, until_logged
from tests.support.waiting import until

WITHIN_S = 20.0


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is never over by itself within a test."""
    for module in (tenure, lease):
        monkeypatch.setattr(module, "TTL_S", 3600.0)


class Candidate:
    """A bridge, as far as the lease sees one."""

    def __init__(self, connection: Connection, server: NatsServer, name: str) -> None:
        self.connection = connection
        self.session: object | None = object()
        self.able = True
        self.behind_s = 0.0
        self.stored_until: list[float] = []
        self.known = KnownLog(connection, server.section())
        self.lease = Lease(
            connection,
            server.section(),
            "hq",
            name,
            session=lambda: self.session,
            is_able=lambda: self.able,
            behind_s=lambda: self.behind_s,
            on_stored_until=self.stored_until.append,
            known=self.known,
        )


@contextlib.asynccontextmanager
async def candidate(server: NatsServer, name: str) -> AsyncGenerator[Candidate]:
    """On a connection of its own."""
    async with connected(server) as connection:
        one = Candidate(connection, server, name)
        await one.lease.open()
        await connection.client.flush()
        yield one


@contextlib.asynccontextmanager
async def holding(one: Candidate) -> AsyncGenerator[asyncio.Task[str]]:
    """It has the lease, and renews it."""
    await asyncio.wait_for(one.lease.acquire(), WITHIN_S)
    async with holding_on(one) as task:
        yield task


@contextlib.asynccontextmanager
async def holding_on(one: Candidate) -> AsyncGenerator[asyncio.Task[str]]:
    """It has the lease already, and renews it."""
    task = asyncio.create_task(one.lease.hold())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.usefixtures("endless")
async def test_one_of_two_gets_it_and_the_other_hears_of_each_renewal(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        async with holding(one) as task:
            waiting = asyncio.create_task(two.lease.acquire())
            one.behind_s = 7.0
            await until(lambda: len(two.stored_until) > 2, what="renewals are heard")

            assert (one.lease.holds, two.lease.holds) == (True, False)
            assert not waiting.done()
            assert not task.done()
            assert steady_s() - two.stored_until[-1] > 6.9
        await one.lease.release()
        await asyncio.wait_for(waiting, WITHIN_S)

        assert (one.lease.holds, two.lease.holds) == (False, True)
        assert await one.lease.taken(1)


async def test_a_lease_that_is_not_renewed_is_another_bridges_after_its_time(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        async with holding(one):
            pass

        await asyncio.wait_for(two.lease.acquire(), WITHIN_S)

        assert not one.lease.holds
        assert not await one.lease.prove()


async def test_who_was_frozen_is_told_by_the_key_that_another_has_the_lease(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        async with holding(one) as task:
            # As if it had been frozen: its own clock does not know yet that another was faster.
            async with admin(nats_server) as client:
                await client.jetstream().publish(f"$KV.{LEASE}.hq", b"b fit 0")

            assert await asyncio.wait_for(task, WITHIN_S) == "another bridge has the lease"
        assert not one.lease.holds
        assert not two.lease.holds


async def test_a_renewal_whose_answer_was_lost_is_no_loss(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one:
        await one.lease.acquire()
        async with admin(nats_server) as client:
            await client.jetstream().publish(f"$KV.{LEASE}.hq", b"a fit 0")

        assert await one.lease.prove()
        assert await one.lease.prove()


async def test_a_bridge_whose_machine_slept_knows_that_its_lease_is_over(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with candidate(nats_server, "a") as one:
        await one.lease.acquire()
        assert one.lease.holds

        # The clock that counts the time asleep has gone on; the monotonic one has not.
        awake_ns = time.clock_gettime_ns

        def awoken_ns(clock: int) -> int:
            return awake_ns(clock) + 3_000_000_000

        monkeypatch.setattr(time, "clock_gettime_ns", awoken_ns)

        assert not one.lease.holds


@pytest.mark.usefixtures("endless")
async def test_it_is_given_up_though_the_answer_to_the_last_renewal_never_came(
    nats_server: NatsServer,
) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        await one.lease.acquire()
        async with admin(nats_server) as client:
            await client.jetstream().publish(f"$KV.{LEASE}.hq", b"a fit 0")

        await one.lease.release()

        await asyncio.wait_for(two.lease.acquire(), WITHIN_S)


async def test_a_bridge_that_lost_nats_knows_by_its_own_clock_that_its_lease_is_over(
    nats_server: NatsServer,
) -> None:
    async with candidate(nats_server, "a") as one, holding(one) as task:
        nats_server.freeze()
        try:
            assert await asyncio.wait_for(task, WITHIN_S) == "the lease is over"
        finally:
            nats_server.thaw()
        assert not one.lease.holds


async def test_a_removed_bucket_is_made_anew(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one:
        async with holding(one) as task:
            async with admin(nats_server) as client:
                await client.jetstream().delete_stream(f"KV_{LEASE}")
            await asyncio.wait_for(task, WITHIN_S)

        await asyncio.wait_for(one.lease.acquire(), WITHIN_S)
        assert one.lease.holds


async def test_a_key_that_nats_never_forgets_is_taken_over_from_a_holder_that_does_not_write_it(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lease, "TTL_S", 3600.0)
    async with candidate(nats_server, "b") as two:
        async with candidate(nats_server, "a") as one:
            await asyncio.wait_for(one.lease.acquire(), WITHIN_S)

        await asyncio.wait_for(two.lease.acquire(), WITHIN_S)

        assert two.lease.holds
        assert "was its clock set back?" in caplog.text


OURS = api.StreamConfig(
    name=f"KV_{LEASE}",
    subjects=[f"$KV.{LEASE}.>"],
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.NEW,
    max_msgs_per_subject=1,
    max_age=3,
    duplicate_window=3,
)


@pytest.mark.parametrize(
    ("of_others", "setting"),
    [
        ({"storage": "memory"}, "storage is 'memory', not 'file'"),
        ({"storage": "memory", "max_age": 3600}, "storage is 'memory', not 'file'"),
        ({"storage": "memory", "max_age": 0}, "storage is 'memory', not 'file'"),
        ({"max_msgs_per_subject": 5}, "max_msgs_per_subject is 5, not 1"),
        ({"subjects": [f"$KV.{LEASE}.other"]}, "subjects is"),
        ({"retention": "workqueue", "max_age": 60}, "retention is 'workqueue', not 'limits'"),
        ({"deny_purge": True, "max_age": 60}, "deny_purge is True, not False"),
    ],
)
async def test_a_bucket_of_another_shape_is_told_once_and_taken_by_nobody_until_it_is_removed(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture, of_others: dict[str, Any], setting: str
) -> None:
    async with admin(nats_server) as client, candidate(nats_server, "a") as one:
        stream = f"KV_{LEASE}"
        await client.jetstream().add_stream(replace(OURS, **of_others))
        waiting = asyncio.create_task(one.lease.acquire())
        tries = 0

        async def hear(_message: Msg) -> None:
            nonlocal tries
            tries += 1

        await client.subscribe(f"$JS.API.STREAM.INFO.{stream}", cb=hear)
        await until(lambda: tries > 3, WITHIN_S, "it tries again")

        assert not waiting.done()
        assert caplog.text.count("the lease cannot be taken") == 1
        assert setting in caplog.text
        assert f"nats stream rm {stream}" in caplog.text
        await client.jetstream().delete_stream(stream)
        await asyncio.wait_for(waiting, WITHIN_S)


async def test_a_bucket_with_another_age_is_brought_in_line(nats_server: NatsServer) -> None:
    async with admin(nats_server) as client, candidate(nats_server, "a") as one:
        await client.jetstream().add_stream(replace(OURS, max_age=0, duplicate_window=120))
        await asyncio.wait_for(one.lease.acquire(), WITHIN_S)

        assert (await client.jetstream().stream_info(f"KV_{LEASE}")).config.max_age == 3


async def test_a_refusal_of_nats_is_told_once(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with admin(nats_server) as client, candidate(nats_server, "a") as one:
        await client.jetstream().add_stream(name="OTHER", subjects=[f"$KV.{LEASE}.>"])
        waiting = asyncio.create_task(one.lease.acquire())
        await until(lambda: "subjects overlap" in caplog.text, WITHIN_S, "it is told")
        await client.jetstream().delete_stream("OTHER")
        await asyncio.wait_for(waiting, WITHIN_S)

        assert caplog.text.count("the lease cannot be taken") == 1


@pytest.mark.usefixtures("endless")
async def test_a_bridge_without_asterisk_gives_it_to_one_that_asks(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        async with holding(one) as task:
            waiting = asyncio.create_task(two.lease.acquire())
            one.session = None

            assert "asked for it" in await asyncio.wait_for(task, WITHIN_S)
            await one.lease.release()
        await asyncio.wait_for(waiting, WITHIN_S)


@pytest.mark.usefixtures("endless")
async def test_a_bridge_that_missed_something_gives_it_to_one_that_did_not(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        async with holding(one) as task:
            waiting = asyncio.create_task(two.lease.acquire())
            await until(lambda: len(two.stored_until) > 1, what="renewals are heard")
            one.session = object()

            assert "asked for it" in await asyncio.wait_for(task, WITHIN_S)
            await one.lease.release()
            again = asyncio.create_task(one.lease.acquire())
        await asyncio.wait_for(waiting, WITHIN_S)

        async with holding_on(two) as held:
            await until(lambda: len(one.stored_until) > 2, what="renewals are heard")
            assert not held.done()
            assert not again.done()
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


@pytest.mark.usefixtures("endless")
async def test_a_break_is_told_again_when_the_renewal_that_told_it_was_lost(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        await asyncio.wait_for(one.lease.acquire(), WITHIN_S)
        assert await one.lease.prove()
        await until(lambda: len(two.stored_until) > 1, WITHIN_S, "renewals are heard")

        nats_server.kill()
        one.session = object()
        assert one.connection.connected  # it does not know yet, so it writes
        assert not await one.lease.prove()
        await until(lambda: not (one.connection.connected or two.connection.connected), WITHIN_S)
        nats_server.start()
        await until(lambda: one.connection.connected and two.connection.connected, WITHIN_S)
        await two.connection.client.flush()

        async with holding_on(one) as task:
            assert "asked for it" in await asyncio.wait_for(task, WITHIN_S)


@pytest.mark.usefixtures("endless")
async def test_a_bridge_that_came_after_what_the_holder_still_has_to_store_asks_for_nothing(
    nats_server: NatsServer,
) -> None:
    async with (
        candidate(nats_server, "a") as one,
        candidate(nats_server, "b") as two,
        holding(one) as task,
    ):
        one.behind_s = 3600.0
        one.session = None
        await until(lambda: len(two.stored_until) > 4, WITHIN_S, "renewals are heard")
        assert not task.done()

        one.behind_s = 0.0

        assert "asked for it" in await asyncio.wait_for(task, WITHIN_S)


@pytest.mark.usefixtures("endless")
async def test_a_bridge_that_saw_more_and_is_late_asks_for_it_when_it_is_late_no_more(
    nats_server: NatsServer,
) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two, holding(one) as task:
        waiting = asyncio.create_task(two.lease.acquire())
        await until(lambda: len(two.stored_until) > 1, what="renewals are heard")
        two.able = False
        one.session = object()
        heard = len(two.stored_until)
        await until(lambda: len(two.stored_until) > heard + 2, what="the break is told, and over")
        assert not task.done()

        two.able = True

        assert "asked for it" in await asyncio.wait_for(task, WITHIN_S)
        await one.lease.release()
        await asyncio.wait_for(waiting, WITHIN_S)


async def test_a_break_that_both_had_moves_nothing(nats_server: NatsServer) -> None:
    async with (
        candidate(nats_server, "a") as one,
        candidate(nats_server, "b") as two,
        holding(one) as task,
    ):
        waiting = asyncio.create_task(two.lease.acquire())
        await until(lambda: len(two.stored_until) > 1, what="renewals are heard")
        one.session, two.session = object(), object()
        heard = len(two.stored_until)
        await until(lambda: len(two.stored_until) > heard + 2, what="renewals are heard")

        assert not task.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_bridge_without_asterisk_keeps_it_while_nobody_is_better(nats_server: NatsServer) -> None:
    async with candidate(nats_server, "a") as one, candidate(nats_server, "b") as two:
        one.session = two.session = None
        async with holding(one) as task:
            waiting = asyncio.create_task(two.lease.acquire())
            await until(lambda: len(two.stored_until) > 5, what="renewals are heard")

            assert not task.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


# --- whole bridges, with a log that forgets names at once ----------------------------------------------


@pytest.fixture
async def two_bridges(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[Traffic, asyncio.Task[None]]]:
    """The traffic that both see, and the one that acts. A name is forgotten after a tenth of a second."""
    monkeypatch.setattr(log_module, "_DUPLICATE_WINDOW_S", 0.1)
    async with (
        playing() as ami,
        bridge_of(nats_server, ami.port) as acting,
        bridge_of(nats_server, ami.port),
    ):
        await until(lambda: ami.count("bridgelist") == 2, what="both read the lists")
        yield Traffic(ami), acting


@pytest.mark.parametrize("hears_it", ["before it acts", "after it began to act"])
async def test_a_bridge_that_hears_late_what_another_stored_long_ago_doubles_nothing(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, hears_it: str
) -> None:
    monkeypatch.setattr(log_module, "_DUPLICATE_WINDOW_S", 0.1)
    monkeypatch.setattr(log_reading, "_MARGIN_S", 0.1)
    async with (
        playing() as ami,
        ami_proxy(ami.port) as proxy,
        bridge_of(nats_server, ami.port) as acting,
        bridge_of(nats_server, proxy.port),
        connected(nats_server) as reader,
    ):
        await until(lambda: ami.count("bridgelist") == 2, what="both read the lists")
        pings = len(proxy.sent("Ping"))
        await until(lambda: len(proxy.sent("Ping")) > pings, WITHIN_S, "the second is in step")
        traffic = Traffic(ami)
        proxy.hold("Ping")
        await until(lambda: len(proxy.sent("Ping")) > pings + 1, WITHIN_S, "the second hears no more")
        async with traffic.flowing():
            await until(lambda: traffic.completed > 50)
        await until_logged(reader, traffic)
        # Until the log has forgotten the names.
        await until_passed(reader, 0.5)
        if hears_it == "before it acts":
            proxy.release()
            pings = len(proxy.sent("Ping"))
            await until(lambda: len(proxy.sent("Ping")) > pings, WITHIN_S, "the second heard it all")
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        await until_fences(reader, 2 * FENCES)
        proxy.release()
        traffic.complete()
        traffic.step()

        await until_logged(reader, traffic)
        traffic.complete()
        found = await until_logged(reader, traffic)
        assert found.completed == list(range(1, traffic.completed + 1))


async def test_a_hand_over_doubles_nothing_that_was_stored_before(
    nats_server: NatsServer, two_bridges: tuple[Traffic, asyncio.Task[None]]
) -> None:
    traffic, acting = two_bridges
    async with connected(nats_server) as reader:
        async with traffic.flowing():
            await until_logged_some(reader, 100)
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
            await until_logged_some(reader, traffic.completed + 50)

        found = await until_logged(reader, traffic)
        assert found.completed == list(range(1, traffic.completed + 1))


async def test_nothing_is_doubled_though_nats_was_away_longer_than_it_remembers_names(
    nats_server: NatsServer, two_bridges: tuple[Traffic, asyncio.Task[None]]
) -> None:
    traffic, _ = two_bridges
    async with connected(nats_server) as reader:
        for stop, go_on in ((nats_server.freeze, nats_server.thaw), (nats_server.kill, nats_server.start)):
            async with traffic.flowing():
                await until_logged_some(reader, traffic.completed + 50)
                stop()
                told = traffic.completed
                # Longer than the lease, so a new term begins, and begins by comparing.
                await until(lambda told=told: traffic.completed > told + 500, 30)
                go_on()
                await until_logged_some(reader, traffic.completed + 50)
            found = await until_logged(reader, traffic)
            assert found.completed == list(range(1, traffic.completed + 1))


async def until_passed(connection: Connection, seconds: float) -> None:
    """Wait until so much time has passed by the server's clock since its log took its last message."""
    last = (await connection.jetstream.get_msg(LOG, (await read_log(connection)).last_sequence)).time
    assert last is not None
    async with asyncio.timeout(WITHIN_S):
        while (datetime.now(UTC) - last).total_seconds() < seconds:
            await connection.client.flush()


async def until_fences(connection: Connection, count: int) -> None:
    """Wait until so many fences were put up."""
    async with asyncio.timeout(WITHIN_S):
        while (await logged(connection)).fences < count:
            pass

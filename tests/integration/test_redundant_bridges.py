"""Two bridges of one PBX, processes of their own, killed, frozen and stopped under traffic.

Whatever happens, the log has each moment once and ends with the values that Asterisk told last.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from services.jetstream.connection import Connection, connect
from services.jetstream.log import LOG, read_log
from services.jetstream.permissions import LEASE
from shared.commands import PauseMember
from shared.subjects import fence
from tests.support.command_rig import Asker, takes_commands
from tests.support.floor_processes import Floor, FloorPbx, Service, running_floor
from tests.support.nats import admin, connected
from tests.support.queue_traffic import QUEUE, Logged, Traffic, logged, until_logged
from tests.support.scripted_ami import ScriptedAmi, scripted_ami
from tests.support.scripted_pbx import play
from tests.support.waiting import until

FENCES = 128
TAKE_OVER_S = 20.0
PAUSE = PauseMember(agent="148", paused=True, queue=QUEUE)


def acts(bridge: Service) -> bool:
    """Whether it says so."""
    return bridge.log.rfind(" acting") > bridge.log.rfind("standing by")


class Pair:
    """Two bridges, of which the first acts."""

    def __init__(self, floor: Floor, ami: ScriptedAmi, connection: Connection, first: Service) -> None:
        self.floor = floor
        self.ami = ami
        self.traffic = Traffic(ami)
        self.connection = connection
        self.leader = self.standby = first

    async def add(self) -> None:
        """The second; it is in step with the PBX."""
        before = self.ami.count("bridgelist")
        self.standby = await self.floor.start_bridge()
        await until(lambda: self.ami.count("bridgelist") > before, what="the second reads the lists")
        await until(lambda: "in step" in self.standby.log, what="the second is in step")

    async def until_standby_acts(self, within_s: float = TAKE_OVER_S) -> None:
        await until(lambda: acts(self.standby), within_s, f"the standby acts:\n{self.standby.log}")

    async def until_one_acts(self, within_s: float = 15) -> None:
        await until(lambda: acts(self.leader) or acts(self.standby), within_s, "one of the two acts")

    async def renewed(self, times: int) -> None:
        """Wait until the lease has been renewed so often."""
        heard = asyncio.Semaphore(0)

        async def hear(_message: Msg) -> None:
            heard.release()

        async with admin(self.floor.nats) as client, asyncio.timeout(10):
            await client.subscribe(f"$KV.{LEASE}.hq", cb=hear)
            for _ in range(times):
                await heard.acquire()

    async def all_logged(self) -> Logged:
        """Each moment once and in order, and the newest state."""
        found = await until_logged(self.connection, self.traffic)
        assert found.completed == list(range(1, self.traffic.completed + 1))
        return found


@contextlib.asynccontextmanager
async def one_bridge(folder: Path) -> AsyncGenerator[Pair]:
    async with scripted_ami() as ami:
        play(ami, queues=[QUEUE], agents=["148"], members={QUEUE: ["148"]})
        async with running_floor(folder, [FloorPbx(ami.port, "scripted")], gateways=0) as floor:
            connection = await connect(floor.nats.section(), "bridge", within_s=10)
            try:
                pair = Pair(floor, ami, connection, floor.bridges["hq"])
                await until(lambda: acts(pair.leader), what="the first acts")
                yield pair
            finally:
                await connection.close()


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncGenerator[Pair]:
    """A single bridge."""
    async with one_bridge(tmp_path) as pair:
        yield pair
        assert "Traceback" not in pair.leader.log


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncGenerator[Pair]:
    """Both, in step."""
    async with one_bridge(tmp_path) as pair:
        await pair.add()
        yield pair
        assert "Traceback" not in pair.leader.log
        assert "Traceback" not in pair.standby.log


async def test_one_acts_and_the_other_writes_nothing(pair: Pair) -> None:
    async with pair.traffic.flowing():
        await until(lambda: pair.traffic.completed > 100)

    found = await pair.all_logged()

    assert (acts(pair.leader), acts(pair.standby)) == (True, False)
    assert found.fences == FENCES


async def test_a_killed_bridge_is_followed_by_the_other(pair: Pair) -> None:
    async with pair.traffic.flowing():
        await until(lambda: pair.traffic.completed > 50)
        await pair.leader.kill()
        await pair.until_standby_acts()
        told = pair.traffic.completed
        await until(lambda: pair.traffic.completed > told + 50)

    found = await pair.all_logged()

    assert set(found.statuses[-1:]) == {"online"}


async def test_what_the_killed_bridge_saw_and_never_stored_comes_from_the_other(pair: Pair) -> None:
    pair.traffic.complete()
    await pair.all_logged()
    pair.leader.freeze()
    for _ in range(20):
        pair.traffic.complete()
    pair.traffic.step()
    await pair.leader.kill()

    await pair.until_standby_acts()

    await pair.all_logged()


async def test_a_bridge_that_is_stopped_hands_over_at_once_and_nothing_is_offline_meanwhile(
    pair: Pair,
) -> None:
    async with pair.traffic.flowing():
        await until(lambda: pair.traffic.completed > 50)
        pair.leader.process.send_signal(signal.SIGTERM)
        await pair.until_standby_acts()
        assert await asyncio.wait_for(pair.leader.process.wait(), 15) == 0

    found = await pair.all_logged()

    assert "offline" not in found.statuses[found.statuses.index("online") :]
    assert "another bridge goes on" in pair.leader.log


async def test_the_last_bridge_that_is_stopped_says_offline(alone: Pair) -> None:
    alone.traffic.step()
    await alone.all_logged()

    await alone.leader.end()

    assert (await logged(alone.connection)).statuses[-1] == "offline"


async def test_a_frozen_bridge_writes_nothing_when_it_goes_on(pair: Pair) -> None:
    async with pair.traffic.flowing():
        await until(lambda: pair.traffic.completed > 50)
        pair.leader.freeze()
        await pair.until_standby_acts()
        pair.leader.thaw()
        await until(lambda: not acts(pair.leader), what="the first stands by")
        told = pair.traffic.completed
        await until(lambda: pair.traffic.completed > told + 50)

    found = await pair.all_logged()

    assert acts(pair.standby)
    assert found.fences == 2 * FENCES
    await pair.standby.kill()
    await until(lambda: acts(pair.leader), TAKE_OVER_S, "the first acts again")
    pair.traffic.complete()
    await pair.all_logged()


async def test_what_only_a_bridge_saw_that_was_frozen_for_long_comes_when_it_goes_on(pair: Pair) -> None:
    pair.traffic.complete()
    await pair.all_logged()
    await pair.renewed(2)
    frozen = pair.standby
    frozen.freeze()
    await pair.leader.kill()
    for _ in range(20):
        pair.traffic.complete()
    await pair.add()
    await pair.until_standby_acts()
    await pair.renewed(8)  # so long that what the frozen one heard last is late

    frozen.thaw()

    found = await until_logged(pair.connection, pair.traffic, 20)
    assert sorted(found.completed) == list(range(1, pair.traffic.completed + 1))
    assert acts(frozen)


@pytest.mark.parametrize("bridges", [1, 2])
@pytest.mark.parametrize("how", ["frozen", "killed", "briefly killed"])
async def test_nothing_is_lost_or_doubled_while_nats_is_away(tmp_path: Path, how: str, bridges: int) -> None:
    async with one_bridge(tmp_path) as pair:
        if bridges == 2:
            await pair.add()
        nats, traffic = pair.floor.nats, pair.traffic
        async with traffic.flowing():
            await until(lambda: traffic.completed > 50)
            nats.freeze() if how == "frozen" else nats.kill()
            if how != "briefly killed":
                await until(lambda: not acts(pair.leader), what="its lease is over")
            nats.thaw() if how == "frozen" else nats.start()
            await pair.until_one_acts()
            told = traffic.completed
            await until(lambda: traffic.completed > told + 50)

        await pair.all_logged()
        assert "Traceback" not in pair.leader.log + pair.standby.log


async def test_fences_that_are_removed_from_the_log_are_put_up_again(alone: Pair) -> None:
    alone.traffic.complete()
    await alone.all_logged()
    async with admin(alone.floor.nats) as client:
        await client.jetstream().purge_stream(LOG, subject=fence("hq"))
    alone.traffic.complete()
    alone.traffic.step()

    found = await alone.all_logged()

    assert found.fences == FENCES
    assert "standing by" not in alone.leader.log.partition(" acting")[2]


async def test_a_log_that_is_removed_is_made_anew_with_everything(alone: Pair) -> None:
    alone.traffic.step()
    before = await alone.all_logged()
    async with admin(alone.floor.nats) as client:
        await client.jetstream().delete_stream(LOG)
    alone.traffic.complete()

    found = await alone.all_logged()

    assert {type(event) for event in found.events} >= {type(event) for event in before.events}
    assert found.statuses == ["online"]


async def test_a_nats_that_forgot_everything_is_told_everything_by_one_of_them(pair: Pair) -> None:
    pair.traffic.step()
    before = await pair.all_logged()
    pair.floor.nats.kill()
    await until(lambda: not acts(pair.leader), what="its lease is over")
    pair.floor.nats.wipe()
    pair.floor.nats.start()
    await pair.until_one_acts()
    pair.traffic.complete()

    found = await pair.all_logged()

    assert {type(event) for event in found.events} >= {type(event) for event in before.events}
    assert (found.statuses, found.fences) == (["online"], FENCES)

    # What the other one knew of the log before says nothing of this one.
    made = await read_log(pair.connection)
    if acts(pair.standby):
        pair.leader, pair.standby = pair.standby, pair.leader
    await pair.leader.kill()
    await pair.until_standby_acts()
    pair.traffic.complete()
    await pair.all_logged()
    assert (await read_log(pair.connection)).generation == made.generation


async def test_commands_go_to_the_acting_bridge_alone_and_never_to_a_frozen_one(pair: Pair) -> None:
    async with connected(pair.floor.nats, "gateway") as asking:
        asker = Asker(asking.client)
        await takes_commands(asker)
        assert (await asker.ask(PAUSE)).result == "done"
        assert pair.ami.count("queuepause") == 1

        pair.leader.freeze()
        await pair.until_standby_acts()
        await takes_commands(asker)
        for _ in range(10):
            assert (await asker.ask(PAUSE)).result == "done"
        pair.leader.thaw()
        await until(lambda: not acts(pair.leader), what="the first stands by")
        assert (await asker.ask(PAUSE)).result == "done"

        assert pair.ami.count("queuepause") == 12
        assert "left to another bridge" in pair.leader.log


async def test_a_bridge_without_asterisk_leaves_the_pbx_to_one_that_has_it(tmp_path: Path) -> None:
    async with one_bridge(tmp_path) as pair, scripted_ami() as other:
        play(other, queues=[QUEUE], agents=["148"], members={QUEUE: ["148"]})
        pair.standby = await pair.floor.start_bridge(port=other.port)
        await until(lambda: "in step" in pair.standby.log, what="the second is in step")
        assert not acts(pair.standby)

        await pair.ami.stop()

        await pair.until_standby_acts()
        assert not acts(pair.leader)
        async with asyncio.timeout(10):
            while (await logged(pair.connection)).statuses[-1] != "online":
                pass


async def test_what_the_acting_bridge_missed_while_its_link_was_down_comes_from_the_other(
    tmp_path: Path,
) -> None:
    async with one_bridge(tmp_path) as pair, scripted_ami() as other:
        play(other, queues=[QUEUE], agents=["148"], members={QUEUE: ["148"]})
        pair.standby = await pair.floor.start_bridge(port=other.port)
        await until(lambda: "in step" in pair.standby.log, what="the second is in step")
        told = Traffic(other)
        both = (pair.traffic, told)
        for traffic in both:
            traffic.complete()
        await pair.renewed(2)  # the second has been in step from one to the next

        pair.ami.hang_up()
        told.complete()
        await until(lambda: pair.leader.log.count("in step") == 2, 10, "the first is in step again")
        for traffic in both:
            traffic.step()

        await pair.until_standby_acts()
        found = await until_logged(pair.connection, told)
        assert found.completed == [1, 2]
        assert not acts(pair.leader)


async def test_a_bridge_that_hears_asterisk_late_leaves_the_pbx_to_one_that_does_not(tmp_path: Path) -> None:
    async with one_bridge(tmp_path) as pair, scripted_ami() as other:
        play(other, queues=[QUEUE], agents=["148"], members={QUEUE: ["148"]})
        pair.standby = await pair.floor.start_bridge(port=other.port)
        await until(lambda: "in step" in pair.standby.log, what="the second is in step")

        pinged = pair.ami.count("ping")
        await until(lambda: pair.ami.count("ping") > pinged + 1, what="it heard all until the second came")

        # Its stream goes on, with what was said before it was asked.
        pair.ami.silent_to.add("ping")
        async with pair.traffic.flowing():
            await pair.until_standby_acts()

        assert not acts(pair.leader)
        assert "no link to Asterisk" not in pair.leader.log


async def test_moments_that_came_while_lists_were_read_again_outlive_a_link_that_is_lost_then(
    alone: Pair,
) -> None:
    await until(lambda: "in step" in alone.leader.log, what="it is in step")
    asked = alone.ami.count("queuestatus")
    alone.ami.silent_to.add("queuestatus")
    alone.ami.event("Reload", Module="app_queue", Status="0")
    await until(lambda: alone.ami.count("queuestatus") > asked, what="the lists are asked again")
    for _ in range(10):
        alone.traffic.complete()
    alone.ami.silent_to.clear()
    alone.ami.end()
    await until(lambda: alone.leader.log.count("in step") == 2, 15, "it is in step again")

    await alone.all_logged()


async def test_bridge_that_comes_after_the_acting_one_died_is_not_faster_than_the_one_that_stood_by(
    pair: Pair,
) -> None:
    await asyncio.wait_for(_renewed_twice(pair.connection), 10)  # so the standby has heard it
    await pair.leader.kill()
    newcomers = [await pair.floor.start_bridge() for _ in range(2)]
    await until(lambda: any(acts(one) for one in (pair.standby, *newcomers)), 15)

    assert acts(pair.standby)


async def _renewed_twice(connection: Connection) -> None:
    first = (await connection.jetstream.stream_info(f"KV_{LEASE}")).state.last_seq
    while (await connection.jetstream.stream_info(f"KV_{LEASE}")).state.last_seq < first + 2:
        pass

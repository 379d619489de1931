from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from services.gateway import replay
from services.gateway.core.position import parse_position
from services.gateway.core.ring import PAGE
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.fan_out import Scheduler
from services.gateway.hub import Hub
from services.gateway.ports import Stored
from services.gateway.replay import Replay
from services.gateway.subscription import End, Subscription
from shared import wire
from tests.support.gateway_fakes import FakeClock, FakeLane, FakeLoop, Log, count, name, online, place
from tests.support.waiting import until

BEFORE = 50


@contextlib.asynccontextmanager
async def gateway(room: int | None = None, loop: Scheduler | None = None) -> AsyncGenerator[tuple[Hub, Log]]:
    """A gateway that started after 50 events; its ring has room for so many."""
    hub = Hub(("hq",), FakeClock(), loop or asyncio.get_running_loop())
    if room is not None:
        hub.ring.limit = room
    log = Log()
    log.start(online())
    log.write(*(count(number) for number in range(BEFORE)))
    log.hubs.append(hub)
    hub.begin("g1")
    hub.caught_up(log.sequence)
    reading = asyncio.create_task(Replay(hub, log).run())
    try:
        yield hub, log
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def join(
    hub: Hub, after: str, *, poll: bool = False, agents: tuple[str, ...] = (), room: int | None = None
) -> tuple[Subscription, FakeLane]:
    lane = FakeLane(room)
    scope = resolve(Ticket(agents=agents, queues=("q1",), created=1), ("hq",))
    return hub.join(scope, lane, parse_position(after), poll=poll), lane


async def arrived(subscription: Subscription, lane: FakeLane) -> list[str]:
    await until(lambda: subscription.live)
    return [
        f"{event['type']} {event.get('count', event.get('resumed', ''))}".strip() for event in lane.events()
    ]


EXPECTED = [*(f"queueCount {number}" for number in range(BEFORE)), "pbxStatus", "ready True"]


@pytest.mark.parametrize("room", [None, 10])
async def test_client_from_before_the_ring_gets_exactly_what_followed(room: int | None) -> None:
    async with gateway(room) as (hub, _):
        assert await arrived(*join(hub, "g1-1")) == EXPECTED
        assert hub.counters.resets == 0
        assert (hub.counters.resumed_from_log, hub.counters.resumed_from_ring) == ((1, 0) if room else (0, 1))


async def test_ring_that_has_room_reaches_back_once_for_all() -> None:
    async with gateway() as (hub, log):
        clients = [join(hub, f"g1-{1 + number % 30}") for number in range(60)]
        for number, (subscription, lane) in enumerate(clients):
            assert await arrived(subscription, lane) == EXPECTED[number % 30 :]
        assert log.pages <= 3


async def test_what_is_read_for_one_serves_all_whose_place_lies_in_it() -> None:
    async with gateway(10) as (hub, log):
        clients = [join(hub, f"g1-{1 + number % 30}", agents=(str(number),)) for number in range(60)]
        for number, (subscription, lane) in enumerate(clients):
            assert await arrived(subscription, lane) == EXPECTED[number % 30 :]
        assert log.pages == 1
        assert hub.counters.resumed_from_log == 60


async def test_places_that_are_far_from_each_other_come_to_share_what_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "_PAGE", 10)
    async with gateway(10) as (hub, log):
        clients = [join(hub, f"g1-{place}", agents=(str(place),)) for place in (3, 17)]
        for subscription, lane in clients:
            await arrived(subscription, lane)

        assert log.pages == 7  # from 3, 17 and 10; then from 20, 30, 40 and 50 for both


async def test_little_is_kept_for_those_who_came_back_and_do_not_read() -> None:
    async with gateway(10) as (hub, log):
        log.write(*(count(number) for number in range(3 * PAGE)))
        clients = [join(hub, "g1-1", agents=(str(number),), room=1)[0] for number in range(20)]
        await until(lambda: all(one.paused_since is not None for one in clients))

        assert max(sum(len(batch.messages) for batch in one.backlog) for one in clients) <= PAGE
        assert log.pages == 1


async def test_events_that_come_meanwhile_follow() -> None:
    async with gateway(10) as (hub, log):
        subscription, lane = join(hub, "g1-1")
        log.write(*(count(number) for number in range(BEFORE, BEFORE + 5)))
        await until(lambda: subscription.live)
        counts = [event["count"] for event in lane.events() if event["type"] == "queueCount"]

    assert counts == list(range(BEFORE + 5))


async def test_client_from_before_the_log_begins_anew() -> None:
    async with gateway() as (hub, log):
        log.first = 20
        assert (await arrived(*join(hub, "g1-5")))[0] == "reset"
        assert (await arrived(*join(hub, "g1-30")))[0] == "queueCount 29"


async def test_one_too_old_does_not_keep_others_from_resuming() -> None:
    async with gateway() as (hub, log):
        log.first = 20
        recent, old = join(hub, "g1-30"), join(hub, "g1-5")

        assert (await arrived(*recent))[0] == "queueCount 29"
        assert (await arrived(*old))[0] == "reset"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that could not be read is tried again at once."""
    monkeypatch.setattr(replay, "_PAUSE_S", 0.001)


@pytest.mark.usefixtures("hasty")
async def test_log_that_cannot_be_read_is_tried_again() -> None:
    async with gateway() as (hub, log):
        log.away = True
        subscription, lane = join(hub, "g1-1")
        await until(lambda: log.pages)
        assert not subscription.live
        log.away = False

        assert await arrived(subscription, lane) == EXPECTED


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("room", [None, 10])
async def test_copy_of_the_log_that_has_not_got_there_is_not_taken_for_all(
    room: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(room) as (hub, log):
        whole, asked = log.page, 0

        async def behind(generation: str, after: int, most: int) -> list[Stored]:
            nonlocal asked
            asked += 1
            found = await whole(generation, after, most)
            return [one for one in found if asked > 2 or one.sequence <= 10]

        monkeypatch.setattr(log, "page", behind)
        assert await arrived(*join(hub, "g1-1")) == EXPECTED


async def test_client_that_asks_twice_gets_nothing_twice() -> None:
    async with gateway(2) as (hub, log):
        texts = [f"{number} {'x' * 40_000}" for number in range(10)]
        log.write(*(name(text=text) for text in texts))
        subscription, lane = join(hub, f"g1-{BEFORE + 1}", agents=("148",), room=2)
        hub.ask_log(subscription)
        names: list[str] = []
        while not subscription.live:
            await until(lambda: lane.messages or subscription.live)
            hub.ask_log(subscription)
            for _ in range(5):
                await asyncio.sleep(0)
            names += [event["name"] for event in lane.events() if event["type"] == "agentName"]
        names += [event["name"] for event in lane.events() if event["type"] == "agentName"]

    assert names == texts


async def test_client_that_is_live_by_now_gets_nothing_twice() -> None:
    loop = FakeLoop(FakeClock())
    async with gateway(2, loop) as (hub, log):
        subscription, lane = join(hub, f"g1-{log.sequence}")
        loop.run()
        assert subscription.live
        log.write(*(count(number) for number in range(10)))
        assert subscription.at < hub.ring.floor  # it is about to be given them
        hub.ask_log(subscription)
        for _ in range(5):
            await asyncio.sleep(0)
        loop.run()
        counts = [event["count"] for event in lane.events() if event["type"] == "queueCount"]

    assert counts == list(range(10))
    assert log.pages == 0


async def test_ring_that_is_full_by_size_is_not_filled_again() -> None:
    async with gateway() as (hub, log):
        hub.ring.size_limit = 10 * len(wire.encode(count(10)))
        for _ in range(2):
            assert await arrived(*join(hub, "g1-1")) == EXPECTED
            assert len(hub.ring) == 10
            assert log.pages == 2


async def test_log_made_anew_meanwhile_begins_anew() -> None:
    async with gateway() as (hub, log):
        subscription, lane = join(hub, "g1-1")
        log.generation = "g2"
        log.start(online(), count(7))
        await until(lambda: subscription.live)

        types = [event["type"] for event in lane.events()]
        assert types[types.index("reset") :] == ["reset", "pbxStatus", "queueCount", "ready"]


async def test_client_that_left_is_not_read_for() -> None:
    async with gateway() as (hub, _):
        subscription, _ = join(hub, "g1-1")
        hub.leave(subscription)
        ended, _ = join(hub, "g1-1")
        ended.end(End.STOPPING)
        other = join(hub, "g1-40")
        await arrived(*other)

    assert not subscription.live
    assert not ended.live


async def test_poll_from_before_the_ring_is_answered_too() -> None:
    async with gateway() as (hub, _):
        subscription, lane = join(hub, place(hub, 1), poll=True)
        await until(lambda: subscription.live)

        assert [event["type"] for event in lane.events()] == ["queueCount"] * BEFORE

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from services.gateway.core.position import Position, parse_position
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.hub import Hub
from services.gateway.subscription import End, Subscription
from tests.support.gateway_fakes import FakeClock, Log, count, online, parked, phone

PBXS = ("hq", "branch")


class Bench:
    """A hub, its log, and a tick that the test ends by hand."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.scheduled: list[Callable[[], None]] = []
        self.hub = Hub(PBXS, self.clock, lambda callback: self.scheduled.append(callback))
        self.log = Log(self.hub)

    def start(self) -> None:
        self.log.start(online("hq"), online("branch"))
        for pbx in PBXS:
            self.hub.alive(pbx)
        self.end_tick()

    def end_tick(self) -> None:
        scheduled, self.scheduled = self.scheduled, []
        for callback in scheduled:
            callback()

    def join(
        self, after: str | None = None, *, poll: bool = False, queues: tuple[str, ...] = ("*",)
    ) -> Subscription:
        scope = resolve(Ticket(queues=queues, created=1), PBXS)
        return self.hub.join(scope, None if after is None else parse_position(after), poll=poll)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.start()
    return bench


async def test_nothing_is_ready_before_the_state_is_read() -> None:
    bench = Bench()
    assert bench.hub.not_ready
    assert bench.hub.position() is None

    bench.start()
    assert bench.hub.not_ready == []
    assert bench.hub.position() == Position("g1", 2)


def events(subscription: Subscription) -> list[dict[str, Any]]:
    return [msgspec.json.decode(message.json) for message in subscription.take()]


def types(subscription: Subscription) -> list[str]:
    return [event["type"] for event in events(subscription)]


async def test_events_of_a_tick_come_together(bench: Bench) -> None:
    subscription = bench.join()
    subscription.take()
    bench.log.write(count(1), count(2))
    assert subscription.take() == []
    assert len(bench.scheduled) == 1

    bench.end_tick()
    assert [event["count"] for event in events(subscription)] == [1, 2]


async def test_who_joins_in_the_middle_of_a_tick_gets_nothing_twice(bench: Bench) -> None:
    first = bench.join()
    first.take()
    bench.log.write(count(1))
    second = bench.join()
    bench.end_tick()

    assert types(first) == ["queueCount"]
    assert types(second) == ["pbxStatus", "queueCount", "pbxStatus", "ready"]


async def test_clients_of_one_scope_share_the_message(bench: Bench) -> None:
    first, second = bench.join(), bench.join()
    first.take()
    second.take()
    bench.log.write(count(1))
    bench.end_tick()

    assert first.take()[0] is second.take()[0]


async def test_who_left_gets_nothing(bench: Bench) -> None:
    subscription = bench.join()
    subscription.take()
    bench.log.write(count(1))
    bench.hub.leave(subscription)
    bench.hub.leave(subscription)
    bench.end_tick()

    assert subscription.take() == []


async def test_pbx_that_is_not_configured_is_not_shown(bench: Bench) -> None:
    subscription = bench.join()
    subscription.take()
    bench.log.write(count(1, pbx="elsewhere"), parked("elsewhere"))
    bench.hub.alive("elsewhere")
    bench.end_tick()

    assert subscription.take() == []


@pytest.mark.parametrize(
    ("subject", "payload"),
    [
        ("pbxis.v1.state.hq.queueCount.q1._", b'{"type":"queueCount",\n"count":1}'),
        ("pbxis.v1.state.hq.queueCount.q1._", b'{"type":"other"}'),
        ("pbxis.v1.state.hq.pbxStatus._._", b'{"type":"pbxStatus","status":"perhaps"}'),
        ("pbxis.v1.nonsense", b"{}"),
    ],
)
async def test_message_that_is_not_ours_is_left_out_and_does_no_harm(
    bench: Bench, subject: str, payload: bytes
) -> None:
    subscription = bench.join()
    subscription.take()
    bench.hub.deliver(subject, payload, 3)
    bench.log.sequence = 3
    bench.log.write(count(1))
    bench.end_tick()

    assert [event["id"] for event in events(subscription)] == ["g1-4"]
    assert types(bench.join("g1-2"))[0] == "queueCount"


async def test_state_of_the_snapshot_that_is_not_ours_is_left_out() -> None:
    bench = Bench()
    bench.hub.begin("g1")
    bench.hub.restore("pbxis.v1.nonsense", b"{}", 1)
    bench.hub.caught_up(1)

    assert bench.hub.not_ready == []


async def test_what_came_while_catching_up_can_be_resumed_from() -> None:
    bench = Bench()
    bench.hub.begin("g1")
    bench.log.sequence = 10
    bench.log.write(count(1), count(2))
    bench.hub.caught_up(12)

    assert types(bench.join("g1-10"))[:2] == ["queueCount", "queueCount"]
    assert types(bench.join("g1-9"))[0] == "reset"


async def test_resumed_stream_is_told_the_status_of_its_pbxs(bench: Bench) -> None:
    bench.hub.stale("away")

    resumed = events(bench.join("g1-2"))

    assert [event["type"] for event in resumed] == ["pbxStatus", "pbxStatus", "ready"]
    assert resumed[0]["status"] == "offline"
    assert "id" not in resumed[0]
    assert resumed[-1]["id"] == "g1-2"


async def test_resumed_poll_is_told_a_status_only_if_it_was_told_another(bench: Bench) -> None:
    assert bench.join("g1-2", poll=True).take() == []

    bench.hub.stale("away")
    told = events(bench.join("g1-2", poll=True))
    assert [event["status"] for event in told] == ["offline", "offline"]

    position = str(bench.hub.position())
    assert position.rpartition("-")[2] == "2"
    assert bench.join(position, poll=True).take() == []

    bench.hub.fresh()
    told = events(bench.join(position, poll=True))
    assert [event["status"] for event in told] == ["online", "online"]


async def test_gateway_that_has_not_heard_the_bridge_says_that_it_does_not_know() -> None:
    bench = Bench()
    bench.log.start(online("hq"))

    opening = events(bench.join())
    assert [event["status"] for event in opening[:2]] == ["syncing", "offline"]
    assert "no bridge has reported" in opening[1]["reason"]


async def test_doubt_outlives_a_logged_status(bench: Bench) -> None:
    subscription = bench.join()
    bench.hub.stale("away")
    bench.end_tick()
    subscription.take()
    bench.log.write(online())
    bench.end_tick()

    assert [(event["status"], "id" in event) for event in events(subscription)] == [
        ("online", True),
        ("offline", False),
    ]


async def test_live_event_is_a_sign_of_life_of_its_bridge(bench: Bench) -> None:
    bench.clock.go(6)
    bench.log.write(count(1), count(1, pbx="branch"))
    bench.hub.tick()

    assert events(bench.join())[0]["status"] == "online"


async def test_while_the_state_is_read_anew_clients_are_told_that_it_is_not_live(bench: Bench) -> None:
    streaming, poll = bench.join(), bench.join(poll=True)
    streaming.take()
    poll.take()
    bench.log.write(count(1))
    bench.hub.begin("g2")
    bench.end_tick()

    assert [event["status"] for event in events(streaming)] == ["syncing", "syncing"]
    bench.log.generation = "g2"
    bench.log.start(online("hq"))
    assert types(streaming)[0] == "reset"
    assert types(poll)[0] == "reset"


async def test_ping_goes_to_streams_and_not_to_polls(bench: Bench) -> None:
    streaming, poll = bench.join(), bench.join(poll=True)
    streaming.take()
    poll.take()
    bench.hub.ping()

    assert types(streaming) == ["ping"]
    assert poll.take() == []


async def test_stopping_hub_ends_who_is_there_and_who_comes(bench: Bench) -> None:
    there = bench.join()
    bench.hub.end_all(End.STOPPING)

    assert there.ended is End.STOPPING
    assert bench.join().ended is End.STOPPING


async def test_event_of_another_queue_costs_nobody_anything(bench: Bench) -> None:
    subscription = bench.join(queues=("q1",))
    subscription.take()
    bench.log.write(count(1, "q2"), phone())

    assert bench.scheduled == []
    assert subscription.take() == []

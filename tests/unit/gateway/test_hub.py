from __future__ import annotations

from collections.abc import Callable

import pytest

from services.gateway.core.batch import Batch
from services.gateway.core.position import Position, parse_position
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.fan_out import REFILLING_S
from services.gateway.hub import Hub
from services.gateway.openings import BEHIND_S
from services.gateway.subscription import End, Subscription
from services.gateway.waiting import AHEAD_S, STUCK_S
from tests.support.gateway_fakes import (
    FakeClock,
    FakeLane,
    FakeLoop,
    Log,
    complete,
    count,
    online,
    parked,
    place,
)

PBXS = ("hq", "branch")


class Client:
    """A subscription, and its end of the lane."""

    def __init__(self, subscription: Subscription, lane: FakeLane) -> None:
        self.subscription = subscription
        self.lane = lane
        self.events = lane.events
        self.types = lane.types
        self.take = lane.take

    def counts(self) -> list[int]:
        """Of the queueCount events that it took."""
        return [event["count"] for event in self.events() if event["type"] == "queueCount"]


class Bench:
    """A hub, its log, and a tick that the test ends by hand."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.loop = FakeLoop(self.clock)
        self.hub = Hub(PBXS, self.clock, self.loop)
        self.asked: list[Subscription] = []
        self.hub.ask_log = self.asked.append
        self.log = Log(self.hub)

    def start(self) -> None:
        self.log.start(online("hq"), online("branch"))
        for pbx in PBXS:
            self.hub.alive(pbx)
        self.end_tick()

    def end_tick(self) -> None:
        self.loop.run()

    def write(self, *numbers: int) -> None:
        self.log.write(*(count(number) for number in numbers))
        self.end_tick()

    def join(
        self,
        after: str | None = None,
        *,
        poll: bool = False,
        queues: tuple[str, ...] = ("*",),
        pbxs: tuple[str, ...] = (),
        room: int | None = None,
    ) -> Client:
        scope = resolve(Ticket(agents=("*",), queues=queues, pbx=pbxs, created=1), PBXS)
        lane = FakeLane(room)
        position = None if after is None else parse_position(after)
        return Client(self.hub.join(scope, lane, position, poll=poll), lane)


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
    position = bench.hub.position()
    assert position is not None
    assert position._replace(mark=None) == Position("g1", 2)


async def test_events_of_a_tick_come_together(bench: Bench) -> None:
    subscription = bench.join()
    subscription.take()
    bench.log.write(count(1), count(2))
    assert subscription.take() == []

    bench.end_tick()
    assert subscription.counts() == [1, 2]


async def test_who_joins_in_the_middle_of_a_tick_gets_nothing_twice(bench: Bench) -> None:
    first = bench.join()
    first.take()
    bench.log.write(count(1))
    second = bench.join()
    bench.end_tick()

    assert first.types() == ["queueCount"]
    assert second.types() == ["pbxStatus", "queueCount", "pbxStatus", "ready"]


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
    bench.hub.leave(subscription.subscription)
    bench.hub.leave(subscription.subscription)
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
        ("pbxis.v1.state.hq.queueCount.q1._", b'{"type":"queueCount","queue":"\xff"}'),
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

    assert [event["id"] for event in subscription.events()] == ["g1-4"]
    assert bench.join("g1-2").types()[0] == "queueCount"


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

    assert bench.join("g1-10").types()[:2] == ["queueCount", "queueCount"]
    older = bench.join("g1-9")
    assert older.types() == []
    assert bench.asked == [older.subscription]


async def test_resumed_stream_is_told_the_status_of_its_pbxs(bench: Bench) -> None:
    bench.hub.stale("away")

    resumed = bench.join("g1-2").events()

    assert [event["type"] for event in resumed] == ["pbxStatus", "pbxStatus", "ready"]
    assert resumed[0]["status"] == "offline"
    assert "id" not in resumed[0]
    assert resumed[-1]["id"] == "g1-2"


async def test_resumed_poll_is_told_a_status_only_if_it_was_told_another(bench: Bench) -> None:
    before = str(bench.hub.position())
    assert bench.join(before, poll=True).take() == []

    bench.hub.stale("away")
    told = bench.join(before, poll=True).events()
    assert [event["status"] for event in told] == ["offline", "offline"]

    position = str(bench.hub.position())
    assert position.rpartition("-")[2] == "2"
    assert bench.join(position, poll=True).take() == []

    bench.hub.fresh()
    told = bench.join(position, poll=True).events()
    assert [event["status"] for event in told] == ["online", "online"]


async def test_poll_that_comes_from_a_stream_is_told_the_status_for_who_knows_what_that_was(
    bench: Bench,
) -> None:
    assert bench.join("g1-2", poll=True).types() == ["pbxStatus", "pbxStatus"]


async def test_gateway_that_has_not_heard_the_bridge_says_that_it_does_not_know() -> None:
    bench = Bench()
    bench.log.start(online("hq"))

    opening = bench.join().events()
    assert [event["status"] for event in opening[:2]] == ["syncing", "offline"]
    assert "no bridge has reported" in opening[1]["reason"]


async def test_doubt_outlives_a_logged_status(bench: Bench) -> None:
    subscription = bench.join()
    bench.hub.stale("away")
    bench.end_tick()
    subscription.take()
    bench.log.write(online())
    bench.end_tick()

    assert [(event["status"], "id" in event) for event in subscription.events()] == [
        ("online", True),
        ("offline", False),
    ]


async def test_live_event_is_a_sign_of_life_of_its_bridge(bench: Bench) -> None:
    bench.clock.go(6)
    bench.log.write(count(1), count(1, pbx="branch"))
    bench.hub.tick()

    assert bench.join().events()[0]["status"] == "online"


async def test_while_the_state_is_read_anew_clients_are_told_that_it_is_not_live(bench: Bench) -> None:
    streaming, poll = bench.join(), bench.join(poll=True)
    streaming.take()
    poll.take()
    bench.log.write(count(1))
    bench.hub.begin("g2")
    bench.end_tick()

    assert [event["status"] for event in streaming.events()] == ["syncing", "syncing"]
    bench.hub.caught_up(3)
    bench.end_tick()
    assert streaming.types()[0] == "reset"
    assert "reset" in poll.types()


async def test_client_none_of_whose_pbxs_is_configured_any_more_is_told_nothing_of_them(
    bench: Bench,
) -> None:
    client = bench.join(pbxs=("gone",))
    assert client.types() == ["ready"]
    bench.hub.begin("g2")

    assert client.lane.writes == 1
    bench.hub.caught_up(3)
    bench.end_tick()
    assert client.types() == ["reset", "ready"]


async def test_ping_goes_to_streams_and_not_to_polls(bench: Bench) -> None:
    streaming, poll = bench.join(), bench.join(poll=True)
    streaming.take()
    poll.take()
    bench.hub.ping()
    bench.end_tick()

    assert streaming.types() == ["ping"]
    assert poll.take() == []


async def test_stopping_hub_ends_who_is_there_and_who_comes(bench: Bench) -> None:
    there = bench.join()
    bench.hub.end_all(End.STOPPING)

    assert there.subscription.ended is End.STOPPING
    assert bench.join().subscription.ended is End.STOPPING


async def test_event_of_another_queue_costs_nobody_anything(bench: Bench) -> None:
    subscription = bench.join(queues=("q1",))
    subscription.take()
    bench.log.write(count(1, "q2"))

    assert bench.loop.idle
    assert subscription.take() == []


async def test_client_that_does_not_read_is_not_written_to_and_then_gets_exactly_what_it_missed(
    bench: Bench,
) -> None:
    slow, other = bench.join(), bench.join()
    slow.take()
    other.take()
    slow.lane.stop()
    bench.write(1, 2)
    bench.write(3)

    assert slow.lane.messages == []
    assert other.counts() == [1, 2, 3]
    assert bench.hub.lagging == 1
    slow.take()
    bench.end_tick()
    bench.write(4)
    assert slow.counts() == [1, 2, 3, 4]
    assert bench.hub.lagging == 0
    assert (bench.hub.counters.lagged, bench.hub.counters.caught_up) == (1, 1)


async def test_client_that_takes_little_at_a_time_gets_everything_once_and_in_order(bench: Bench) -> None:
    slow = bench.join(room=1)
    counts = slow.counts()
    for number in range(40):
        bench.write(number)
        if number % 7 == 0:
            counts += slow.counts()
    while found := slow.counts():
        counts += found
        bench.end_tick()

    assert counts[-40:] == list(range(40))


async def test_client_behind_for_long_gets_the_state_instead_of_history(bench: Bench) -> None:
    slow = bench.join()
    slow.take()
    slow.lane.stop()
    bench.write(1, 2)
    bench.clock.go(BEHIND_S + 1)
    slow.take()
    bench.end_tick()
    bench.write(3)
    events = slow.events()

    assert [event["type"] for event in events] == [
        "reset",
        "pbxStatus",
        "queueCount",
        "pbxStatus",
        "ready",
        "queueCount",
    ]
    assert [event["count"] for event in events if event["type"] == "queueCount"] == [2, 3]
    assert events[4]["resumed"] is False
    assert bench.hub.counters.resets == 1


async def test_client_that_takes_nothing_is_ended_so_that_it_comes_back(bench: Bench) -> None:
    stuck, slow = bench.join(), bench.join(room=1)
    stuck.take()
    stuck.lane.stop()
    for _ in range(4):
        bench.clock.go(STUCK_S / 3)
        slow.take()
        bench.hub.tick()

    assert stuck.subscription.ended is End.TOO_SLOW
    assert slow.subscription.ended is None
    bench.hub.tick()  # it is still there: it is not written off at once
    assert bench.hub.counters.closed_too_slow == 1


async def test_client_that_was_told_a_doubt_late_is_told_how_it_is(bench: Bench) -> None:
    slow = bench.join()
    slow.take()
    slow.lane.stop()
    bench.hub.stale("away")
    bench.end_tick()
    slow.take()
    bench.end_tick()

    assert [event["status"] for event in slow.events()] == ["offline", "offline"]


async def test_opening_waits_for_a_lane_that_is_full(bench: Bench) -> None:
    slow = bench.join(room=1)
    types: list[str] = []
    for _ in range(4):
        types += slow.types()
        bench.end_tick()

    assert types == ["pbxStatus", "pbxStatus", "ready"]


async def test_client_that_has_seen_more_than_this_gateway_waits_for_it(bench: Bench) -> None:
    ahead = bench.join("g1-4")
    assert ahead.types() == []
    bench.write(1)
    assert ahead.types() == []
    bench.write(2)
    bench.write(3)
    events = ahead.events()

    assert [event["type"] for event in events] == ["pbxStatus", "pbxStatus", "ready", "queueCount"]
    assert events[2]["resumed"] is True
    assert events[3]["id"] == "g1-5"


async def test_client_that_has_seen_what_never_comes_begins_anew(bench: Bench) -> None:
    ahead = bench.join("g1-4")
    bench.clock.go(AHEAD_S + 1)
    bench.hub.alive("hq")
    bench.hub.tick()
    bench.end_tick()

    assert ahead.types()[0] == "reset"


async def test_group_with_more_pending_than_is_kept_is_served_from_the_ring(bench: Bench) -> None:
    client = bench.join()
    client.take()
    bench.write(*range(5000))

    assert client.counts() == list(range(5000))
    assert client.lane.writes < 100


async def test_doubt_in_the_middle_of_such_a_burst_is_told(bench: Bench) -> None:
    client = bench.join()
    client.take()
    bench.log.write(*(count(number) for number in range(5000)))
    bench.hub.stale("away")
    bench.end_tick()
    events = client.events()

    assert [event["count"] for event in events[:5000]] == list(range(5000))
    assert [event["status"] for event in events[5000:]] == ["offline", "offline"]


async def test_burst_goes_out_in_parts_between_which_a_full_lane_stops(bench: Bench) -> None:
    client = bench.join(room=500)
    client.take()
    bench.write(*range(1900))
    counts = client.counts()
    assert 500 <= len(counts) < 1900
    while len(counts) < 1900:
        bench.end_tick()
        counts += client.counts()

    assert counts == list(range(1900))


async def test_many_clients_are_written_to_in_turns(bench: Bench) -> None:
    clients = [bench.join() for _ in range(1200)]
    for client in clients:
        client.take()
    bench.log.write(count(1))
    bench.loop.turn()
    served = sum(bool(client.lane.messages) for client in clients)
    assert 0 < served < 1200
    bench.log.write(count(2))
    late = bench.join()
    assert [event["count"] for event in late.events() if event["type"] == "queueCount"] == [2]
    bench.end_tick()

    assert all(client.counts() == [1, 2] for client in clients)
    assert late.types() == []


async def test_refills_that_take_long_leave_the_loop_its_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [bench.join() for _ in range(3)]
    for client in clients:
        client.take()
        client.lane.stop()
        write = client.lane.write

        def slowly(batch: Batch, write: Callable[[Batch], None] = write) -> None:
            bench.clock.go(REFILLING_S)
            write(batch)

        monkeypatch.setattr(client.lane, "write", slowly)
    bench.write(1)
    for client in clients:
        client.take()
    served: list[int] = []
    while not bench.loop.idle:
        bench.loop.turn()
        served.append(sum(bool(client.lane.messages) for client in clients))

    assert served == [1, 2, 3]
    assert all(client.counts() == [1] for client in clients)


async def test_poll_takes_what_waits_for_its_turn(bench: Bench) -> None:
    poll = bench.join(place(bench.hub, 2), poll=True)
    bench.log.write(count(1))
    assert poll.lane.messages == []

    assert bench.hub.settle(poll.subscription) == parse_position(place(bench.hub, 3))
    assert poll.counts() == [1]
    bench.end_tick()
    assert poll.types() == []


async def test_place_of_a_poll_that_is_full_is_that_of_its_last_event(bench: Bench) -> None:
    bench.write(*range(600))
    poll = bench.join("g1-2", poll=True, room=100)
    position = bench.hub.settle(poll.subscription)
    counts = poll.counts()

    assert position is not None
    assert counts == list(range(len(counts)))
    assert position.sequence == 2 + len(counts)


async def test_before_the_state_nobody_has_a_place() -> None:
    bench = Bench()
    poll = bench.join(poll=True)

    assert bench.hub.settle(poll.subscription) is None


async def test_who_is_there_is_counted_by_transport_and_lane(bench: Bench) -> None:
    bench.join()

    assert bench.hub.clients_by() == {("websocket", "raw"): 1}
    assert bench.hub.generation == "g1"


async def test_new_state_replaces_what_waits_for_a_slow_client(bench: Bench) -> None:
    slow = bench.join()
    slow.take()
    slow.lane.stop()
    bench.write(1)
    bench.log.generation = "g2"
    bench.log.start(online("hq"), count(7))
    bench.end_tick()
    slow.take()
    bench.end_tick()

    events = slow.events()
    assert events[0]["type"] == "reset"
    assert [event["count"] for event in events if event["type"] == "queueCount"] == [7]
    assert bench.hub.counters.feed_restarts == 1


async def test_fence_of_a_bridge_is_nothing_for_clients(bench: Bench) -> None:
    client = bench.join()
    client.take()
    bench.hub.deliver("pbxis.v1.fence.hq", b"{}", 3)
    bench.end_tick()

    assert client.types() == []
    assert bench.hub.position() == parse_position(place(bench.hub, 3))


async def test_turn_that_fails_is_the_end_of_the_gateway(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = bench.join()

    def fail(batch: Batch) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(client.lane, "write", fail)
    bench.hub.tick()
    with pytest.raises(RuntimeError, match="a bug"):
        bench.write(1)

    with pytest.raises(RuntimeError, match="a bug"):  # else nobody would get anything, and nobody know
        bench.hub.tick()


async def test_moments_are_events_too(bench: Bench) -> None:
    client = bench.join()
    client.take()
    bench.log.write(parked(), complete())
    bench.end_tick()

    assert client.types() == ["parkedCall", "agentComplete"]

"""What becomes of clients that do not get on."""

from __future__ import annotations

import pytest

from services.gateway.openings import BEHIND_S
from services.gateway.subscription import End
from services.gateway.waiting import AHEAD_S, NEARER_S
from tests.support.gateway_fakes import count, online, parked
from tests.unit.gateway.test_hub import PBXS, Bench, Client


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.start()
    return bench


def wait(bench: Bench, seconds: float) -> None:
    """Time passes, and the clock calls as it does in a gateway."""
    for _ in range(round(seconds * 2)):
        bench.clock.go(0.5)
        for pbx in PBXS:
            bench.hub.alive(pbx)
        bench.hub.tick()
        bench.end_tick()


async def read_back(bench: Bench, after: int, most: int) -> None:
    """The log is read for those who asked."""
    found = [bench.hub.intake.entry(one) for one in await bench.log.page("g1", after, most)]
    entries = [entry for entry in found if entry is not None]
    if entries:
        bench.hub.replayed(after, entries, entries[-1].sequence)
    for subscription in bench.asked:
        bench.hub.retry(subscription)
    bench.end_tick()


def from_before_the_ring(bench: Bench, *, poll: bool = False) -> Client:
    """Comes back to a gateway that would have to read the log for it."""
    bench.hub.ring.limit = 4
    bench.write(*range(12))
    client = bench.join("g1-2", poll=poll)
    assert bench.asked == [client.subscription]
    return client


def statuses(client: Client) -> list[str]:
    return [event["status"] for event in client.events() if event["type"] == "pbxStatus"]


async def test_live_client_whose_place_cannot_be_read_gets_the_state(bench: Bench) -> None:
    bench.hub.ring.limit = 4
    slow = bench.join()
    slow.take()
    slow.lane.stop()
    bench.write(*range(12))
    bench.clock.go(1)
    slow.take()
    bench.end_tick()
    assert bench.asked == [slow.subscription]
    bench.hub.stale("away")
    wait(bench, BEHIND_S)
    events = slow.events()

    assert [event["type"] for event in events] == ["reset", "pbxStatus", "queueCount", "pbxStatus", "ready"]
    assert [event["status"] for event in events if event["type"] == "pbxStatus"] == ["offline", "offline"]
    assert slow.subscription.live


async def test_client_that_was_given_the_state_slowly_and_waits_for_the_log_gets_it_again(
    bench: Bench,
) -> None:
    bench.hub.ring.limit = 4
    slow = bench.join(room=2)
    bench.write(*range(12))
    assert slow.types() == ["pbxStatus", "pbxStatus"]
    bench.end_tick()
    assert slow.types() == ["ready"]
    assert not slow.subscription.live
    slow.lane.room = None
    wait(bench, BEHIND_S + 1)

    assert slow.types()[0] == "reset"


async def test_resuming_stream_that_gets_nothing_is_told_so_once(bench: Bench) -> None:
    client = from_before_the_ring(bench)
    wait(bench, BEHIND_S - 1)
    assert client.types() == []
    wait(bench, BEHIND_S)
    assert statuses(client) == ["syncing", "syncing"]
    wait(bench, BEHIND_S)
    assert client.types() == []

    await read_back(bench, 2, 20)
    events = client.events()
    assert [event["type"] for event in events] == ["queueCount"] * 12 + ["pbxStatus"] * 2 + ["ready"]
    assert {event["status"] for event in events if event["type"] == "pbxStatus"} == {"online"}


async def test_resuming_stream_that_was_replayed_something_and_waits_again_is_told_again(
    bench: Bench,
) -> None:
    client = from_before_the_ring(bench)
    wait(bench, BEHIND_S)
    assert statuses(client) == ["syncing", "syncing"]
    await read_back(bench, 2, 3)
    assert client.counts() == [0, 1, 2]
    wait(bench, BEHIND_S)

    assert statuses(client) == ["syncing", "syncing"]


async def test_poll_that_gets_nothing_is_not_answered_as_if_there_were_nothing(bench: Bench) -> None:
    poll = from_before_the_ring(bench, poll=True)
    assert bench.hub.settle(poll.subscription) is None
    wait(bench, BEHIND_S)

    assert poll.lane.messages  # so that its answer, an error, does not wait for the end of its time
    assert bench.hub.settle(poll.subscription) is None


async def test_poll_that_was_about_to_be_given_up_and_is_live_is_told_how_it_is(bench: Bench) -> None:
    poll = from_before_the_ring(bench, poll=True)
    wait(bench, BEHIND_S)
    await read_back(bench, 2, 20)

    assert statuses(poll) == ["syncing", "syncing", "online", "online"]
    assert bench.hub.settle(poll.subscription) == bench.hub.position()


async def test_every_stream_that_reads_is_pinged_whatever_it_waits_for(bench: Bench) -> None:
    live, full = bench.join(), bench.join()
    live.take()
    full.take()
    full.lane.stop()
    waiting, poll = from_before_the_ring(bench), bench.join("g1-2", poll=True)
    live.take()
    bench.hub.ping()
    bench.end_tick()

    assert [one.types() for one in (live, waiting, full, poll)] == [["ping"], ["ping"], [], []]


async def test_client_that_took_nothing_when_the_state_was_to_be_read_anew_is_told_when_it_reads(
    bench: Bench,
) -> None:
    client = bench.join()
    client.take()
    client.lane.stop()
    bench.hub.begin("g1")
    bench.end_tick()
    assert client.types() == []

    assert statuses(client) == ["syncing", "syncing"]
    client.lane.stop()
    client.take()
    assert client.types() == []


async def test_who_comes_back_before_the_state_is_read_is_told_that_its_figures_are_not_live() -> None:
    bench = Bench()
    back, new = bench.join("g1-2"), bench.join()
    assert statuses(back) == ["syncing", "syncing"]
    assert new.types() == []
    bench.start()

    told = back.events()
    assert [event["type"] for event in told[-3:]] == ["pbxStatus", "pbxStatus", "ready"]
    assert [event["status"] for event in told[-3:-1]] == ["online", "online"]
    assert new.types() == ["pbxStatus", "pbxStatus", "ready"]


async def test_who_has_ended_is_told_nothing_when_the_state_is_read_anew(bench: Bench) -> None:
    client = bench.join()
    client.take()
    client.subscription.end(End.NO_TICKET)
    bench.hub.begin("g2")
    bench.hub.ping()
    bench.end_tick()

    assert client.types() == []


async def test_who_has_seen_more_is_not_given_up_while_the_gateway_hears_nothing(bench: Bench) -> None:
    bench.hub.stale("away")
    ahead = bench.join("g1-5")
    wait(bench, max(AHEAD_S, BEHIND_S) + 1)
    assert statuses(ahead) == ["syncing", "syncing"]
    bench.log.write(parked(), parked(), parked())
    bench.hub.fresh()
    bench.end_tick()

    assert ahead.types() == ["pbxStatus", "pbxStatus", "ready"]  # it has had the three moments
    bench.write(7)
    assert ahead.counts() == [7]


async def test_who_has_seen_more_has_its_time_from_when_the_gateway_hears_again(bench: Bench) -> None:
    bench.hub.stale("away")
    ahead = bench.join("g1-5")
    wait(bench, AHEAD_S * 2)
    bench.hub.fresh()
    wait(bench, AHEAD_S / 2)
    assert "reset" not in ahead.types()
    wait(bench, AHEAD_S)

    assert "reset" in ahead.types()


async def test_what_has_not_come_here_is_not_given_to_who_reads_the_log_back(bench: Bench) -> None:
    client = from_before_the_ring(bench)
    hub, bench.log.hubs = bench.log.hubs, []
    bench.log.write(count(99))
    bench.log.hubs = hub
    await read_back(bench, 2, 20)
    assert client.counts() == list(range(12))

    bench.hub.deliver(*(await bench.log.page("g1", bench.log.sequence - 1, 1))[0])
    bench.end_tick()
    assert client.counts() == [99]


async def test_who_does_not_come_nearer_begins_anew(bench: Bench) -> None:
    client = from_before_the_ring(bench)
    bench.write(*range(12, 100))
    for _ in range(round(NEARER_S / 5)):
        wait(bench, 5)
        bench.write(*range(5))
        await read_back(bench, client.subscription.at, 5)  # as fast as the log grows
    wait(bench, 5)

    assert "reset" in client.types()
    assert bench.hub.counters.resets == 1


async def test_who_comes_nearer_is_told_everything_however_long_it_takes(bench: Bench) -> None:
    bench.hub.ring.limit = 4
    bench.write(*range(200))
    client = bench.join("g1-2")
    for _ in range(12):
        wait(bench, NEARER_S / 3)
        await read_back(bench, client.subscription.at, 19)
    wait(bench, NEARER_S)

    assert client.subscription.live
    assert client.counts() == list(range(200))
    assert bench.hub.counters.resets == 0


async def test_who_takes_too_little_to_come_nearer_begins_anew(bench: Bench) -> None:
    bench.write(*range(300))
    client = bench.join("g1-2", room=1)
    seen: list[str] = []
    for number in range(round(NEARER_S) + 4):
        bench.write(*range(1000 + number * 300, 1300 + number * 300))
        wait(bench, 1)
        seen += client.types()
        bench.end_tick()

    assert "reset" in seen


async def test_ready_tells_the_time_of_its_coming(bench: Bench) -> None:
    slow = bench.join(room=1)
    bench.clock.go(20)
    bench.write(1)
    slow.take()
    bench.end_tick()
    ready = slow.events()[0]

    assert ready["type"] == "ready"
    assert ready["now"] == bench.clock.now_ms()
    assert ready["id"] == "g1-2"


async def test_status_that_was_replayed_does_not_hide_that_it_is_the_past(bench: Bench) -> None:
    bench.hub.ring.limit = 4
    bench.log.write(online("hq"), *(count(number) for number in range(12)))
    client = bench.join("g1-2")
    bench.hub.stale("away")
    await read_back(bench, 2, 3)
    assert client.types() == ["pbxStatus", "queueCount", "queueCount"]
    wait(bench, BEHIND_S)

    assert statuses(client) == ["syncing", "syncing"]

"""Where a client is in the log, and what it knows, when something comes in between."""

from __future__ import annotations

import pytest

from services.gateway.fan_out import MOST_PENDING
from services.gateway.hub import Hub
from tests.support.gateway_fakes import FakeLoop, Log, count, online
from tests.unit.gateway.test_hub import PBXS, Bench, Client


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.start()
    return bench


async def test_a_ping_that_fills_a_lane_does_not_turn_its_client_back(bench: Bench) -> None:
    client = bench.join(room=2)
    client.take()
    bench.end_tick()
    client.take()
    bench.end_tick()
    bench.write(1)
    bench.hub.ping()
    bench.end_tick()
    bench.write(2)

    assert client.types() == ["queueCount", "ping"]
    bench.end_tick()
    assert client.counts() == [2]


async def test_a_poll_whose_state_is_read_anew_has_no_place(bench: Bench) -> None:
    poll = bench.join(poll=True)
    bench.log.start(*(online(pbx) for pbx in PBXS))

    assert bench.hub.settle(poll.subscription) is None
    bench.end_tick()
    assert bench.hub.settle(poll.subscription) is not None
    assert poll.types()[-1] == "ready"


async def test_a_poll_on_its_way_knows_of_pbxs_what_it_knew(bench: Bench) -> None:
    place = bench.hub.position()
    bench.hub.ring.limit = 4
    bench.write(*range(12))
    poll = bench.join(str(place), poll=True)
    assert bench.asked == [poll.subscription]
    assert bench.hub.settle(poll.subscription) is None  # there is something, and it was not given it
    found = [bench.hub.intake.entry(one) for one in await bench.log.page("g1", 2, 3)]
    bench.hub.replayed(2, [entry for entry in found if entry is not None], 5)
    bench.hub.retry(poll.subscription)
    bench.end_tick()

    assert poll.counts() == [0, 1, 2]
    assert place is not None
    assert bench.hub.settle(poll.subscription) == place._replace(sequence=5)


async def test_a_poll_that_took_no_more_is_told_of_pbxs_again(bench: Bench) -> None:
    poll = bench.join(str(bench.hub.position()), poll=True, room=1)
    bench.write(1)
    place = bench.hub.settle(poll.subscription)
    assert place is not None

    again = bench.join(str(place), poll=True)
    assert again.types() == ["pbxStatus", "pbxStatus"]
    assert bench.hub.settle(again.subscription) == bench.hub.position()


async def test_a_poll_that_was_told_a_doubt_is_told_that_it_has_passed_also_in_a_burst(bench: Bench) -> None:
    poll = bench.join(str(bench.hub.position()), poll=True)
    bench.hub.stale("away")
    bench.end_tick()
    bench.log.write(*(count(number) for number in range(MOST_PENDING)))
    bench.hub.fresh()
    bench.end_tick()

    statuses = [event["status"] for event in poll.events() if event["type"] == "pbxStatus"]
    assert statuses == ["offline", "offline", "online", "online"]


def last_told(poll: Client, pbx: str = "hq") -> str:
    """The status of a PBX that a poll leaves on the screen."""
    told = [event for event in poll.events() if event["type"] == "pbxStatus"]
    return [event["status"] for event in told if event["pbx"] == pbx][-1]


async def test_a_poll_that_missed_a_bridge_come_and_gone_again_is_not_left_with_online(bench: Bench) -> None:
    bench.clock.go(6)
    bench.hub.tick()
    place = str(bench.hub.position())
    bench.log.write(online("hq"))
    bench.clock.go(6)
    bench.hub.tick()
    assert bench.hub.pbx_statuses()["hq"] == "offline"

    assert last_told(bench.join(place, poll=True)) == "offline"


async def test_a_poll_that_is_replayed_online_while_contact_is_lost_is_told_that_it_is(bench: Bench) -> None:
    bench.hub.stale("away")
    place = str(bench.hub.position())
    bench.log.write(online("hq"))

    assert last_told(bench.join(place, poll=True)) == "offline"


async def test_a_poll_that_was_cut_behind_a_replayed_status_is_told_the_doubt_in_the_end(
    bench: Bench,
) -> None:
    bench.hub.stale("away")
    place = str(bench.hub.position())
    bench.log.write(online("hq"), *(count(number) for number in range(MOST_PENDING)))
    poll = bench.join(place, poll=True, room=1)
    assert last_told(poll) == "online"
    cut = bench.hub.settle(poll.subscription)
    assert cut is not None

    assert last_told(bench.join(str(cut), poll=True)) == "offline"


async def test_a_poll_from_a_gateway_of_other_pbxs_is_told_of_each(bench: Bench) -> None:
    bench.hub.stale("away")
    before = Hub(("hq",), bench.clock, FakeLoop(bench.clock))
    log = Log(before)
    log.start(online("hq"), count(1))
    before.stale("away")

    assert bench.join(str(before.position()), poll=True).types() == ["pbxStatus", "pbxStatus"]

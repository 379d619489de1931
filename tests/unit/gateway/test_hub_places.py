"""Where a client is in the log, and what it knows, when something comes in between."""

from __future__ import annotations

import pytest

from services.gateway.core.position import parse_position
from services.gateway.fan_out import MOST_PENDING
from tests.support.gateway_fakes import count, online
from tests.unit.gateway.test_hub import PBXS, Bench


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
    bench.hub.ring.limit = 4
    bench.write(*range(12))
    poll = bench.join("g1.a-2", poll=True)
    assert bench.asked == [poll.subscription]

    assert bench.hub.settle(poll.subscription) == parse_position("g1.a-2")


async def test_a_poll_that_took_no_more_is_told_of_pbxs_again(bench: Bench) -> None:
    poll = bench.join(f"g1.0-{bench.log.sequence}", poll=True, room=1)
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

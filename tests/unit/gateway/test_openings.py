"""How long a client may take for what happened while it took the state."""

from __future__ import annotations

import pytest

from services.gateway.core.batch import Batch
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.openings import BEHIND_S
from tests.support.gateway_fakes import FakeLane, phone
from tests.unit.gateway.test_hub import PBXS, Bench, Client
from tests.unit.gateway.test_waiting import wait

BATCH_S = 2
STATES = 12
STATE_S = STATES * BATCH_S
"""The state comes in so many batches, and the link takes one in ``BATCH_S``."""


@pytest.fixture
def bench() -> Bench:
    """With a large state."""
    bench = Bench()
    bench.start()
    bench.log.write(*(phone(str(number), "x" * 70_000) for number in range(STATES)))
    bench.end_tick()
    return bench


def on_a_slow_link(bench: Bench, *, a_second: int, for_s: int) -> tuple[Client, list[str]]:
    """Join, and read for so long while so much happens; what came of ``reset`` and ``ready``."""
    client = bench.join(room=1)
    seen: list[str] = []
    for second in range(for_s):
        wait(bench, 1)
        bench.write(*range(a_second))
        if second % BATCH_S == 0:
            seen += [one for one in client.types() if one in {"reset", "ready"}]
            bench.end_tick()
        if client.subscription.live:
            break
    return client, seen


class Link(FakeLane):
    """Holds up to ``FULL`` bytes, and carries as much as is asked for."""

    FULL = 128 * 1024
    LOW = 64 * 1024

    def __init__(self) -> None:
        super().__init__()
        self._held = 0
        self.seen: list[str] = []

    def write(self, batch: Batch) -> None:
        self._held += batch.size
        self.seen += [one.type for one in batch.messages if one.type in {"reset", "ready"}]
        if self._held > self.FULL:
            self.stop()

    def carry(self, size: int) -> None:
        self._held = max(0, self._held - size)
        if self._held < self.LOW:
            self.take()


@pytest.mark.parametrize("percent", [25, 60, 80])
async def test_new_client_whose_link_carries_more_than_happens_is_live_in_the_end(
    bench: Bench, percent: int
) -> None:
    lane = Link()
    scope = resolve(Ticket(agents=("*",), queues=("*",), created=1), PBXS)
    subscription = bench.hub.join(scope, lane)
    for _ in range(10 * STATE_S):
        wait(bench, 1)
        lane.carry(STATES * 70_000 // STATE_S)
        bench.end_tick()
        if subscription.live and lane.seen:
            break
        bench.write(*range(percent * 285 // 100))  # of 121 bytes: a part of what it carries

    assert subscription.live
    assert lane.seen == ["ready"]
    assert bench.hub.counters.resets == 0


@pytest.mark.parametrize("a_second", [20, 60, 100])
async def test_new_client_that_is_given_all_there_is_each_time_is_left_in_peace(
    bench: Bench, a_second: int
) -> None:
    client, seen = on_a_slow_link(bench, a_second=a_second, for_s=10 * STATE_S)  # it could take 125 a second

    assert seen == ["ready"]
    assert bench.hub.ring.last - client.subscription.at <= BEHIND_S * a_second


async def test_new_client_whose_link_carries_less_than_happens_gets_the_state_again(bench: Bench) -> None:
    client, seen = on_a_slow_link(bench, a_second=200, for_s=4 * STATE_S)

    assert not client.subscription.live
    assert seen[:3] == ["ready", "reset", "ready"]


async def test_client_that_was_live_has_no_more_time_for_how_long_its_state_took(bench: Bench) -> None:
    client, _ = on_a_slow_link(bench, a_second=0, for_s=2 * STATE_S)
    assert client.subscription.live
    client.types()
    client.lane.stop()
    bench.write(*range(500))
    wait(bench, BEHIND_S + 1)

    assert client.types() == []
    bench.end_tick()
    assert client.types()[0] == "reset"


async def test_client_that_waits_for_the_log_has_no_more_time_either(bench: Bench) -> None:
    bench.hub.ring.limit = 4
    client, seen = on_a_slow_link(bench, a_second=1, for_s=STATE_S + 3)
    assert bench.asked[:1] == [client.subscription]
    assert seen == ["ready"]
    wait(bench, BEHIND_S + 1)

    assert client.types()[0] == "reset"

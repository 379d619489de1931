from __future__ import annotations

from services.gateway.core.batch import Batch
from services.gateway.core.frames import CLOSE, RESET
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket
from services.gateway.subscription import End, Subscription
from tests.support.gateway_fakes import FakeLane


class Told:
    """Who looks after a subscription, and was told what."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def paused(self, subscription: Subscription) -> None:
        self.words.append("paused")

    def writable(self, subscription: Subscription) -> None:
        self.words.append("writable")


def live(told: Told | None = None) -> tuple[Subscription, FakeLane]:
    lane = FakeLane()
    one = Subscription(told or Told(), resolve(Ticket(created=1), ("hq",)), lane)
    one.live = True
    return one, lane


def test_takes_each_batch_once_and_knows_how_far_it_is() -> None:
    one, lane = live()

    assert one.give(Batch([RESET], 7, 1))
    assert not one.give(Batch([RESET], 7, 1))
    assert one.give(Batch([CLOSE], 9, 2))
    assert lane.take() == [RESET, CLOSE]
    assert one.at == 9


def test_takes_no_batch_while_it_is_not_live() -> None:
    one, lane = live()
    one.live = False

    assert not one.give(Batch([RESET], 7, 1))
    assert lane.take() == []
    assert one.at == 0


def test_tells_what_its_lane_can_take() -> None:
    told = Told()
    _, lane = live(told)
    lane.stop()
    lane.take()

    assert told.words == ["paused", "writable"]


def test_end_of_the_ticket_takes_back_what_waits() -> None:
    one, lane = live()
    one.give(Batch([RESET], 7, 1))
    one.backlog.append(Batch([CLOSE], 8))
    one.end(End.NO_TICKET)

    assert lane.take() == []
    assert not one.backlog


def test_other_ends_leave_what_waits() -> None:
    one, lane = live()
    one.give(Batch([RESET], 7, 1))
    one.end(End.STOPPING)

    assert lane.take() == [RESET]


def test_ends_once_and_takes_nothing_more() -> None:
    ends: list[End] = []
    one, lane = live()
    one.on_end = ends.append
    one.end(End.STOPPING)
    one.end(End.NO_TICKET)

    assert ends == [End.STOPPING]
    assert one.ended is End.STOPPING
    assert not one.give(Batch([RESET], 7, 1))
    assert lane.take() == []

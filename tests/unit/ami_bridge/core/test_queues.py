"""Waiting callers."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.queues import Queues
from shared.errors import MalformedMessageError
from shared.events import QueueCallers, QueueCount, WaitingCaller
from tests.unit.ami_bridge.core.messages import Message, message
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay, story


def _join(uniqueid: str, count: int, position: int, number: str = "0991") -> Message:
    return message(
        "QueueCallerJoin",
        Queue="sales",
        Uniqueid=uniqueid,
        Position=str(position),
        Count=str(count),
        CallerIDNum=number,
        CallerIDName="Customer",
    )


def _leave(uniqueid: str, count: int) -> Message:
    return message("QueueCallerLeave", Queue="sales", Uniqueid=uniqueid, Count=str(count))


def test_repeated_count_is_published_once() -> None:
    counts = [each for each in events_of(replay([_join("1", 1, 1), _join("1", 1, 1)]))]

    assert counts == [
        QueueCount(pbx="hq", queue="sales", count=1),
        QueueCallers(
            pbx="hq",
            queue="sales",
            callers=(WaitingCaller(unique_id="1", number="0991", name="Customer", position=1, since=NOON),),
        ),
    ]


def test_positions_are_told_anew_when_someone_joins_in_front_or_leaves() -> None:
    outputs = replay([_join("1", 1, 1), _join("2", 2, 2), _join("vip", 3, 1), _leave("1", 2)])
    callers = [each for each in events_of(outputs) if isinstance(each, QueueCallers)]

    assert [[(one.unique_id, one.position) for one in each.callers] for each in callers] == [
        [("1", 1)],
        [("1", 1), ("2", 2)],
        [("vip", 1), ("1", 2), ("2", 3)],
        [("vip", 1), ("2", 2)],
    ]


def test_a_withheld_number_is_anonymous() -> None:
    assert story(replay([_join("1", 1, 1, number="anonymous")]))[1] == "sales: anonymous"


def test_an_empty_queue_has_no_callers_whatever_was_missed() -> None:
    assert story(replay([_join("1", 1, 1), _join("2", 2, 2), _leave("2", 0)]))[-2:] == [
        "sales: 0 waiting",
        "sales: nobody",
    ]


def test_a_count_counts_even_when_the_caller_is_not_named() -> None:
    nameless = _leave("", 1)
    del nameless["Uniqueid"]

    assert story(replay([_join("1", 1, 1), _join("2", 2, 2), nameless]))[-1] == "sales: 1 waiting"


def test_a_position_of_0_is_the_front() -> None:
    assert story(replay([_join("1", 1, 1, "0991"), _join("2", 2, 0, "0992")]))[-1] == "sales: 0992, 0991"


def test_a_queue_of_which_nothing_was_told_has_no_document() -> None:
    queues = Queues()
    assert queues.count("hq", "sales") is None
    assert queues.callers("hq", "sales") is None
    queues.ensure("sales")
    assert queues.count("hq", "sales") is None
    assert queues.callers("hq", "sales") is None


@pytest.mark.parametrize("header", ["Queue", "Uniqueid", "Count", "Position"])
def test_a_join_without_a_needed_header_is_malformed(header: str) -> None:
    told = _join("1", 1, 1)
    del told[header]

    with pytest.raises(MalformedMessageError):
        replay([told])


@pytest.mark.parametrize("count", ["", "-1", "many"])
def test_a_count_that_cannot_be_read_is_malformed(count: str) -> None:
    with pytest.raises(MalformedMessageError):
        replay([{**_leave("1", 0), "Count": count}])


def test_a_queue_is_found_whatever_its_case_and_its_own_spelling_first() -> None:
    queues = Queues()
    for queue in ("Sales", "sales", "VIP"):
        queues.ensure(queue)

    assert [queues.spelt(queue) for queue in ("sales", "SALES", "vip", "none")] == [
        "sales",
        "Sales",
        "VIP",
        None,
    ]

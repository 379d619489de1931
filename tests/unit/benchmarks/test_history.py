"""What the soak test holds against the gateway: it must see every kind of lie."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.soak.history import History, Kind
from benchmarks.soak.scopes import Scope
from shared.subjects import Subject

SCOPE = Scope(("148",), ("q1",))
KINDS: dict[str, Kind] = {"r": "ready", "e": "event", "x": "reset"}
OF_THE_SCOPE = (3, 5, 8, 13)


class KnownLog:
    """A log that has been read up to ``last``; everything in it was known at 0."""

    def __init__(self, last: int) -> None:
        self.last = last

    def after(self, scope: Scope, sequence: int) -> tuple[int, float] | None:
        assert scope is SCOPE
        return next(((one, 0.0) for one in OF_THE_SCOPE if sequence < one <= self.last), None)


def faults_of(*told: str, last: int = 20, now: float = 0.0) -> list[str]:
    """What is found wrong with a stream: `r4` is a `ready` at 4, `e5` the event 5, `x` a `reset`."""
    faults: Counter[str] = Counter()
    history = History(SCOPE, KnownLog(last), faults)
    history.connected = True
    for one in told:
        history.tell(KINDS[one[0]], f"abc-{one[1:]}" if one[1:] else "")
    history.judge(0.0)
    history.judge(now)
    return sorted(faults)


def test_a_stream_that_equals_the_log_is_right() -> None:
    assert faults_of("r4", "e5", "e8", "e13") == []


def test_a_resumed_stream_that_goes_on_where_it_was_is_right() -> None:
    assert faults_of("r2", "e3", "e5", "e8", "r9", "e13") == []


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (("r4", "e8"), "left out, or not of the scope"),
        (("r4", "e5", "e6"), "left out, or not of the scope"),
        (("r4", "e5", "e5"), "repeated or out of order"),
        (("r4", "e5", "e8", "e5"), "repeated or out of order"),
        (("r4", "e5", "r9"), "left out before ready"),
        (("e5", "r9"), "event before ready"),
        (("r4", "x", "r9"), "reset"),
    ],
)
def test_each_lie_is_found(told: tuple[str, ...], fault: str) -> None:
    assert fault in faults_of(*told)


def test_what_does_not_come_is_missed() -> None:
    assert faults_of("r4", "e5", now=9.0) == []
    assert faults_of("r4", "e5", now=11.0) == ["not told within 10 s"]


def test_what_the_log_does_not_show_yet_is_judged_later() -> None:
    faults: Counter[str] = Counter()
    log = KnownLog(4)
    history = History(SCOPE, log, faults)
    history.tell("ready", "abc-4")
    history.tell("event", "abc-8")

    assert history.judge(0) == 0
    log.last = 8
    assert history.judge(0) == 1
    assert sorted(faults) == ["left out, or not of the scope"]


@pytest.mark.parametrize(
    ("subject", "gets"),
    [
        (Subject("state", "hq", "queueMemberStatus", "q1", "148"), True),
        (Subject("state", "hq", "queueMemberStatus", "q2", "148"), False),
        (Subject("state", "hq", "queueMemberStatus", "q1", "149"), False),
        (Subject("state", "hq", "queueCount", "q1", None), True),
        (Subject("state", "hq", "queueCallers", "q1", None), False),
        (Subject("state", "hq", "MemberSummary", "q1", None), False),
        (Subject("event", "hq", "parkedCall", None, None), True),
    ],
)
def test_a_scope_gets_what_it_lists(subject: Subject, gets: bool) -> None:
    assert SCOPE.gets(subject) is gets


def test_who_has_just_come_back_is_not_late() -> None:
    faults: Counter[str] = Counter()
    history = History(SCOPE, KnownLog(20), faults)
    history.tell("ready", "abc-4")
    history.judge(0.0)
    history.connected = True
    history.judge(60.0)
    history.judge(65.0)
    assert not faults

    history.judge(71.0)
    assert list(faults) == ["not told within 10 s"]

"""The last word about what is gone."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.tombstones import tombstone
from shared.events import (
    AgentName,
    ExtensionStatus,
    MemberSummary,
    PhoneNumber,
    QueueCallers,
    QueueCount,
    QueueMemberStatus,
    QueueSummary,
    State,
)

FIGURES = QueueSummary(
    pbx="hq",
    queue="q",
    available=2,
    hold_time=3,
    logged_in=4,
    longest_hold_time=5,
    talk_time=6,
    abandoned=7,
    completed=8,
    service_level=9,
    service_level_perf=1.0,
    calls=2,
)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (AgentName(pbx="hq", agent="1", name="Ana"), {"name": "Ana"}),
        (ExtensionStatus(pbx="hq", agent="1", status="inuse"), {"status": "unavailable"}),
        (
            QueueMemberStatus(pbx="hq", agent="1", queue="q", status="inuse", paused=True),
            {"status": "loggedoff", "paused": False},
        ),
        (PhoneNumber(pbx="hq", agent="1", number="0991"), {"number": None, "calls": ()}),
        (QueueCount(pbx="hq", queue="q", count=5), {"count": 0}),
        (QueueCallers(pbx="hq", queue="q", callers=()), {"callers": ()}),
        (FIGURES, {"available": 0, "logged_in": 0, "calls": 0, "longest_hold_time": 0, "completed": 8}),
        (MemberSummary(pbx="hq", queue="q", members=()), {"members": ()}),
    ],
)
def test_a_tombstone_holds_the_natural_last_value(last: State, expected: dict[str, object]) -> None:
    stone = tombstone(last)

    assert stone.gone is True
    assert type(stone) is type(last)
    assert {name: getattr(stone, name) for name in expected} == expected

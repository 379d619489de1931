"""When two bridges say the same."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.ami_bridge.core.likeness import alike
from shared.events import Call, PhoneNumber, QueueCount, QueueMemberStatus, State

NOON = 1_800_000_000_000
MEMBER = QueueMemberStatus(pbx="hq", queue="sales", agent="148", status="inuse", since=NOON, last_call=NOON)
CALL = Call(
    unique_id="1.1",
    number="0991",
    name=None,
    queue=None,
    direction="inbound",
    state="connected",
    since=NOON,
)
PHONE = PhoneNumber(pbx="hq", agent="148", number="0991", since=NOON, calls=(CALL,))


@pytest.mark.parametrize(
    "other",
    [
        MEMBER,
        replace(MEMBER, since=NOON + 5000),
        replace(MEMBER, since=NOON - 5000),
    ],
)
def test_a_few_seconds_more_or_less_are_the_same(other: State) -> None:
    assert alike(MEMBER, other)
    assert alike(other, MEMBER)


def test_so_they_are_deep_inside() -> None:
    assert alike(PHONE, replace(PHONE, since=NOON + 9, calls=(replace(CALL, since=NOON + 9),)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MEMBER, replace(MEMBER, since=NOON + 5001)),
        (MEMBER, replace(MEMBER, since=None)),
        (MEMBER, replace(MEMBER, last_call=NOON + 1)),
        (MEMBER, replace(MEMBER, status="paused")),
        (MEMBER, replace(MEMBER, gone=True)),
        (PHONE, replace(PHONE, calls=())),
        (PHONE, replace(PHONE, calls=(replace(CALL, state="held"),))),
        (PHONE, QueueCount(pbx="hq", queue="sales", count=1)),
    ],
)
def test_anything_else_is_another_document(one: State, other: State) -> None:
    assert not alike(one, other)

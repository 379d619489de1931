"""What an AMI user may not read shows in what does not come."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.rights import NO_CALLS, NO_QUEUES, Rights
from services.ami_bridge.core.snapshot import Snapshot
from tests.support.transcripts import CAPTURES, listing
from tests.unit.ami_bridge.core.messages import Message, entry, listed_member, member, message, params
from tests.unit.ami_bridge.core.recorded import events
from tests.unit.ami_bridge.core.replay import NOON, replay

SCENARIOS = sorted(
    str(path.relative_to(CAPTURES)).removesuffix(".gz").removesuffix(".ami")
    for pattern in ("**/*.ami", "**/*.ami.gz")
    for path in CAPTURES.glob(pattern)
)


def _seen(*names: str, refreshes: int = 2, untold: bool = False) -> Rights:
    rights = Rights()
    for name in names:
        rights.observe(name)
    for _ in range(refreshes):
        rights.refreshed(untold=untold)
    return rights


def _refreshed_twice(before: list[Message], after: list[Message], *live: Message) -> str | None:
    centre = CallCentre("hq")
    centre.resync(Snapshot(queue_status=before), [], NOON)
    replay(live, centre)
    for _ in range(2):
        centre.refresh(Snapshot(queue_status=after), NOON)
    return centre.missing_right


def test_a_completed_queue_call_without_any_call_shows_that_calls_may_not_be_read() -> None:
    assert _seen("QueueCallerJoin", "AgentConnect", "AgentComplete").missing == NO_CALLS


def test_nothing_is_concluded_before_a_whole_interval_has_passed() -> None:
    assert _seen("AgentComplete", refreshes=1).missing is None


@pytest.mark.parametrize(
    "event", ["DialBegin", "BridgeEnter", "Hangup", "ExtensionStatus", "NewConnectedLine"]
)
def test_any_event_of_a_call_disproves_it_even_later(event: str) -> None:
    assert _seen(event, "AgentComplete", "Hangup").missing is None
    late = _seen("AgentComplete")
    late.observe(event)
    assert late.missing is None


def test_a_quiet_pbx_proves_nothing() -> None:
    assert _seen().missing is None
    assert _seen("FullyBooted", "AgentCalled", "QueueMemberStatus").missing is None


def test_an_untold_change_shows_that_queues_may_not_be_read() -> None:
    rights = _seen("DialBegin", untold=True)
    rights.refreshed(untold=False)

    assert rights.missing == NO_QUEUES
    rights.observe("QueueMemberPause")
    assert rights.missing is None
    assert _seen("QueueMemberStatus", untold=True).missing is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([params(), listed_member()], [params(), listed_member(status=2)]),
        ([params()], [params(calls=1), entry("10.0")]),
    ],
)
def test_a_phone_or_a_queue_that_changed_unsaid_is_an_untold_change(
    before: list[Message], after: list[Message]
) -> None:
    assert _refreshed_twice(before, after) == NO_QUEUES
    assert _refreshed_twice(before, after, member(queue="sales")) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([params(), listed_member()], [params(), listed_member(name="Zoe")]),
        ([params(), listed_member()], [params(), listed_member(CallsTaken="7")]),
        ([params(), listed_member()], [params()]),
        ([params()], [params(), listed_member()]),
        ([params()], [params(), params("sales", calls=1)]),
        ([params(), params("sales", calls=1)], [params()]),
        ([params(calls=1), entry("10.0")], [params(calls=1), entry("10.1")]),
    ],
)
def test_what_no_event_tells_proves_nothing(before: list[Message], after: list[Message]) -> None:
    assert _refreshed_twice(before, after) is None


def test_a_new_session_begins_without_conclusions_and_a_reload_keeps_them() -> None:
    centre = CallCentre("hq")
    complete = message(
        "AgentComplete",
        Queue="support",
        Interface="PJSIP/148",
        Uniqueid="9.0",
        HoldTime="1",
        TalkTime="2",
        Reason="agent",
    )
    empty = Snapshot(queue_status=[])
    centre.resync(empty, [complete], NOON)
    centre.refresh(empty, NOON)
    centre.resync(empty, [], NOON)
    centre.refresh(empty, NOON)
    assert centre.missing_right == NO_CALLS

    centre.link_lost()
    assert centre.missing_right is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_user_who_may_read_all_is_never_suspected(name: str) -> None:
    centre = CallCentre("hq")
    lists = Snapshot(queue_status=listing(name, "QueueParams", "QueueMember", "QueueEntry"))
    centre.resync(lists, [], NOON)
    seen = events(name)
    for index, each in enumerate(seen):
        centre.apply(each, NOON + index)
        if index % 40 == 0 or index > len(seen) - 3:
            centre.refresh(lists, NOON + index)
            assert centre.missing_right is None


@pytest.mark.parametrize(("unread", "sentence"), [("call", NO_CALLS), ("agent", None)])
def test_the_recorded_minute_without_one_class(unread: str, sentence: str | None) -> None:
    """Without class agent it takes a list that differs; the events alone show nothing."""
    readable = [each for each in events("busy") if not str(each["Privilege"]).startswith(unread)]

    assert _seen(*(str(each["Event"]) for each in readable)).missing == sentence

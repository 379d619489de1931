"""What a bridge publishes that begins to act, after whatever another one wrote."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.snapshot import Snapshot
from shared.events import ExtensionStatus, PbxStatus, QueueCount, State
from tests.unit.ami_bridge.core.messages import hint, listed_member, params
from tests.unit.ami_bridge.core.replay import NOON, events_of

LISTS = Snapshot(queue_status=[params(calls=0), listed_member()], extension_states=[hint("148", 1)])


def in_step() -> CallCentre:
    """Knows a queue with one member."""
    centre = CallCentre("hq")
    centre.status("syncing", None, NOON)
    centre.resync(LISTS, (), NOON)
    centre.status("online", None, NOON)
    return centre


def published(outputs: Iterable[Output]) -> list[State]:
    return [event for event in events_of(outputs) if isinstance(event, State)]


def test_an_empty_log_gets_everything_and_the_status_last() -> None:
    centre = in_step()

    outputs = published(centre.catch_up([], live=True))

    assert len(outputs) == len(centre.documents)
    assert isinstance(outputs[-1], PbxStatus)


def test_a_log_that_says_it_all_gets_nothing() -> None:
    centre = in_step()

    assert centre.catch_up(list(centre.documents.values()), live=True) == []


def test_only_what_differs_is_published() -> None:
    centre = in_step()
    logged = [
        replace(document, count=5) if isinstance(document, QueueCount) else document
        for document in centre.documents.values()
    ]

    [told] = published(centre.catch_up(logged, live=True))

    assert isinstance(told, QueueCount)
    assert told.count == 0


def test_what_the_other_bridge_knew_and_is_no_more_becomes_a_tombstone() -> None:
    centre = in_step()
    old = QueueCount(pbx="hq", queue="old", count=3)
    buried = QueueCount(pbx="hq", queue="buried", count=0, gone=True)

    outputs = published(centre.catch_up([*centre.documents.values(), old, buried], live=True))

    assert outputs == [replace(old, count=0, gone=True)]
    assert centre.catch_up([*centre.documents.values()], live=True) == []


def test_a_tombstone_that_the_log_has_forgotten_is_not_said_again() -> None:
    centre = in_step()
    gone = QueueCount(pbx="hq", queue="old", count=0, gone=True)
    logged = list(centre.documents.values())
    centre.restore([gone])

    assert centre.catch_up(logged, live=True) == []


def test_a_status_of_another_bridge_is_no_tombstone() -> None:
    centre = CallCentre("hq")
    online = PbxStatus(pbx="hq", status="online", since=NOON)

    assert centre.catch_up([online], live=True) == []


def test_while_not_in_step_the_word_of_the_log_stands() -> None:
    centre = in_step()
    centre.link_lost()
    centre.status("offline", "no answer", NOON)
    logged = [
        replace(document, status="ringing") if isinstance(document, ExtensionStatus) else document
        for document in in_step().documents.values()
        if not isinstance(document, QueueCount)
    ]

    outputs = published(centre.catch_up(logged, live=False))

    assert [type(document) for document in outputs] == [QueueCount, PbxStatus]
    assert centre.documents["extensionStatus", None, "148"] == ExtensionStatus(
        pbx="hq", agent="148", status="ringing"
    )

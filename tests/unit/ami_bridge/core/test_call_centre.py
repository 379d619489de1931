"""Connections begin, break and begin anew; processes stop and start."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.snapshot import Snapshot
from shared.errors import MalformedMessageError
from shared.events import (
    AgentComplete,
    AgentName,
    ExtensionStatus,
    PbxStatus,
    PhoneNumber,
    QueueMemberStatus,
    State,
)
from tests.support.transcripts import capture, events, listing
from tests.unit.ami_bridge.core.messages import (
    channel,
    destination,
    entry,
    hangup,
    hint,
    listed_member,
    member,
    message,
    params,
)
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay, story, talks

LISTS = Snapshot(
    queue_status=[params(calls=1), entry("10.0"), listed_member()], extension_states=[hint("148", 1)]
)


def _ids(outputs: list[Output]) -> list[str]:
    return [output.moment_id for output in outputs if output.moment_id]


def test_since_of_the_pbx_changes_only_with_the_word() -> None:
    centre = CallCentre("hq")
    outputs = [
        *centre.status("offline", "refused", 1),
        *centre.status("offline", "no answer", 2),
        *centre.status("offline", "no answer", 3),
        *centre.status("online", None, 4),
    ]

    assert events_of(outputs) == [
        PbxStatus(pbx="hq", status="offline", since=1, reason="refused"),
        PbxStatus(pbx="hq", status="offline", since=1, reason="no answer"),
        PbxStatus(pbx="hq", status="online", since=4),
    ]


def test_a_resync_publishes_everything_once() -> None:
    centre = CallCentre("hq")

    assert story(centre.resync(LISTS, [], NOON)) == [
        "148 in support not_inuse",
        "148 is called Agent 148",
        "148 phone inuse",
        "support: 1 waiting",
        "support: 0991",
        "support: members 148",
    ]
    assert centre.resync(LISTS, [], NOON + 60_000) == []


def test_a_resync_leaves_the_status_of_the_pbx_alone() -> None:
    centre = CallCentre("hq")
    centre.status("syncing", None, NOON)

    assert not [line for line in story(centre.resync(LISTS, [], NOON)) if line.startswith("pbx")]


def test_a_new_process_publishes_only_what_differs() -> None:
    first = CallCentre("hq")
    first.resync(LISTS, [], NOON)
    second = CallCentre("hq")
    second.restore(first.documents.values())

    assert second.resync(LISTS, [], NOON + 60_000) == []


def test_what_is_gone_leaves_a_tombstone_once() -> None:
    centre = CallCentre("hq")
    centre.resync(LISTS, [], NOON)
    empty = Snapshot(queue_status=[params("sales")])

    assert set(story(centre.resync(empty, [], NOON))) == {
        "148 in support loggedoff (gone)",
        "148 phone unavailable (gone)",
        "support: 0 waiting (gone)",
        "support: nobody (gone)",
        "support: members  (gone)",
        "sales: 0 waiting",
        "sales: nobody",
        "sales: members ",
    }
    assert centre.resync(empty, [], NOON) == []
    restarted = CallCentre("hq")
    restarted.restore(centre.documents.values())
    assert restarted.resync(empty, [], NOON) == []


def test_what_comes_back_is_gone_no_more() -> None:
    centre = CallCentre("hq")
    centre.resync(LISTS, [], NOON)
    centre.resync(Snapshot(queue_status=[]), [], NOON)
    back = centre.resync(LISTS, [], NOON)

    assert "148 in support not_inuse" in story(back)
    assert not [line for line in story(back) if "gone" in line]


def test_an_agent_who_logged_off_meanwhile_is_logged_off_and_keeps_his_name() -> None:
    centre = CallCentre("hq")
    centre.resync(LISTS, [], NOON)
    off = Snapshot(queue_status=[params(calls=1), entry("10.0")], extension_states=[hint("148", 1)])

    assert story(centre.resync(off, [], NOON + 9)) == ["148 in support loggedoff", "support: members "]
    assert centre.resync(off, [], NOON + 99) == []
    assert story(replay([member("QueueMemberAdded")], centre)) == ["148 in support not_inuse"]


def test_a_named_agent_whom_nothing_knows_any_more_is_gone() -> None:
    centre = CallCentre("hq")
    told: list[State] = [
        AgentName(pbx="hq", agent="front-desk", name="Desk"),
        PhoneNumber(pbx="hq", agent="front-desk", number="0991"),
    ]
    centre.restore(told)

    assert story(centre.resync(Snapshot(), [], NOON)) == [
        "front-desk is called Desk (gone)",
        "front-desk has no call (gone)",
    ]


def test_queues_with_different_names_keep_the_one_that_was_published() -> None:
    centre = CallCentre("hq")
    centre.restore([AgentName(pbx="hq", agent="148", name="Zoe")])
    names = [params(), params("sales"), listed_member(name="Ana"), listed_member(queue="sales", name="Zoe")]
    centre.resync(Snapshot(queue_status=names), [], NOON)
    assert centre.documents["agentName", None, "148"] == AgentName(pbx="hq", agent="148", name="Zoe")

    fresh = CallCentre("hq")
    fresh.resync(Snapshot(queue_status=names), [], NOON)
    assert fresh.documents["agentName", None, "148"] == AgentName(pbx="hq", agent="148", name="Zoe")
    centre.restore([AgentName(pbx="hq", agent="148", name="Old")])
    centre.resync(Snapshot(queue_status=names), [], NOON)
    assert centre.documents["agentName", None, "148"] == AgentName(pbx="hq", agent="148", name="Zoe")


def test_since_survives_a_resync_while_the_status_stays() -> None:
    centre = CallCentre("hq")
    centre.resync(LISTS, [], NOON)
    busy = Snapshot(queue_status=[params(), listed_member(status=2)])
    centre.resync(busy, [], NOON + 1000)
    since = [each.since for each in centre.documents.values() if isinstance(each, QueueMemberStatus)]
    centre.resync(busy, [], NOON + 9000)

    assert since == [NOON + 1000]
    assert [each.since for each in centre.documents.values() if isinstance(each, QueueMemberStatus)] == [
        NOON + 1000
    ]


def test_a_status_whose_beginning_was_never_told_begins_now() -> None:
    centre = CallCentre("hq")
    centre.restore([QueueMemberStatus(pbx="hq", agent="148", queue="support", status="not_inuse")])
    centre.resync(LISTS, [], NOON)

    assert [each.since for each in centre.documents.values() if isinstance(each, QueueMemberStatus)] == [NOON]


def test_events_during_the_lists_are_applied_and_only_the_end_is_published() -> None:
    centre = CallCentre("hq")
    buffered: list[AmiMessage] = [
        member(status=6),
        member(status=2),
        message(
            "AgentComplete",
            Queue="support",
            Interface="PJSIP/148",
            Uniqueid="9.0",
            HoldTime="1",
            TalkTime="2",
            Reason="agent",
        ),
        {"Event": "Hangup"},
    ]
    lines = story(centre.resync(LISTS, buffered, NOON))

    assert lines[:2] == ["148 completes in support by agent, 2 s", "148 in support inuse"]
    assert len([line for line in lines if line.startswith("148 in support")]) == 1
    assert len(centre.rejected) == 1


def test_a_lost_link_forgets_the_calls_and_leaves_the_figures() -> None:
    centre = CallCentre("hq")
    rings = {
        **message("DialBegin"),
        **channel("PJSIP/trunk-00000000", "10.0"),
        **destination("PJSIP/148-00000001", "10.1"),
    }
    replay([rings], centre)
    before = dict(centre.documents)
    centre.link_lost()

    assert centre.documents == before
    assert centre.in_progress == 0
    assert talks(centre, "148") == []
    assert story(centre.resync(Snapshot(queue_status=[]), [], NOON)) == ["148 has no call"]


def test_ids_that_come_again_after_a_restart_are_other_calls() -> None:
    centre = CallCentre("hq")
    replay([hangup("10.1")], centre)
    centre.link_lost()
    rings = {
        **message("DialBegin"),
        **channel("PJSIP/trunk-00000000", "10.0", CallerIDNum="0991"),
        **destination("PJSIP/148-00000001", "10.1"),
    }

    assert story(replay([rings], centre)) == ["148 ringing inbound 0991"]


def test_a_broken_message_raises_and_changes_nothing() -> None:
    centre = CallCentre("hq")
    centre.resync(LISTS, [], NOON)
    before = dict(centre.documents)

    with pytest.raises(MalformedMessageError):
        centre.apply({"Event": "QueueCallerLeave", "Queue": "support", "Count": "few"}, NOON)
    assert centre.documents == before
    assert centre.resync(LISTS, [], NOON) == []


def test_a_resync_answers_the_wish_for_one() -> None:
    centre = CallCentre("hq")
    reload = message("Reload", Module="app_queue.so", Status="0")
    replay([reload], centre)
    assert centre.wants_resync
    centre.resync(LISTS, [], NOON)
    assert not centre.wants_resync
    centre.resync(LISTS, [reload], NOON)
    assert centre.wants_resync


def test_a_recorded_restart_ends_with_what_the_lists_show() -> None:
    """persistentmembers: the member is back without QueueMemberAdded, his figures begin at 0."""
    centre = CallCentre("hq")
    replay(events("core_restart"), centre)
    centre.link_lost()
    after = capture("core_restart_after")
    lists = Snapshot(
        queue_status=[
            each for each in after if each.get("Event") in ("QueueParams", "QueueMember", "QueueEntry")
        ]
    )
    told = [each for each in after if "Event" in each and "ActionID" not in each]
    lines = story(centre.resync(lists, told, NOON))

    assert "148 in support not_inuse" in lines
    members = [each for each in centre.documents.values() if isinstance(each, QueueMemberStatus)]
    assert [(each.calls_taken, each.last_call) for each in members] == [(0, None)]


@pytest.mark.parametrize("name", ["listings", "queue_local_member", "park_retrieve"])
def test_a_resync_in_the_middle_of_a_call_changes_nothing_about_it(name: str) -> None:
    """The recorded lists were asked while an agent talked."""
    centre = CallCentre("hq")
    before_the_list: list[AmiMessage] = []
    for each in capture(name):
        if each.get("Event") == "CoreShowChannel":
            break
        if "Event" in each and "ActionID" not in each:
            before_the_list.append(each)
    replay(before_the_list, centre)
    talking = [each for each in centre.documents.values() if isinstance(each, PhoneNumber) and each.calls]
    centre.link_lost()
    lists = Snapshot(
        queue_status=listing(name, "QueueParams", "QueueMember", "QueueEntry"),
        channels=listing(name, "CoreShowChannel"),
        bridges=listing(name, "BridgeListItem"),
    )
    published = events_of(centre.resync(lists, [], NOON + 60_000))

    assert talking
    assert [each for each in published if isinstance(each, PhoneNumber)] == []


def test_two_bridges_that_connect_at_different_times_name_moments_alike() -> None:
    names = ("park_retrieve", "transfer_blind_sip", "queue_caller_completes", "originate_agent_busy")
    for name in names:
        messages = events(name)
        active = replay(messages)
        standby = CallCentre("hq")
        standby.resync(Snapshot(queue_status=[]), messages[: len(messages) // 3], NOON)
        late = replay(messages[len(messages) // 3 :], standby)

        assert _ids(late) == _ids(active)
        assert [type(each) for each in events_of(late) if isinstance(each, AgentComplete)] == [
            type(each) for each in events_of(active) if isinstance(each, AgentComplete)
        ]


def test_documents_are_what_was_published_last() -> None:
    centre = CallCentre("hq")
    replay([hint("148", 1), hint("148", 8)], centre)

    assert list(centre.documents.values()) == [ExtensionStatus(pbx="hq", agent="148", status="ringing")]

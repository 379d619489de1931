"""Queue members and the agents' names."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.identity import Identifier, Identity
from services.ami_bridge.core.members import Members, read_member
from shared.errors import MalformedMessageError
from shared.events import QueueMemberStatus
from tests.unit.ami_bridge.core.messages import listed_member, member
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay, story

IDENTIFIER = Identifier(Identity())


def _states(*messages: object) -> list[QueueMemberStatus]:
    outputs = replay(messages)  # type: ignore[arg-type]
    return [event for event in events_of(outputs) if isinstance(event, QueueMemberStatus)]


def test_a_member_is_published_with_all_that_is_known() -> None:
    told = member(status=2, Penalty="3", CallsTaken="9", LastCall="1795000000")

    assert _states(told) == [
        QueueMemberStatus(
            pbx="hq",
            agent="148",
            queue="support",
            status="inuse",
            device_status="inuse",
            penalty=3,
            calls_taken=9,
            last_call=1_795_000_000_000,
            since=NOON,
        )
    ]


def test_a_pause_hides_the_phones_state_and_keeps_it_beside() -> None:
    paused = _states(member(status=2, paused=True, reason="Lunch"))[0]

    assert (paused.status, paused.device_status, paused.paused_reason) == ("paused", "inuse", "Lunch")


def test_a_reason_counts_only_while_paused() -> None:
    assert _states(member(reason="left over"))[0].paused_reason is None
    assert _states(member(paused=True))[0].paused_reason is None


def test_since_changes_only_with_the_status() -> None:
    states = _states(
        member(status=1),
        member(status=1, Penalty="5"),
        member(status=2),
        member(status=2, paused=True),
        member(status=1, paused=True, reason="Lunch"),
    )

    assert [(each.status, each.since) for each in states] == [
        ("not_inuse", NOON),
        ("not_inuse", NOON),
        ("inuse", NOON + 2),
        ("paused", NOON + 3),
        ("paused", NOON + 3),
    ]


def test_an_invalid_device_is_unavailable() -> None:
    assert (_states(member(status=4))[0].status, _states(member(status=4))[0].device_status) == (
        "unavailable",
        "unavailable",
    )


def test_a_removed_member_is_logged_off() -> None:
    assert story(replay([member("QueueMemberAdded"), member("QueueMemberRemoved")])) == [
        "148 is called Agent 148",
        "148 in support not_inuse",
        "148 in support loggedoff",
    ]


def test_a_removed_member_who_was_never_seen_is_logged_off() -> None:
    assert story(replay([member("QueueMemberRemoved")])) == ["148 in support loggedoff"]


def test_queues_that_know_an_agent_by_different_names_do_not_take_turns() -> None:
    messages = [
        member(name="Ana"),
        member(queue="sales", name="Ana K."),
        member(name="Ana", status=2),
        member(queue="sales", name="Ana K.", status=2),
    ]

    names = [line for line in story(replay(messages)) if "called" in line]
    assert names == ["148 is called Ana", "148 is called Ana K."]


def test_an_agent_without_a_name_is_called_by_his_number() -> None:
    assert story(replay([member(name="PJSIP/148")]))[0] == "148 is called 148"


def test_a_name_stays_when_a_later_queue_has_none() -> None:
    messages = [member(name="Ana"), member(queue="sales", name=""), member(name="")]

    assert [line for line in story(replay(messages)) if "called" in line] == ["148 is called Ana"]


def test_an_event_name_and_a_list_name_of_a_header_read_alike() -> None:
    assert read_member(listed_member(), IDENTIFIER) == read_member(member(), IDENTIFIER)


def test_of_two_interfaces_of_one_agent_the_livelier_one_is_told() -> None:
    local = "Local/148@from-queue/n"
    messages = [
        member(status=1),
        member(interface=local, state_interface=local, status=2),
        member("QueueMemberRemoved", interface=local, state_interface=local),
        member("QueueMemberRemoved"),
    ]

    assert [each.status for each in _states(*messages)] == ["not_inuse", "inuse", "not_inuse", "loggedoff"]


def test_an_interface_names_its_agent_as_long_as_some_queue_has_it() -> None:
    members = Members()
    support = read_member(member(interface="Local/5551@out/n", state_interface="hint:148@hint"), IDENTIFIER)
    sales = read_member(
        member(queue="sales", interface="Local/5551@out/n", state_interface="hint:148@hint"), IDENTIFIER
    )
    members.put(support, NOON)
    members.put(sales, NOON)
    members.remove("support", support.interface, "148", NOON)

    assert members.agent_of("Local/5551@out") == "148"
    assert "148" in members
    members.remove("sales", sales.interface, "148", NOON)
    assert members.agent_of("Local/5551@out") is None
    assert "148" not in members


def test_what_is_unknown_has_no_document() -> None:
    assert Members().document("hq", "support", "148") is None
    assert Members().name("hq", "148") is None


@pytest.mark.parametrize("header", ["Queue", "Interface", "Penalty", "Status", "Paused", "LastCall"])
def test_a_member_without_a_needed_header_is_malformed(header: str) -> None:
    told = member()
    del told[header]

    with pytest.raises(MalformedMessageError):
        read_member(told, IDENTIFIER)


def test_all_memberships_of_an_agent_are_known_with_what_tells_his_state() -> None:
    members, identifier = Members(), Identifier(Identity())
    behind = member(queue="vip", interface="Local/148@agents/n", state_interface="hint:148@hint")
    for message in (behind, member(queue="sales"), member(queue="sales", interface="PJSIP/141")):
        members.put(read_member(message, identifier), NOON)

    assert [(each.queue, each.interface, each.state_interface) for each in members.of("148")] == [
        ("sales", "PJSIP/148", ""),
        ("vip", "Local/148@agents/n", "hint:148@hint"),
    ]
    assert members.of("149") == []

"""What the commands on queues mean to Asterisk."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.snapshot import Snapshot
from shared.commands import (
    AddMember,
    Code,
    Command,
    PauseMember,
    QueueMember,
    QueueStatus,
    ReadQueues,
    RemoveMember,
    ResetQueue,
    SetPenalty,
)
from tests.unit.ami_bridge.core.messages import listed_member, member, params, summary
from tests.unit.ami_bridge.core.pbx import outcome, pbx, refused, sent, steps
from tests.unit.ami_bridge.core.replay import NOON

LOCAL = "Local/148@from-queue/n"
HINT = "hint:148@ext-local"


def _behind_local(*queues: str) -> CallCentre:
    return pbx(
        *(member("QueueMemberRemoved"),),
        *(member("QueueMemberAdded", queue=queue, interface=LOCAL, state_interface=HINT) for queue in queues),
    )


def test_an_agent_is_added_as_his_phone() -> None:
    command = AddMember(queue="support", agent="149", member_name="Ana", paused=True, penalty=3)

    assert sent(pbx(), command) == [
        (
            "QueueAdd",
            {
                "Queue": "support",
                "Interface": "PJSIP/149",
                "Penalty": "3",
                "Paused": "true",
                "MemberName": "Ana",
            },
        )
    ]


def test_an_agent_is_added_under_the_interface_that_he_has_elsewhere() -> None:
    (request,) = steps(_behind_local("support"), AddMember(queue="Sales", agent="148")).actions

    assert (request.headers["Interface"], request.headers["StateInterface"]) == (LOCAL, HINT)
    assert "MemberName" not in request.headers


def test_the_interface_of_this_queue_counts_most_and_then_the_phone() -> None:
    centre = _behind_local("support", "Sales")
    centre.apply(member("QueueMemberAdded", queue="vip"), NOON)

    interfaces = [
        steps(centre, AddMember(queue=queue, agent="148")).actions[0].headers["Interface"]
        for queue in ("Sales", "vip")
    ]
    centre.apply(member("QueueMemberAdded", queue="other", interface="PJSIP/9"), NOON)
    (request,) = steps(centre, AddMember(queue="other", agent="148")).actions

    assert interfaces == [LOCAL, "PJSIP/148"]
    assert request.headers["Interface"] == "PJSIP/148"
    assert "StateInterface" not in request.headers


def test_a_queue_is_spelt_as_it_is_configured() -> None:
    assert sent(pbx(), RemoveMember(queue="SALES", agent="141")) == [
        ("QueueRemove", {"Queue": "Sales", "Interface": "PJSIP/141"})
    ]


def test_one_who_is_no_member_is_asked_for_as_his_phone() -> None:
    assert sent(pbx(), RemoveMember(queue="Sales", agent="148")) == [
        ("QueueRemove", {"Queue": "Sales", "Interface": "PJSIP/148"})
    ]


def test_a_pause_in_one_queue_is_of_his_interface_there() -> None:
    command = PauseMember(agent="148", paused=True, queue="support", reason="lunch")

    assert sent(_behind_local("support"), command) == [
        ("QueuePause", {"Interface": LOCAL, "Paused": "true", "Queue": "support", "Reason": "lunch"})
    ]


def test_a_pause_in_all_queues_is_one_for_each_interface() -> None:
    centre = pbx(
        member("QueueMemberAdded", queue="vip"), member("QueueMemberAdded", queue="vip", interface=LOCAL)
    )

    assert sent(centre, PauseMember(agent="148", paused=False)) == [
        ("QueuePause", {"Interface": "PJSIP/148", "Paused": "false"}),
        ("QueuePause", {"Interface": LOCAL, "Paused": "false"}),
    ]


def test_a_penalty_is_set_in_its_queue() -> None:
    assert sent(pbx(), SetPenalty(queue="support", agent="148", penalty=5)) == [
        ("QueuePenalty", {"Interface": "PJSIP/148", "Queue": "support", "Penalty": "5"})
    ]


def test_the_figures_of_a_queue_or_of_all_are_reset() -> None:
    assert sent(pbx(), ResetQueue(queue="sales")) == [("QueueReset", {"Queue": "Sales"})]
    assert sent(pbx(), ResetQueue()) == [("QueueReset", {})]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (AddMember(queue="none", agent="148"), "no_queue"),
        (AddMember(queue="", agent="148"), "invalid"),
        (AddMember(queue="support\r\nAction: Logoff", agent="148"), "invalid"),
        (AddMember(queue="support", agent="viktor"), "no_agent"),
        (AddMember(queue="support", agent="148/x"), "invalid"),
        (AddMember(queue="support", agent="148", penalty=-1), "invalid"),
        (AddMember(queue="support", agent="148", penalty=10**9), "invalid"),
        (AddMember(queue="support", agent="148", member_name="a\nb"), "invalid"),
        (AddMember(queue="support", agent="148", member_name="č" * 40), "invalid"),
        (PauseMember(agent="148", paused=True, reason=""), "invalid"),
        (PauseMember(agent="148", paused=True, queue="none"), "no_queue"),
        (RemoveMember(queue="none", agent="148"), "no_queue"),
        (SetPenalty(queue="support", agent="x y", penalty=1), "invalid"),
        (ResetQueue(queue="none"), "no_queue"),
        (ReadQueues(queue="none"), "no_queue"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(command: Command, code: Code) -> None:
    assert refused(pbx(), command) == code


def test_a_queue_is_read_as_it_is_now() -> None:
    centre = CallCentre("hq")
    lists = Snapshot(
        queue_status=[
            params(calls=2, Holdtime="3"),
            listed_member(interface=LOCAL, state_interface=HINT, CallsTaken="4", LastCall="1795000000"),
            listed_member(interface="PJSIP/141", name="", paused=True, reason="lunch", status=5),
        ],
        queue_summary=[summary()],
    )
    centre.resync(lists, [], NOON)

    (status,) = outcome(centre, ReadQueues(queue="Support")).queues

    assert status == QueueStatus(
        queue="support",
        calls=2,
        completed=7,
        abandoned=2,
        hold_time=3,
        talk_time=60,
        service_level=10,
        service_level_perf=87.5,
        members=(
            QueueMember(
                agent="141",
                location="PJSIP/141",
                member_name="141",
                status="paused",
                device_status="unavailable",
                paused=True,
                paused_reason="lunch",
                penalty=0,
                calls_taken=0,
                last_call=None,
            ),
            QueueMember(
                agent="148",
                location=LOCAL,
                member_name="Agent 148",
                status="not_inuse",
                device_status="not_inuse",
                paused=False,
                paused_reason=None,
                penalty=0,
                calls_taken=4,
                last_call=1795000000000,
            ),
        ),
    )


def test_all_queues_are_read_by_name_also_those_without_figures() -> None:
    queues = outcome(pbx(), ReadQueues()).queues

    assert [(each.queue, each.calls, each.completed) for each in queues] == [
        ("Sales", 0, None),
        ("support", 0, None),
    ]

"""With whom an agent talks, and which channels an action on his call is about."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from shared.commands import FindCalls, Hangup, ParkAndAnnounce, Redirect
from tests.unit.ami_bridge.core.messages import channel
from tests.unit.ami_bridge.core.pbx import AGENT, SECOND, TRUNK, outcome, pbx, recorded, refused, sent, talks
from tests.unit.ami_bridge.core.replay import replay
from tests.unit.ami_bridge.core.replay import talks as candidates

LOCAL_1 = channel("Local/148@agents-00000000;1", "10.5", "10.1")
LOCAL_2 = channel("Local/148@agents-00000000;2", "10.6", "10.1")


def test_an_agent_with_another_agent_talks_with_him() -> None:
    other = channel("PJSIP/141-00000002", "10.3", "10.1")
    centre = pbx(*talks("b1", other, AGENT))

    assert candidates(centre, "148") == [("PJSIP/148-00000001", "PJSIP/141-00000002", "0991")]
    assert candidates(centre, "141") == [("PJSIP/141-00000002", "PJSIP/148-00000001", "anonymous")]


def test_parked_callers_are_nobodys_party_and_strangers_to_each_other() -> None:
    centre = pbx(*talks("lot", TRUNK, SECOND[0], AGENT, holding=True))

    assert candidates(centre, "148") == []
    assert refused(centre, Redirect(agent_or_channel="148", destination="600")) == "no_call"
    assert sent(centre, Hangup(agent_or_channel="148")) == [("Hangup", {"Channel": "PJSIP/148-00000001"})]


def test_of_three_in_a_bridge_none_is_the_other() -> None:
    assert candidates(pbx(*talks("b1", TRUNK, AGENT, SECOND[0])), "148") == []


def _behind_local(*far: tuple[str, dict[str, str | list[str]]]) -> CallCentre:
    return pbx(*talks("b1", AGENT, LOCAL_2), *(each for name, who in far for each in talks(name, who)))


def test_behind_a_local_channel_stands_who_is_bridged_with_its_other_half() -> None:
    centre = _behind_local(("b2", LOCAL_1), ("b2", TRUNK))

    assert candidates(centre, "148") == [("PJSIP/148-00000001", "PJSIP/trunk-00000000", "0991")]
    assert sent(centre, Redirect(agent_or_channel="148", destination="600")) == [
        (
            "BlindTransfer",
            {"Channel": "Local/148@agents-00000000;1", "Context": "in", "Exten": "600"},
        )
    ]
    assert sent(centre, ParkAndAnnounce(agent_or_channel="148")) == [
        (
            "Park",
            {
                "Channel": "Local/148@agents-00000000;2",
                "TimeoutChannel": "PJSIP/148-00000001",
                "Timeout": "120000",
            },
        )
    ]


def test_a_local_channel_with_nobody_behind_it_is_the_party() -> None:
    assert candidates(_behind_local(), "148") == [
        ("PJSIP/148-00000001", "Local/148@agents-00000000;2", "0991")
    ]


def test_there_is_no_party_behind_a_local_channel_in_a_conference() -> None:
    assert candidates(_behind_local(("b2", LOCAL_1), ("b2", TRUNK), ("b2", SECOND[0])), "148") == []


def test_a_loop_of_local_channels_has_no_end_to_act_on() -> None:
    loop = [
        each
        for n in range(1, 12)
        for each in talks(
            f"c{n}",
            channel(f"Local/148@agents-{n - 1:08x};1", f"20.{n}"),
            channel(f"Local/148@agents-{n:08x};2", f"30.{n}"),
        )
    ]

    assert candidates(pbx(*talks("b1", AGENT, LOCAL_2), *loop), "148") == []


def test_a_name_that_only_looks_local_is_followed_nowhere() -> None:
    odd = channel("Local/148@agents", "10.5", "10.1")

    assert candidates(pbx(*talks("b1", AGENT, odd)), "148") == [
        ("PJSIP/148-00000001", "Local/148@agents", "0991")
    ]


def test_a_channel_that_left_its_bridge_is_found_there_no_more() -> None:
    centre = pbx(*talks("b1", AGENT, LOCAL_2), *talks("b2", LOCAL_1, TRUNK))
    renamed = channel("Local/148@agents-00000000;1", "10.9", "10.1")
    replay([*talks("b3", renamed), {"Event": "BridgeLeave", "BridgeUniqueid": "b2", **LOCAL_1}], centre)

    assert candidates(centre, "148") == []


@pytest.mark.parametrize(
    ("name", "agent"),
    [("queue_agent_completes", "148"), ("inbound_direct", "148"), ("outbound_by_agent", "148")],
)
def test_in_recorded_calls_the_party_is_on_the_trunk(name: str, agent: str) -> None:
    centre = recorded(name, lambda each: each["Event"] == "BridgeLeave")
    (found,) = outcome(centre, FindCalls(agent=agent)).candidates

    assert found.agent_channel.startswith(f"PJSIP/{agent}-")
    assert str(found.bridged_channel).startswith("PJSIP/trunk-")


@pytest.mark.parametrize(
    "name", ["queue_local_member", "actions/transfer_blind_local_member", "actions/park_local_member"]
)
def test_in_recorded_calls_through_local_channels_the_party_is_the_caller(name: str) -> None:
    centre = recorded(name, lambda each: each["Event"] in ("BridgeLeave", "BlindTransfer", "ParkedCall"))
    (found,) = outcome(centre, FindCalls(agent="147")).candidates

    assert found.agent_channel.startswith("PJSIP/147-")
    assert str(found.bridged_channel).startswith("PJSIP/trunk-")


def test_after_a_recorded_transfer_the_call_is_the_other_agents() -> None:
    centre = recorded("actions/transfer_blind_local_member", lambda each: each["Event"] == "AgentComplete")

    assert outcome(centre, FindCalls(agent="147")).candidates == ()
    assert refused(centre, Hangup(agent_or_channel="147")) == "no_call"
    (found,) = outcome(centre, FindCalls(agent="149")).candidates
    assert str(found.bridged_channel).startswith("PJSIP/trunk-")


def test_in_a_recorded_session_a_parked_caller_is_nobodys_party_until_he_is_fetched() -> None:
    parked = recorded("park_retrieve", lambda each: each["Event"] == "UnParkedCall")

    assert [outcome(parked, FindCalls(agent=str(each))).candidates for each in range(140, 150)] == [()] * 10

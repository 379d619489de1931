"""What the commands on calls mean to Asterisk, and which call they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ami_bridge.adapters.ami_actions import checked_headers
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.plans import AmiRequest
from shared.commands import (
    ACTIONS,
    AddMember,
    Candidate,
    Code,
    Command,
    FindCalls,
    Hangup,
    Originate,
    Outcome,
    ParkAndAnnounce,
    PauseMember,
    ReadQueues,
    Redirect,
    RemoveMember,
    ResetQueue,
    SetPenalty,
)
from tests.unit.ami_bridge.core.messages import channel, destination, message
from tests.unit.ami_bridge.core.pbx import (
    AGENT,
    RULES,
    TRUNK,
    outcome,
    pbx,
    recorded,
    refused,
    sent,
    steps,
    talks,
)
from tests.unit.ami_bridge.core.replay import replay
from tests.unit.ami_bridge.core.replay import talks as candidates

ID = "pbxis-0123456789abcdef0123456789abcdef"
ORIGINATE = Originate(action_id=ID, agent="148", destination="0991")
SECOND = (
    channel("PJSIP/trunk-00000002", "10.3", CallerIDNum="0992"),
    channel("PJSIP/148-00000003", "10.4", "10.3", ConnectedLineNum="0992"),
)
RINGING = {
    **message("DialBegin", CallerIDNum="0993"),
    **channel("PJSIP/trunk-00000008", "10.8"),
    **destination("PJSIP/148-00000009", "10.9", "10.8"),
}
LOCAL_1 = channel("Local/148@agents-00000000;1", "10.5", "10.1")
LOCAL_2 = channel("Local/148@agents-00000000;2", "10.6", "10.1")


def test_originate_rings_the_agent_under_the_id_of_the_request() -> None:
    command = replace(
        ORIGINATE, caller_id='"Ana" <0991>', variables={"__TICKET": "a b", "x": ""}, timeout_s=20
    )

    assert sent(pbx(), command) == [
        (
            "Originate",
            {
                "ActionID": ID,
                "ChannelId": ID,
                "Channel": "PJSIP/148",
                "Context": "out",
                "Exten": "0991",
                "Priority": "1",
                "Timeout": "20000",
                "Async": "true",
                "CallerID": '"Ana" <0991>',
                "Variable": ("__TICKET=a b", "x="),
            },
        )
    ]


def test_originate_sets_nothing_that_was_not_asked_for() -> None:
    (request,) = steps(pbx(), ORIGINATE).actions

    assert request.headers.keys().isdisjoint({"CallerID", "Variable"})


@pytest.mark.parametrize(
    "change",
    [
        {"action_id": "x"},
        {"action_id": ID + "0"},
        {"agent": "148@trunk"},
        {"destination": "09 91"},
        {"destination": "${EVIL}"},
        {"caller_id": "Ana\r\nAction: Logoff"},
        {"timeout_s": 0},
        {"timeout_s": 100_000},
        {"variables": {"SHELL(x)": "1"}},
        {"variables": {"A": "a,b"}},
        {"variables": {"A": 'a"b'}},
        {"variables": {"A": "a\\b"}},
        {"variables": {"A": " a"}},
        {"variables": {"A": "a\nb"}},
        {"variables": {"A": "€" * 500}},
        {"variables": {f"A{n}": "" for n in range(101)}},
    ],
)
def test_originate_refuses_what_asterisk_would_read_otherwise(change: dict[str, object]) -> None:
    assert refused(pbx(), replace(ORIGINATE, **change)) == "invalid"


def test_a_redirect_moves_the_agents_party_when_the_extension_is_there() -> None:
    plan = steps(pbx(*talks("b1", TRUNK, AGENT)), Redirect(agent_or_channel="148", destination="600"))

    assert plan.check is not None
    assert plan.check.request == AmiRequest("Getvar", {"Variable": "DIALPLAN_EXISTS(in,600,1)"}, acts=False)
    assert plan.actions == (
        AmiRequest("BlindTransfer", {"Channel": "PJSIP/148-00000001", "Context": "in", "Exten": "600"}),
    )


@pytest.mark.parametrize(("value", "code"), [("1", None), ("0", "no_extension"), ("", "refused")])
def test_a_redirect_waits_for_the_word_that_there_is_such_an_extension(value: str, code: Code | None) -> None:
    check = steps(pbx(), Redirect(agent_or_channel="PJSIP/x-1", destination="600")).check
    assert check is not None

    read = check.read({"Response": "Success", "Value": value})

    assert (read.code if read else None) == code


def test_a_channel_is_redirected_itself() -> None:
    (request,) = steps(pbx(), Redirect(agent_or_channel="PJSIP/trunk-00000000", destination="600")).actions

    assert request == AmiRequest(
        "Redirect",
        {"Channel": "PJSIP/trunk-00000000", "Context": "in", "Exten": "600", "Priority": "1"},
    )


def test_the_agents_party_is_parked_and_comes_back_to_him() -> None:
    assert sent(pbx(*talks("b1", TRUNK, AGENT)), ParkAndAnnounce(agent_or_channel="148")) == [
        (
            "Park",
            {
                "Channel": "PJSIP/trunk-00000000",
                "TimeoutChannel": "PJSIP/148-00000001",
                "Timeout": "120000",
            },
        )
    ]


def test_a_channel_is_parked_and_comes_back_to_the_agent_it_talks_with() -> None:
    park = ParkAndAnnounce(agent_or_channel="PJSIP/trunk-00000000")
    stranger = channel("PJSIP/other-00000007", "10.7")

    plain = {"Channel": "PJSIP/trunk-00000000", "Timeout": "120000"}
    assert sent(pbx(*talks("b1", TRUNK, AGENT)), park) == [
        ("Park", {**plain, "TimeoutChannel": "PJSIP/148-00000001"})
    ]
    assert sent(pbx(*talks("b1", TRUNK, stranger)), park) == [("Park", plain)]
    assert sent(pbx(), park) == [("Park", plain)]


def test_an_agents_own_leg_is_hung_up_while_it_rings_too() -> None:
    expected = [("Hangup", {"Channel": "PJSIP/148-00000009"})]

    assert sent(pbx(RINGING), Hangup(agent_or_channel="148")) == expected
    assert sent(pbx(), Hangup(agent_or_channel="PJSIP/148-00000009")) == expected


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Redirect(agent_or_channel="148", destination="600"), "no_call"),
        (Redirect(agent_or_channel="148", destination="6 0"), "invalid"),
        (Redirect(agent_or_channel="viktor", destination="600"), "no_agent"),
        (Redirect(agent_or_channel="PJSIP/148-00000009", destination="600"), "no_call"),
        (Redirect(agent_or_channel="/^PJSIP/", destination="600"), "invalid"),
        (ParkAndAnnounce(agent_or_channel="148"), "no_call"),
        (ParkAndAnnounce(agent_or_channel="PJSIP/148-00000009"), "no_call"),
        (ParkAndAnnounce(agent_or_channel="PJSIP/148\r\nX"), "invalid"),
        (Hangup(agent_or_channel="149"), "no_call"),
        (Hangup(agent_or_channel="/.*/"), "invalid"),
        (FindCalls(agent="viktor"), "no_agent"),
    ],
)
def test_a_call_that_only_rings_and_what_is_not_there_are_refused(command: Command, code: Code) -> None:
    assert refused(pbx(RINGING), command) == code


@pytest.mark.parametrize(
    "command",
    [
        Redirect(agent_or_channel="148", destination="600"),
        ParkAndAnnounce(agent_or_channel="148"),
        Hangup(agent_or_channel="148"),
    ],
)
def test_of_several_calls_none_is_touched(command: Command) -> None:
    held = {**message("Hold"), **AGENT}
    result = outcome(pbx(*talks("b1", TRUNK, AGENT), held, *talks("b2", *SECOND)), command)

    assert (result.result, result.message) == ("done", "148 has 2 calls: nothing was done, name a channel")
    assert result.candidates == (
        Candidate(
            agent_channel="PJSIP/148-00000001", bridged_channel="PJSIP/trunk-00000000", caller_id="0991"
        ),
        Candidate(
            agent_channel="PJSIP/148-00000003", bridged_channel="PJSIP/trunk-00000002", caller_id="0992"
        ),
    )


def test_a_second_call_that_rings_leaves_one_to_redirect_and_two_to_hang_up() -> None:
    centre = pbx(*talks("b1", TRUNK, AGENT), RINGING)

    assert sent(centre, Redirect(agent_or_channel="148", destination="600"))[0][0] == "BlindTransfer"
    assert [each.bridged_channel for each in outcome(centre, Hangup(agent_or_channel="148")).candidates] == [
        "PJSIP/trunk-00000000",
        None,
    ]


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


def test_an_agent_whose_call_went_on_to_another_one_has_it_no_more() -> None:
    called = {
        **message("AgentCalled", Queue="support", CallerIDNum="0991"),
        **TRUNK,
        **destination("Local/148@agents-00000000;1", "10.5", "10.1"),
    }
    other = channel("PJSIP/141-00000004", "10.7", "10.1")
    centre = pbx(called, *talks("b2", LOCAL_1, TRUNK), *talks("b1", other, LOCAL_2))

    assert candidates(centre, "148") == []
    assert candidates(centre, "141") == [("PJSIP/141-00000004", "PJSIP/trunk-00000000", "anonymous")]


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


CENTRE = pbx(*talks("b1", TRUNK, AGENT))
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["148", "support", "PJSIP/148-00000001", "148\r\nAction: Logoff", "support\n", "a\0b", "/.*/", ID]
    ),
    st.builds(
        "{}{}{}".format, st.sampled_from(["148", "support"]), st.sampled_from("\r\n\0 :;,/&@|"), st.text()
    ),
)
INTENDED: dict[type[Command], tuple[str, ...]] = {
    AddMember: ("QueueAdd",),
    RemoveMember: ("QueueRemove",),
    PauseMember: ("QueuePause",),
    SetPenalty: ("QueuePenalty",),
    ResetQueue: ("QueueReset",),
    Originate: ("Originate",),
    Redirect: ("BlindTransfer", "Redirect"),
    ParkAndAnnounce: ("Park",),
    Hangup: ("Hangup",),
    FindCalls: (),
    ReadQueues: (),
}


@st.composite
def hostile(draw: st.DrawFn) -> Command:
    """Any command, with any text in every field."""
    command = draw(st.sampled_from(list(ACTIONS.values())))
    fields: dict[str, object] = {}
    for name, kind in get_type_hints(command).items():
        if kind is bool:
            fields[name] = draw(st.booleans())
        elif kind is int:
            fields[name] = draw(st.integers())
        elif kind == dict[str, str]:
            fields[name] = draw(st.dictionaries(st.one_of(HOSTILE, st.just("A")), HOSTILE, max_size=3))
        else:
            fields[name] = draw(HOSTILE)
    return command(**fields)  # pyright: ignore[reportArgumentType] - one of every kind


@given(hostile())
def test_any_text_is_refused_or_reaches_asterisk_as_the_action_that_was_meant(command: Command) -> None:
    plan = CENTRE.plan(command, RULES)
    if isinstance(plan, Outcome):
        assert plan.result == "refused" or not INTENDED[type(command)]
        return
    requests = [*plan.actions, *([plan.check.request] if plan.check else [])]
    assert {request.action for request in plan.actions} <= set(INTENDED[type(command)])
    assert plan.actions
    for request in requests:
        sent_headers = checked_headers(request.action, request.headers)
        assert sent_headers["Action"] == request.action
        for value in request.headers.values():
            for line in [value] if isinstance(value, str) else value:
                assert not set(line) & set("\r\n\0")

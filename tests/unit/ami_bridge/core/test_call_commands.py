"""What the commands on calls mean to Asterisk, and which call they are about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.ami_bridge.core.plans import AmiRequest
from shared.commands import (
    Candidate,
    Code,
    Command,
    FindCalls,
    Hangup,
    Originate,
    ParkAndAnnounce,
    Redirect,
)
from tests.unit.ami_bridge.core.messages import Message, channel, destination, message
from tests.unit.ami_bridge.core.pbx import (
    AGENT,
    SECOND,
    TRUNK,
    outcome,
    pbx,
    refused,
    sent,
    steps,
    talks,
)
from tests.unit.ami_bridge.core.replay import replay

ID = "pbxis-0123456789abcdef0123456789abcdef"
ORIGINATE = Originate(action_id=ID, agent="148", destination="0991")
RINGING = {
    **message("DialBegin", CallerIDNum="0993"),
    **channel("PJSIP/trunk-00000008", "10.8"),
    **destination("PJSIP/148-00000009", "10.9", "10.8"),
}


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


REDIRECT, PARK = Redirect(agent_or_channel="148", destination="600"), ParkAndAnnounce(agent_or_channel="148")


@pytest.mark.parametrize("command", [REDIRECT, PARK])
@pytest.mark.parametrize("messages", [talks("b1", AGENT), [RINGING, *talks("b1", AGENT)]])
def test_right_after_the_answer_nobody_is_there_to_be_moved(
    messages: list[Message], command: Command
) -> None:
    centre = pbx(*messages)

    assert refused(centre, command) == "no_call"
    assert outcome(centre, FindCalls(agent="148")).candidates == ()
    replay(talks("b1", TRUNK), centre)
    assert sent(centre, command)


@pytest.mark.parametrize("command", [REDIRECT, PARK])
def test_a_call_on_hold_is_not_taken_for_the_one_that_was_answered_a_moment_ago(command: Command) -> None:
    held = {**message("Hold"), **AGENT}
    centre = pbx(*talks("b1", TRUNK, AGENT), held, *talks("b2", SECOND[1]))

    found = outcome(centre, command)

    assert (found.result, found.message) == ("done", "148 has 2 calls: nothing was done, name a channel")
    assert [(each.agent_channel, each.bridged_channel) for each in found.candidates] == [
        ("PJSIP/148-00000001", "PJSIP/trunk-00000000"),
        ("PJSIP/148-00000003", None),
    ]
    replay([{"Event": "Hangup", **SECOND[1]}], centre)
    assert sent(centre, command)


@pytest.mark.parametrize("command", [REDIRECT, PARK])
def test_of_a_held_call_and_a_conference_neither_is_taken(command: Command) -> None:
    third = channel("PJSIP/trunk-00000007", "10.7")
    centre = pbx(*talks("b1", TRUNK, AGENT), *talks("b2", *SECOND, third))

    assert [each.bridged_channel for each in outcome(centre, command).candidates] == [
        "PJSIP/trunk-00000000",
        None,
    ]


def test_a_leg_of_his_that_is_parked_stands_in_nobodys_way() -> None:
    centre = pbx(*talks("b1", TRUNK, AGENT), *talks("lot", SECOND[1], holding=True))

    assert sent(centre, REDIRECT)[0][0] == "BlindTransfer"


def test_a_second_call_that_rings_leaves_one_to_redirect_and_two_to_hang_up() -> None:
    centre = pbx(*talks("b1", TRUNK, AGENT), RINGING)

    assert sent(centre, Redirect(agent_or_channel="148", destination="600"))[0][0] == "BlindTransfer"
    assert [each.bridged_channel for each in outcome(centre, Hangup(agent_or_channel="148")).candidates] == [
        "PJSIP/trunk-00000000",
        None,
    ]

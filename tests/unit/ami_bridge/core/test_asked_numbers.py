"""Whom the agent calls, in calls that this system asked for: known before Asterisk tells it."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.plans import CommandRules, Steps
from services.ami_bridge.core.snapshot import Snapshot
from shared.commands import Originate, Outcome
from shared.events import PhoneNumber
from tests.unit.ami_bridge.core.messages import Message, channel, destination, enter, leave, message
from tests.unit.ami_bridge.core.replay import NOON, replay

ID = "pbxis-0123456789abcdef0123456789abcdef"
NAME = "PJSIP/148-00000001"
GIVEN = {"ConnectedLineNum": "555", "ConnectedLineName": "Ana"}
"""What the agent's leg shows when the request gave the caller ID `Ana <555>`."""

LEG = channel(NAME, ID, **GIVEN)
BEGIN: Message = {
    **message("DialBegin", DestConnectedLineNum="555", DestConnectedLineName="Ana"),
    **destination(NAME, ID),
}
ANSWER: Message = {**message("DialEnd", DialStatus="ANSWER"), **destination(NAME, ID)}


def line(number: str, name: str = "<unknown>") -> Message:
    """`NewConnectedLine` of the agent's leg."""
    return {**message("NewConnectedLine"), **LEG, "ConnectedLineNum": number, "ConnectedLineName": name}


def dials(number: str, exten: str, name: str = "Agent 141") -> Message:
    """His leg dials: `DialBegin` of the destination."""
    called = destination("PJSIP/141-00000002", "10.2", ID, DestCallerIDNum=number, DestCallerIDName=name)
    return {**message("DialBegin", Exten=exten, CallerIDNum="555"), **LEG, **called}


def ask(destination: str = "141", action_id: str = ID, centre: CallCentre | None = None) -> CallCentre:
    """A bridge that got the command."""
    centre = centre or CallCentre("hq")
    command = Originate(action_id=action_id, agent="148", destination=destination, caller_id="Ana <555>")
    assert isinstance(centre.plan(command, CommandRules()), Steps)
    return centre


def shown(centre: CallCentre, *messages: Message) -> list[tuple[str | None, str | None]]:
    """The numbers and names that are told of the agent, each change once."""
    told: list[tuple[str | None, str | None]] = []
    for output in replay(messages, centre):
        event = output.event
        if (
            isinstance(event, PhoneNumber)
            and event.agent == "148"
            and told[-1:] != [(event.number, event.name)]
        ):
            told.append((event.number, event.name))
    return told


def listed(state: str, application: str, **headers: str) -> Snapshot:
    leg = {**LEG, "ChannelState": state, "Application": application, "Seconds": "2", "Exten": "s", **headers}
    return Snapshot(queue_status=[], channels=[leg], bridges=[])


def number(centre: CallCentre) -> str | None:
    document = centre.documents["phoneNumber", None, "148"]
    assert isinstance(document, PhoneNumber)
    return document.number


@pytest.mark.parametrize("called", ["141", "01632960003", "*97", "front-desk"])
def test_the_number_is_the_destination_from_the_first_event_on(called: str) -> None:
    assert shown(ask(called), BEGIN, line("555", "Ana"), ANSWER) == [(called, None)]


def test_nothing_is_told_of_a_call_before_its_leg_rings() -> None:
    centre = ask()

    assert centre.documents == {}
    assert centre.in_progress == 0


def test_a_command_that_is_refused_is_not_remembered() -> None:
    centre = CallCentre("hq")
    command = Originate(action_id=ID, agent="148", destination="141@default")

    assert isinstance(centre.plan(command, CommandRules()), Outcome)
    assert shown(centre, BEGIN) == [("anonymous", None)]


@pytest.mark.parametrize("exten", ["141", "s"])
def test_the_name_is_the_destinations_as_soon_as_it_is_dialled(exten: str) -> None:
    assert shown(ask(), BEGIN, ANSWER, dials("141", exten)) == [("141", None), ("141", "Agent 141")]


def test_a_dialplan_that_dials_inside_itself_does_not_hide_whom_the_agent_called() -> None:
    assert shown(ask("600"), BEGIN, ANSWER, dials("141", "s")) == [("600", None)]


def test_what_the_leg_dials_after_it_was_connected_is_another_call() -> None:
    told = shown(ask("600"), BEGIN, ANSWER, enter("b1", LEG), leave("b1", LEG), dials("141", "s"))

    assert told == [("600", None), ("141", "Agent 141")]


def test_the_caller_id_that_was_given_is_not_told_in_a_bridge_either() -> None:
    assert shown(ask("501"), BEGIN, ANSWER, enter("b1", LEG)) == [("501", None)]


def test_once_connected_the_number_is_what_asterisk_tells() -> None:
    told = shown(ask("600"), BEGIN, ANSWER, enter("b1", LEG), line("141", "Agent 141"), line("555", "Ana"))

    assert told == [("600", None), ("141", "Agent 141"), ("555", "Ana")]


def test_a_party_who_withholds_his_number_is_anonymous() -> None:
    trunk = channel("PJSIP/trunk-00000002", "10.2", ID)
    joined = [enter("b1", trunk), enter("b1", LEG)]

    assert shown(ask(), BEGIN, ANSWER, *joined, line("<unknown>")) == [("141", None), ("anonymous", None)]


@pytest.mark.parametrize("connected", ["141", "142", "<unknown>"])
def test_a_new_reading_does_not_bring_the_first_destination_back(connected: str) -> None:
    centre = ask("600")
    met = [BEGIN, ANSWER, enter("b1", LEG), line("141", "Agent 141"), leave("b1", LEG)]
    assert shown(centre, *met, dials("142", "142", "Agent 142"))[-1] == ("142", "Agent 142")

    centre.resync(listed("6", "Dial", Exten="142", ConnectedLineNum=connected), [], NOON)
    assert number(centre) == "142"


def test_a_new_reading_of_one_who_has_moved_on_into_the_dialplan_keeps_whom_he_met() -> None:
    centre = ask("600")
    shown(centre, BEGIN, ANSWER, enter("b1", LEG), line("141", "Agent 141"), leave("b1", LEG))

    centre.resync(listed("6", "Playback", ConnectedLineNum="141"), [], NOON)
    assert number(centre) == "141"


def test_the_destination_is_known_over_a_new_reading_and_a_lost_link() -> None:
    centre = ask()
    centre.resync(Snapshot(queue_status=[], channels=[], bridges=[]), [], NOON)
    centre.link_lost()
    centre.resync(listed("5", "AppDial2"), [], NOON)
    assert number(centre) == "141"

    centre.resync(listed("6", "Queue"), [], NOON)
    assert number(centre) == "141"

    centre.resync(listed("6", "Queue", BridgeID="b1"), [], NOON)
    assert number(centre) == "141"

    centre.resync(listed("6", "Queue", BridgeID="b1", ConnectedLineNum="142"), [], NOON)
    assert number(centre) == "142"


def test_a_bridge_that_was_not_asked_tells_no_number_until_the_agent_has_answered() -> None:
    centre = CallCentre("hq")
    assert shown(centre, BEGIN, line("555", "Ana")) == [("anonymous", None)]

    centre = CallCentre("hq")
    centre.resync(listed("5", "AppDial2"), [], NOON)
    assert number(centre) == "anonymous"
    centre.resync(listed("6", "Queue", Exten="600"), [], NOON)
    assert number(centre) == "600"


def test_many_requests_that_never_rang_are_forgotten_one_day() -> None:
    centre = ask()
    for index in range(512):
        ask("600", f"pbxis-{index:032x}", centre)

    assert shown(centre, BEGIN) == [("anonymous", None)]

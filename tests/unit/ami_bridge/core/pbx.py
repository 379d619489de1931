"""A PBX for tests of commands: agents, queues, and recorded calls up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.plans import CommandRules, Plan, Steps
from shared.commands import Code, Command, Outcome
from tests.unit.ami_bridge.core.messages import Message, channel, enter, member
from tests.unit.ami_bridge.core.recorded import events
from tests.unit.ami_bridge.core.replay import NOON, replay

RULES = CommandRules(originate_context="out", redirect_context="in", park_timeout_s=120)

TRUNK = channel("PJSIP/trunk-00000000", "10.1", CallerIDNum="0991")
AGENT = channel("PJSIP/148-00000001", "10.2", "10.1", ConnectedLineNum="0991")

SECOND = (
    channel("PJSIP/trunk-00000002", "10.3", CallerIDNum="0992"),
    channel("PJSIP/148-00000003", "10.4", "10.3", ConnectedLineNum="0992"),
)
"""Another caller of the same agent, and his leg with that one."""


def pbx(*messages: Message) -> CallCentre:
    """Knows the queues support (148 in it) and Sales, and what the messages tell."""
    centre = CallCentre("hq")
    known = [member("QueueMemberAdded"), member("QueueMemberAdded", queue="Sales", interface="PJSIP/141")]
    replay([*known, *messages], centre)
    return centre


def recorded(name: str, until: Callable[[AmiMessage], bool]) -> CallCentre:
    """What is known right before the first message of a recorded session for which ``until`` holds."""
    centre = CallCentre("hq")
    for message in events(name):
        if until(message):
            return centre
        centre.apply(message, NOON)
    raise AssertionError(f"it never comes in {name}")


def talks(bridge: str, *parties: Message, holding: bool = False) -> list[Message]:
    """These channels are in one bridge."""
    return [enter(bridge, party, holding=holding) for party in parties]


def steps(centre: CallCentre, command: Command) -> Steps:
    """What is to be sent; it is an error if nothing is."""
    plan = plan_of(centre, command)
    assert isinstance(plan, Steps), plan
    return plan


def outcome(centre: CallCentre, command: Command) -> Outcome:
    """The outcome that is known at once; it is an error if something is to be sent."""
    plan = plan_of(centre, command)
    assert isinstance(plan, Outcome), plan
    return plan


def refused(centre: CallCentre, command: Command) -> Code:
    """The code with which a command is refused at once."""
    result = outcome(centre, command)
    assert result.result == "refused"
    assert result.message
    return result.code


def sent(centre: CallCentre, command: Command) -> list[tuple[str, Mapping[str, str | Sequence[str]]]]:
    """The actions that are to be sent."""
    return [(request.action, request.headers) for request in steps(centre, command).actions]


def plan_of(centre: CallCentre, command: Command) -> Plan:
    """The plan, by the rules of these tests."""
    return centre.plan(command, RULES)

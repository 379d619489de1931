"""Play AMI messages into the core, and tell what comes out in short words."""

from __future__ import annotations

from collections.abc import Iterable

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.asked_calls import is_own_id
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.plans import CommandRules, Steps
from shared.commands import FindCalls, Originate, Outcome
from shared.events import (
    AgentComplete,
    AgentName,
    Event,
    ExtensionStatus,
    MemberSummary,
    OriginateFailed,
    ParkedCall,
    ParkedCallGiveUp,
    ParkedCallTimeOut,
    PbxStatus,
    PhoneNumber,
    QueueCallers,
    QueueCount,
    QueueMemberStatus,
    QueueSummary,
    UnParkedCall,
    type_of,
)

NOON = 1_795_000_000_000
"""The instant of the first message; each further one comes a millisecond later."""


def replay(
    messages: Iterable[AmiMessage], centre: CallCentre | None = None, since: int = NOON
) -> list[Output]:
    """All that comes out while these messages go in."""
    centre = centre or CallCentre("hq")
    outputs: list[Output] = []
    for index, message in enumerate(messages):
        outputs += centre.apply(message, since + index)
    return outputs


def asked(messages: Iterable[AmiMessage]) -> CallCentre:
    """A bridge that was asked for the calls of Originate that these messages tell of."""
    centre = CallCentre("hq")
    for message in messages:
        action_id = str(message.get("ActionID"))
        if message.get("Event") == "OriginateResponse" and is_own_id(action_id):
            agent = str(message["Channel"]).split("/")[1].split("-")[0]
            command = Originate(action_id=action_id, agent=agent, destination=str(message["Exten"]))
            assert isinstance(centre.plan(command, CommandRules()), Steps)
    return centre


def events_of(outputs: Iterable[Output]) -> list[Event]:
    """The events alone."""
    return [output.event for output in outputs]


def story(outputs: Iterable[Output]) -> list[str]:
    """One line an event."""
    return [tell(output.event) for output in outputs]


def talks(centre: CallCentre, agent: str) -> list[tuple[str, str | None, str | None]]:
    """The calls of an agent that have a remote party: his channel, the party's, and its number."""
    found = centre.plan(FindCalls(agent=agent), CommandRules())
    assert isinstance(found, Outcome)
    return [(each.agent_channel, each.bridged_channel, each.caller_id) for each in found.candidates]


def tell(event: Event) -> str:
    """An event in short words."""
    match event:
        case AgentName():
            line = f"{event.agent} is called {event.name}"
        case ExtensionStatus():
            line = f"{event.agent} phone {event.status}"
        case QueueMemberStatus():
            behind = f", {event.device_status} behind" if event.paused else ""
            reason = f" ({event.paused_reason})" if event.paused_reason else ""
            line = f"{event.agent} in {event.queue} {event.status}{reason}{behind}"
        case PhoneNumber():
            line = f"{event.agent} " + (" + ".join(_calls(event)) or "has no call")
        case QueueCount():
            line = f"{event.queue}: {event.count} waiting"
        case QueueCallers():
            line = f"{event.queue}: " + (", ".join(caller.number for caller in event.callers) or "nobody")
        case QueueSummary():
            line = f"{event.queue}: {event.logged_in} logged in, {event.completed} completed"
        case MemberSummary():
            line = f"{event.queue}: members " + ", ".join(each.agent for each in event.members)
        case PbxStatus():
            line = f"pbx {event.status}" + (f" ({event.reason})" if event.reason else "")
        case AgentComplete():
            length = f"{event.talk_time} s" + (", recorded" if event.recording else "")
            line = f"{event.agent} completes in {event.queue} by {event.reason}, {length}"
        case OriginateFailed():
            line = f"{event.agent} originate failed: {event.reason}"
        case ParkedCall() | ParkedCallGiveUp() | ParkedCallTimeOut():
            line = f"{type_of(event)} {event.caller_id} on {event.parked_ext} by {event.parked_by}"
        case UnParkedCall():
            line = f"unParkedCall {event.caller_id} on {event.parked_ext} for {event.retrieved_by}"
        case _:
            raise AssertionError(event)
    return line + (" (gone)" if getattr(event, "gone", None) is True else "")


def _calls(event: PhoneNumber) -> list[str]:
    assert event.number is not None or not event.calls
    return [
        f"{call.state} {call.direction} {call.number}" + (f" by {call.queue}" if call.queue else "")
        for call in event.calls
    ]

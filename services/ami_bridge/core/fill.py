"""Fill a fresh model from Asterisk's lists.

An item that cannot be read is left out and reported: one broken item must not keep a PBX from being shown.

What no list tells is taken from the documents published before (``known``), where they still fit: since
when a state has lasted, the agents' names after they logged off, whether a call is on hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from services.ami_bridge.core.ami_message import AmiMessage, name, optional, whole, whole_or_zero
from services.ami_bridge.core.bridges import is_holding, read_party
from services.ami_bridge.core.caller_id import name_of, number_of
from services.ami_bridge.core.calls import Leg
from services.ami_bridge.core.extensions import read_extension
from services.ami_bridge.core.identity import interface_of_channel, is_local
from services.ami_bridge.core.members import read_member
from services.ami_bridge.core.model import Key, Model
from services.ami_bridge.core.queue_calls import Served
from services.ami_bridge.core.queues import Caller, read_caller
from services.ami_bridge.core.snapshot import Snapshot
from services.ami_bridge.core.summaries import read_figures, read_summary
from shared.errors import MalformedMessageError
from shared.events import (
    AgentName,
    Direction,
    MemberFigures,
    PhoneNumber,
    QueueCallers,
    QueueMemberStatus,
    State,
)

_RINGING, _UP = "5", "6"  # ChannelState, `enum ast_channel_state` in channelstate.h
_DURATION = re.compile("([0-9]{1,5}):([0-9]{2}):([0-9]{2})")
_CALLED_BY_QUEUE = "AppQueue"
_CALLED = frozenset(("AppDial", _CALLED_BY_QUEUE))
_CALLED_BY_ORIGINATE = "AppDial2"


def fill(
    model: Model, lists: Snapshot, known: Mapping[Key, State], now_ms: int
) -> list[MalformedMessageError]:
    """Fill a model that has no calls, queues and members yet; what could not be read."""
    rejected: list[MalformedMessageError] = []
    for message in lists.extension_states or ():
        _attempt(rejected, _extension, model, message)
    fill_queues(model, lists, now_ms, rejected)
    _recall_queues(model, known, now_ms)
    _channels(model, lists, now_ms, rejected)
    for document in known.values():
        if isinstance(document, PhoneNumber):
            model.calls.recall(document)
    return rejected


def fill_queues(model: Model, lists: Snapshot, now_ms: int, rejected: list[MalformedMessageError]) -> None:
    """Queues, waiting callers, members and the figures of all these, from QueueStatus and QueueSummary."""
    params: dict[str, AmiMessage] = {}
    counts: dict[str, int] = {}
    waiting: dict[str, list[tuple[int, Caller]]] = {}
    figures: dict[str, list[MemberFigures]] = {}

    def item(model: Model, message: AmiMessage) -> None:
        match optional(message, "Event"):
            case "QueueParams":
                queue = name(message, "Queue")
                counts[queue] = whole(message, "Calls")
                params[queue] = message
            case "QueueEntry":
                queue, position = name(message, "Queue"), whole(message, "Position")
                caller = read_caller(message, now_ms - whole(message, "Wait") * 1000)
                waiting.setdefault(queue, []).append((position, caller))
            case "QueueMember":
                member = read_member(message, model.identifier)
                # The list tells when a pause began; since when any other state has lasted it does not.
                paused_at = whole_or_zero(message, "LastPause") * 1000 if member.paused else 0
                model.members.put(member, paused_at or now_ms)
                figures.setdefault(member.queue, []).append(read_figures(message, member))
            case _:
                pass  # the list's closing message

    def summary(model: Model, message: AmiMessage) -> None:
        queue = optional(message, "Queue")
        if queue in params:
            model.summaries.put(read_summary(model.pbx, message, params[queue]))

    for message in lists.queue_status or ():
        _attempt(rejected, item, model, message)
    for message in lists.queue_summary or ():
        _attempt(rejected, summary, model, message)
    for queue, count in counts.items():
        model.queues.put(queue, count, [caller for _, caller in sorted(waiting.get(queue, ()))])
        model.summaries.put_members(queue, figures.get(queue, []))


def _attempt(
    rejected: list[MalformedMessageError],
    read: Callable[[Model, AmiMessage], None],
    model: Model,
    message: AmiMessage,
) -> None:
    try:
        read(model, message)
    except MalformedMessageError as error:
        rejected.append(error)


def _extension(model: Model, message: AmiMessage) -> None:
    # The list's closing message has no hint in it.
    if optional(message, "Event") == "ExtensionStatus":
        extension = read_extension(message, model.identifier.rules.hint_context)
        if extension is not None:
            model.extensions.put(*extension)


def _recall_queues(model: Model, known: Mapping[Key, State], now_ms: int) -> None:
    """Names, and since when members and callers are as they are."""
    told: dict[str, list[str]] = {}
    for member in sorted(model.members, key=lambda member: (member.queue, member.interface)):
        if member.name is not None:
            told.setdefault(member.agent, []).append(member.name)
    for agent, names in told.items():
        # Queues that know an agent by different names: whichever was published stays.
        before = known.get(("agentName", None, agent))
        published = before.name if isinstance(before, AgentName) else names[0]
        model.members.call(agent, published if published in names else names[0])
    for document in known.values():
        if isinstance(document, QueueMemberStatus) and document.queue in model.queues:
            model.members.recall(document, now_ms)
        elif isinstance(document, QueueCallers) and document.queue in model.queues:
            model.queues.recall(document.queue, document.callers)
        elif isinstance(document, AgentName) and document.agent not in told and model.knows(document.agent):
            model.members.call(document.agent, document.name)


def _channels(model: Model, lists: Snapshot, now_ms: int, rejected: list[MalformedMessageError]) -> None:
    holding = {optional(message, "BridgeUniqueid") for message in lists.bridges or () if is_holding(message)}
    queued = _queue_callers(lists.channels or ())

    def enter(model: Model, message: AmiMessage) -> None:
        party = read_party(message)
        bridge = optional(message, "BridgeID", "BridgeId")
        if bridge:
            model.bridges.enter(bridge, bridge in holding, party)

    def leg(model: Model, message: AmiMessage) -> None:
        _leg(model, message, queued, holding, now_ms)

    channels = [
        message
        for message in lists.channels or ()
        if "Channel" in message and not model.calls.has_ended(optional(message, "Uniqueid"))
    ]
    for message in channels:
        _attempt(rejected, enter, model, message)
    for message in channels:
        _attempt(rejected, leg, model, message)
    for each in model.calls:
        partner = model.bridges.partner(each.uniqueid)
        if each.number is None and partner is not None:
            each.learn(partner.number, partner.name)


def _leg(
    model: Model,
    message: AmiMessage,
    queued: Mapping[str, tuple[str, str]],
    holding: Iterable[str],
    now_ms: int,
) -> None:
    """A leg that was there already: what it does stands in `Application`, how long it lasts in `Seconds`."""
    uniqueid, channel = name(message, "Uniqueid"), name(message, "Channel")
    application, state = optional(message, "Application"), optional(message, "ChannelState")
    bridge = optional(message, "BridgeID", "BridgeId")
    since = now_ms - _seconds(message) * 1000
    agent = model.agent_of_channel(channel)
    direction: Direction = "inbound" if application in _CALLED else "outbound"
    if agent is None or model.calls.has_left(uniqueid) or (direction == "outbound" and is_local(channel)):
        return
    linkedid = optional(message, "Linkedid") or uniqueid
    leg = Leg(uniqueid, channel, agent, linkedid, direction, since)
    if bridge:
        leg.state, leg.parked = "connected", bridge in holding
    elif state == _RINGING:
        leg.state = "ringing"
    elif state == _UP and leg.direction == "inbound":
        leg.state = "connected"
    leg.held = model.calls.was_held(uniqueid)
    leg.originated = application == _CALLED_BY_ORIGINATE and leg.state == "ringing"
    model.calls.recall_asked(leg)
    met = bool(bridge)
    if leg.asked is not None:
        met = met or leg.asked.served
        leg.asked.answered = leg.asked.answered or state == _UP
        leg.asked.served = met or application == "Queue"
    line = number_of(optional(message, "ConnectedLineNum")), name_of(optional(message, "ConnectedLineName"))
    dialled = optional(message, "Exten") if optional(message, "Exten").isdecimal() else None
    if leg.asked is not None and met and not bridge and dialled is not None:
        leg.learn(dialled, None)  # he has moved on from whom he was asked to call, and dials another
    elif leg.asked is None or (met and leg.asked.is_party(line)):
        leg.learn(*line)
    else:
        if state == _RINGING:
            leg.asked.rings(line)
        leg.learn(leg.asked.number, None)
    if leg.number is None and leg.direction == "outbound":
        leg.learn(dialled, None)
    if application == _CALLED_BY_QUEUE and linkedid in queued:
        leg.queue, leg.queue_uniqueid = queued[linkedid]
        if bridge and not model.queue_calls.serves(leg.queue_uniqueid, agent):
            served = Served(leg.queue_uniqueid, agent, since)
            model.queue_calls.connect(leg.queue, interface_of_channel(channel) or channel, served)
    model.calls.add(leg)


def _queue_callers(channels: Sequence[AmiMessage]) -> dict[str, tuple[str, str]]:
    """By Linkedid: the queue, and the Uniqueid of its caller. `Queue`'s data is `support,tTkK,,,120`."""
    found: dict[str, tuple[str, str]] = {}
    for message in channels:
        if optional(message, "Application") == "Queue":
            queue = optional(message, "ApplicationData", "Data").partition(",")[0]
            uniqueid = optional(message, "Uniqueid")
            if queue and uniqueid:
                found[optional(message, "Linkedid") or uniqueid] = (queue, uniqueid)
    return found


def _seconds(message: AmiMessage) -> int:
    """`Seconds` of Status, or `Duration` (`00:01:02`) of CoreShowChannels."""
    if "Seconds" in message:
        return whole(message, "Seconds")
    duration = _DURATION.fullmatch(optional(message, "Duration"))
    return int(duration[1]) * 3600 + int(duration[2]) * 60 + int(duration[3]) if duration else 0

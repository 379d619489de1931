"""What each AMI event does to the model: the dispatch table.

To follow another event: write a handler here, or in call_transitions.py when it is about channels, enter
it in ``TRANSITIONS``, and let the adapter's list of wanted events have it too. A handler reads all
that it needs first and changes the model last, so one that raises has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.ami_bridge.core import call_transitions as calls
from services.ami_bridge.core.ami_message import AmiMessage, name, optional, text, whole
from services.ami_bridge.core.extensions import read_extension
from services.ami_bridge.core.identity import plain_interface
from services.ami_bridge.core.members import read_member
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.moments import Output, moment_id, occurrence
from services.ami_bridge.core.parking import Parking, read_parking, read_unparking
from shared.events import ParkedCall, ParkedCallGiveUp, ParkedCallTimeOut, type_of

# A login is possible a moment before all is loaded; FullyBooted says `Uptime` 0 then.
_BOOTING_S = 10

Transition = Callable[[Model, AmiMessage, int], None]

# Modules whose reload may add or remove queues, members or hints without an event.
_RELOADS = frozenset(("All", "app_queue.so", "app_queue", "pbx_config.so", "pbx_config"))


def on_member(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`QueueMemberAdded`, `…Status`, `…Pause`, `…Penalty`, `…Ringinuse`: each carries the whole member."""
    member = read_member(message, model.identifier)
    model.queues.ensure(member.queue)
    if model.members.put(member, now_ms):
        model.touch("agentName", None, member.agent)
    model.touch("queueMemberStatus", member.queue, member.agent)


def on_member_removed(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`QueueMemberRemoved`: the agent logged off."""
    member = read_member(message, model.identifier)
    model.members.remove(member.queue, member.interface, member.agent, now_ms)
    model.touch("queueMemberStatus", member.queue, member.agent)


def on_caller_join(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`QueueCallerJoin`. An agent may be the caller: then the queue is what he dialled."""
    queue = model.queues.join(message, now_ms)
    model.touch("queueCount", queue, None)
    model.touch("queueCallers", queue, None)
    calls.on_agent_in_queue(model, message, now_ms)


def on_caller_leave(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`QueueCallerLeave`: answered, abandoned or sent on."""
    del now_ms
    queue = model.queues.leave(message)
    model.touch("queueCount", queue, None)
    model.touch("queueCallers", queue, None)


def on_extension_status(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`ExtensionStatus`. It comes again for every hint at a reload; unchanged ones are dropped later."""
    del now_ms
    extension = read_extension(message, model.identifier.rules.hint_context)
    if extension is not None:
        model.extensions.put(*extension)
        model.touch("extensionStatus", None, extension[0])


def on_agent_complete(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`AgentComplete`. DestUniqueid tells two parts of one agent in one call apart; late it is absent."""
    interface = name(message, "Interface")
    agent = model.members.agent_of(plain_interface(interface)) or model.identifier.agent_of_member(
        interface, ""
    )
    event = model.queue_calls.complete(model.pbx, message, agent, now_ms)
    told = (event.queue, interface, event.unique_id, optional(message, "DestUniqueid"))
    figures = (str(event.hold_time), str(event.talk_time), event.reason)
    model.moments.append(Output(event, moment_id(model.pbx, "agentComplete", *told, *figures)))


def on_parked(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`ParkedCall`, but not the item of the list ParkedCalls, which has an ActionID."""
    del now_ms
    if "ActionID" not in message:
        event = read_parking(ParkedCall, model.pbx, message, _parker(model, message))
        if not model.calls.has_ended(event.unique_id):
            model.parkings[event.unique_id] = model.parkings.get(event.unique_id, 0) + 1
        _parking_moment(model, message, event)


def on_parked_give_up(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`ParkedCallGiveUp`; often after the caller's Hangup."""
    del now_ms
    event = read_parking(ParkedCallGiveUp, model.pbx, message, _parker(model, message))
    _parking_moment(model, message, event)


def on_parked_time_out(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`ParkedCallTimeOut`."""
    del now_ms
    event = read_parking(ParkedCallTimeOut, model.pbx, message, _parker(model, message))
    _parking_moment(model, message, event)


def on_unparked(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`UnParkedCall`."""
    del now_ms
    retriever = model.agent_of_channel(optional(message, "RetrieverChannel"))
    event = read_unparking(model.pbx, message, _parker(model, message), retriever)
    _parking_moment(model, message, event)


def on_reload(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`Reload`: queues, members and hints may have come and gone unsaid."""
    del now_ms
    if text(message, "Module") in _RELOADS and whole(message, "Status") == 0:
        model.wants_resync = True


def on_fully_booted(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`FullyBooted`: it follows every login; soon after a start, what was listed before was half loaded."""
    del now_ms
    if "Uptime" not in message or whole(message, "Uptime") < _BOOTING_S:
        model.wants_resync = True


def _parker(model: Model, message: AmiMessage) -> str | None:
    return model.agent_of_dial_string(optional(message, "ParkerDialString"))


def _parking_moment(model: Model, message: AmiMessage, event: Parking) -> None:
    """Name it by when, else by how often that caller was parked: he may be parked in one space again."""
    nth = model.parkings.get(event.unique_id, 0)
    which = occurrence(optional(message, "Timestamp"), nth, model.session)
    told = (type_of(event), event.unique_id, event.parking_lot, event.parked_ext, *which)
    model.moments.append(Output(event, moment_id(model.pbx, *told)))


TRANSITIONS: Mapping[str, Transition] = {
    "QueueMemberAdded": on_member,
    "QueueMemberStatus": on_member,
    "QueueMemberPause": on_member,
    "QueueMemberPenalty": on_member,
    "QueueMemberRinginuse": on_member,
    "QueueMemberRemoved": on_member_removed,
    "QueueCallerJoin": on_caller_join,
    "QueueCallerLeave": on_caller_leave,
    "ExtensionStatus": on_extension_status,
    "AgentCalled": calls.on_agent_called,
    "AgentConnect": calls.on_agent_connect,
    "AgentComplete": on_agent_complete,
    "DialBegin": calls.on_dial_begin,
    "DialEnd": calls.on_dial_end,
    "BridgeEnter": calls.on_bridge_enter,
    "BridgeLeave": calls.on_bridge_leave,
    "NewConnectedLine": calls.on_new_connected_line,
    "Hold": calls.on_hold,
    "Unhold": calls.on_unhold,
    "Hangup": calls.on_hangup,
    "VarSet": calls.on_var_set,
    "OriginateResponse": calls.on_originate_response,
    "ParkedCall": on_parked,
    "ParkedCallGiveUp": on_parked_give_up,
    "ParkedCallTimeOut": on_parked_time_out,
    "UnParkedCall": on_unparked,
    "Reload": on_reload,
    "FullyBooted": on_fully_booted,
}

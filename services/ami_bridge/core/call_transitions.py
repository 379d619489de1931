"""What the AMI events about channels do to the agents' calls.

See calls.py for what a leg and a call are. Order holds only within one channel's own events, so each handler
takes what its message tells and does not count on another one having come before.
"""

from __future__ import annotations

import re

from services.ami_bridge.core.ami_message import AmiMessage, integer, name, optional, text
from services.ami_bridge.core.asked_calls import Line, is_own_id, never_rang
from services.ami_bridge.core.bridges import is_holding, read_party
from services.ami_bridge.core.caller_id import name_of, number_of
from services.ami_bridge.core.calls import Leg
from services.ami_bridge.core.identity import is_local
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.moments import Output, moment_id, occurrence
from services.ami_bridge.core.originate import Cause
from services.ami_bridge.core.queue_calls import RECORDING, Served
from shared.events import Direction, OriginateFailed

# OriginateResponse has these when the leg never came about.
_NO_UNIQUEID = frozenset(("", "<null>", "<unknown>"))

# What can be dialled, unlike the `s`, `h` or `i` of a dialplan that is somewhere inside itself.
_DIALLED = re.compile(r"[0-9*#+]+")


def on_agent_called(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`AgentCalled`: a queue rings the agent. The caller's ids and number are in the first half."""
    uniqueid, channel, queue = (
        name(message, "DestUniqueid"),
        name(message, "DestChannel"),
        name(message, "Queue"),
    )
    caller = name(message, "Uniqueid")
    linkedid = optional(message, "DestLinkedid") or caller
    leg = _leg(model, uniqueid, channel, linkedid, "inbound", now_ms)
    if leg is None:
        return
    leg.queue, leg.queue_uniqueid = queue, caller
    leg.learn(number_of(optional(message, "CallerIDNum")), name_of(optional(message, "CallerIDName")))
    model.touch_calls(leg.agent)


def on_agent_connect(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`AgentConnect`: remembered for AgentComplete. The call itself is connected by BridgeEnter."""
    queue, interface, caller = name(message, "Queue"), name(message, "Interface"), name(message, "Uniqueid")
    agent = model.agent_of_dial_string(interface) or model.identifier.agent_of_member(interface, "")
    model.queue_calls.connect(queue, interface, Served(caller, agent, now_ms))


def on_agent_in_queue(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`QueueCallerJoin` of an agent who dialled a queue: nothing else may tell that he has a call."""
    channel, uniqueid = optional(message, "Channel"), optional(message, "Uniqueid")
    leg = _leg(model, uniqueid, channel, optional(message, "Linkedid") or uniqueid, "outbound", now_ms)
    if leg is not None:
        if leg.asked is not None:
            leg.asked.served = True
        _dialled(model, leg, optional(message, "Exten"), None, None, now_ms)


def on_dial_begin(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`DialBegin`: one channel rings another. Without `Channel` it is the first leg of Originate."""
    callee, callee_channel = name(message, "DestUniqueid"), name(message, "DestChannel")
    caller_channel = optional(message, "Channel")
    caller = name(message, "Uniqueid") if caller_channel else ""
    linkedid = optional(message, "DestLinkedid") or callee
    direction: Direction = "inbound" if caller else "outbound"
    rung = _leg(model, callee, callee_channel, linkedid, direction, now_ms)
    if rung is not None:
        if caller:
            number = number_of(optional(message, "CallerIDNum"))
            if number == rung.agent:
                # Click-to-call shows the dialled number on both sides: that is not who calls.
                rung.learn(model.agent_of_channel(caller_channel), None)
            else:
                rung.learn(number, name_of(optional(message, "CallerIDName")))
        else:
            rung.originated = True
            if rung.state == "dialing":
                rung.move(now_ms, state="ringing")
            line = _connected_line(message, "Dest")
            if rung.asked is None:
                rung.learn(*line)
            else:
                rung.asked.rings(line)
        model.touch_calls(rung.agent)
    dialler = _leg(model, caller, caller_channel, optional(message, "Linkedid") or caller, "outbound", now_ms)
    if dialler is not None:
        number = number_of(optional(message, "DestCallerIDNum"))
        callee_name = name_of(optional(message, "DestCallerIDName"))
        _dialled(model, dialler, optional(message, "Exten"), number, callee_name, now_ms)


def on_dial_end(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`DialEnd`: read for the legs of Originate alone; BridgeEnter and Hangup tell of other legs."""
    uniqueid, status = name(message, "DestUniqueid"), text(message, "DialStatus")
    if "Channel" in message:
        dialler = model.calls.asked(optional(message, "Uniqueid"))
        if dialler is not None:
            dialler.destination_ended(uniqueid, status)
        return
    asked = model.calls.asked(uniqueid)
    if asked is not None:
        asked.dial_ended(status)
    leg = model.calls.get(uniqueid)
    if leg is None:
        return
    if status != "ANSWER":
        if not leg.originated or leg.asked is not None:
            return  # told already, as OriginateResponse came first; or will be, at the Hangup
        model.failed_legs.dial_ended(leg.agent, uniqueid, status, now_ms)
    elif leg.state == "ringing":
        leg.move(now_ms, state="dialing")
        model.touch_calls(leg.agent)


def on_bridge_enter(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`BridgeEnter`: connected. In a holding bridge (a parking lot) the agent himself is parked."""
    bridge, party, holding = name(message, "BridgeUniqueid"), read_party(message), is_holding(message)
    if model.calls.has_ended(party.uniqueid):
        return
    model.bridges.enter(bridge, holding, party)
    linkedid = optional(message, "Linkedid") or party.uniqueid
    leg = _leg(model, party.uniqueid, party.channel, linkedid, "outbound", now_ms)
    if leg is not None:
        leg.linkedid = linkedid
        if leg.asked is not None:
            leg.asked.served = True
        leg.move(now_ms, state="connected", parked=holding)
        line = _connected_line(message)
        if leg.asked is None or leg.asked.is_party(line):
            leg.learn(*line)
    for uniqueid in model.bridges.together(party.uniqueid):
        other = model.calls.get(uniqueid)
        if other is not None:
            if other.number is None:
                _learn_from_partner(model, other)
            model.touch_calls(other.agent)


def on_bridge_leave(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`BridgeLeave`: no end of the call; the leg may be transferred, parked, or hear an announcement."""
    del now_ms
    model.bridges.leave(name(message, "Uniqueid"), name(message, "BridgeUniqueid"))


def on_new_connected_line(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`NewConnectedLine`: after a transfer or unparking the remote party is another one."""
    del now_ms
    uniqueid = name(message, "Uniqueid")
    leg = model.calls.get(uniqueid)
    if leg is None:
        return
    leg.linkedid = optional(message, "Linkedid") or leg.linkedid
    number, told = _connected_line(message)
    if leg.asked is not None and not leg.asked.is_party((number, told)):
        return
    if number is None and model.bridges.partner(uniqueid) is not None:
        # The new party withholds his number; the number before would be a wrong one.
        leg.number = leg.name = None
        _learn_from_partner(model, leg)
    leg.learn(number, told)
    model.touch_calls(leg.agent)


def on_hold(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`Hold`: the channel is the one of the party who pressed hold."""
    _hold(model, message, True, now_ms)


def on_unhold(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`Unhold`."""
    _hold(model, message, False, now_ms)


def on_hangup(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`Hangup`: the only end of a leg, and of all that is kept for a channel."""
    uniqueid = name(message, "Uniqueid")
    model.bridges.leave(uniqueid)
    model.queue_calls.hung_up(uniqueid)
    model.parkings.pop(uniqueid, None)
    leg = model.calls.end(uniqueid)
    if leg is None:
        return
    if leg.asked is not None:
        word = leg.asked.failure(optional(message, "Cause"))
        if word is not None:
            _tell_asked(model, uniqueid, leg.agent, word)
    elif leg.originated and leg.state == "ringing":
        model.failed_legs.hung_up(leg.agent, uniqueid, optional(message, "Cause"), now_ms)
        if leg.refused is not None:
            action_id, channel = leg.refused
            cause = model.failed_legs.cause(leg.agent, 0, uniqueid, now_ms)
            _tell_failure(model, action_id, channel, cause, optional(message, "Timestamp"))
    model.touch_calls(leg.agent)


def on_var_set(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`VarSet`: only the one that tells the file of a recording. Global variables have no channel."""
    del now_ms
    if optional(message, "Variable") != RECORDING:
        return
    uniqueid, path = name(message, "Uniqueid"), text(message, "Value")
    if path and not model.calls.has_ended(uniqueid):
        model.queue_calls.recorded(uniqueid, path)


def on_originate_response(model: Model, message: AmiMessage, now_ms: int) -> None:
    """`OriginateResponse`: how the agent's leg went. In failures `Channel` is the dial string.

    Other AMI clients may give each request the same ActionID, so that alone does not name the moment.
    One without an ActionID answers a request that nobody can recognise, and is no event.
    """
    action_id, channel, code = (
        optional(message, "ActionID"),
        name(message, "Channel"),
        integer(message, "Reason"),
    )
    if text(message, "Response") != "Failure":
        uniqueid = optional(message, "Uniqueid")
        leg, asked = model.calls.get(uniqueid), model.calls.asked(uniqueid)
        if asked is not None:
            asked.answered = True
        if leg is not None and leg.number is None:
            leg.learn(number_of(optional(message, "Exten")), None)
            model.touch_calls(leg.agent)
        return
    agent = model.identifier.agent_of_interface(channel) or channel
    if is_own_id(action_id):
        _own_call_refused(model, action_id, agent, code)
        return
    leg = model.calls.asked_for(agent)
    ringing = leg.uniqueid if leg is not None else None
    if leg is not None and code == 0 and not model.failed_legs.knows(agent):
        # It came before the leg's own DialEnd and Hangup, which tell why: told with them.
        leg.refused = action_id, channel
        return
    cause = model.failed_legs.cause(agent, code, ringing, now_ms)
    if leg is not None:
        leg.originated = False
    uniqueid = optional(message, "Uniqueid")
    if uniqueid not in _NO_UNIQUEID:
        cause = cause._replace(uniqueid=uniqueid)
    _tell_failure(model, action_id, channel, cause, optional(message, "Timestamp"))


def _own_call_refused(model: Model, action_id: str, agent: str, code: int) -> None:
    """A request of ours failed. With a leg, its Hangup tells why; without one it never rang."""
    asked = model.calls.asked(action_id)
    if asked is not None:
        asked.refused(code)
    elif not model.calls.has_ended(action_id):
        model.calls.end(action_id)  # whatever still comes of it has been told
        _tell_asked(model, action_id, agent, never_rang(code))


def _tell_asked(model: Model, action_id: str, agent: str, word: str) -> None:
    event = OriginateFailed(pbx=model.pbx, action_id=action_id, agent=agent, reason=word)
    model.moments.append(Output(event, moment_id(model.pbx, "originateFailed", action_id)))


def _tell_failure(model: Model, action_id: str, channel: str, cause: Cause, timestamp: str) -> None:
    if not action_id:
        return
    agent = model.identifier.agent_of_interface(channel) or channel
    event = OriginateFailed(pbx=model.pbx, action_id=action_id, agent=agent, reason=cause.word)
    told = (action_id, channel, *_which_failure(model, cause.uniqueid, timestamp))
    model.moments.append(Output(event, moment_id(model.pbx, "originateFailed", *told)))


def _which_failure(model: Model, uniqueid: str, timestamp: str) -> tuple[str, str]:
    if uniqueid:
        return uniqueid, ""
    model.failed_legs.unnamed += 1
    return occurrence(timestamp, model.failed_legs.unnamed, model.session)


def _leg(
    model: Model, uniqueid: str, channel: str, linkedid: str, direction: Direction, now_ms: int
) -> Leg | None:
    """The leg of a channel, begun if it is an agent's; ``None`` when it is none, or has hung up."""
    if not uniqueid or model.calls.has_ended(uniqueid):
        return None
    leg = model.calls.get(uniqueid)
    if leg is not None:
        if leg.channel != channel:
            model.touch_calls(leg.agent)
            model.calls.rename(leg, channel, model.agent_of_channel(channel))
            return model.calls.get(uniqueid)
        return leg
    agent = model.agent_of_channel(channel)
    # An agent is reached through a Local channel, but does not call from one.
    if agent is None or (direction == "outbound" and is_local(channel)):
        return None
    leg = Leg(uniqueid, channel, agent, linkedid, direction, now_ms)
    model.calls.recall_asked(leg)
    if leg.asked is not None:
        leg.learn(leg.asked.number, None)
    model.calls.add(leg)
    return leg


def _dialled(
    model: Model, leg: Leg, exten: str, number: str | None, callee_name: str | None, now_ms: int
) -> None:
    """The agent dials, unless he is talking (a queue or a feature may dial for him)."""
    if model.bridges.contains(leg.uniqueid):
        return
    if leg.direction == "inbound":
        # His channel was redirected: the call that came in is over, and this is one that goes out.
        leg.direction, leg.queue, leg.queue_uniqueid = "outbound", None, None
    leg.move(now_ms, state="dialing")
    dialled = exten if _DIALLED.fullmatch(exten) else _asked_for(leg)
    if dialled is not None:
        leg.learn(dialled, callee_name if number == dialled else None)
    else:
        leg.learn(number, callee_name)
    model.touch_calls(leg.agent)


def _asked_for(leg: Leg) -> str | None:
    """Whom a request of ours calls, until that call has come about: what is dialled later is another."""
    return leg.asked.number if leg.asked is not None and not leg.asked.served else None


def _connected_line(message: AmiMessage, half: str = "") -> Line:
    return (
        number_of(optional(message, f"{half}ConnectedLineNum")),
        name_of(optional(message, f"{half}ConnectedLineName")),
    )


def _learn_from_partner(model: Model, leg: Leg) -> None:
    partner = model.bridges.partner(leg.uniqueid)
    if partner is not None:
        leg.learn(partner.number, partner.name)


def _hold(model: Model, message: AmiMessage, held: bool, now_ms: int) -> None:
    leg = model.calls.get(name(message, "Uniqueid"))
    if leg is not None:
        leg.move(now_ms, held=held)
        model.touch_calls(leg.agent)

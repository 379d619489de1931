"""The commands on calls, and the query of them.

An agent's calls are found in the live model. None: ``no_call``. Several: they are the outcome, and nothing is
done. What has a slash is a channel, and that one is acted on.

**Redirect.** Asterisk takes an unknown extension with success and then drops the caller, so it is asked first
whether there is such a one. An agent's party is moved by BlindTransfer and not by Redirect: then
AgentComplete comes at once and with the right talk time, not when the caller hangs up one day. It is asked
of the channel in the party's own bridge, which for a member behind a Local channel is half of that, since
Queue watches there.

**Park.** With the agent's own channel as `TimeoutChannel`, in one bridge with the parked one, he hears the
space before he is hung up, and it is he who is rung when nobody fetches the call.

Right after the answer the agent is in the bridge and the other party is not yet: then there is nobody to be
moved, which is `no_call` too.

A leg that only rings is never redirected or parked: Asterisk says success, and the phone goes on ringing.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.ami_bridge.core import command_checks as check
from services.ami_bridge.core.ami_message import AmiMessage, optional
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.plans import (
    AmiRequest,
    Check,
    CommandRules,
    Plan,
    RefusalError,
    Steps,
    act,
)
from services.ami_bridge.core.remote_party import AgentCall, RemoteParty, agent_beside, calls_of, leg_of
from shared.commands import FindCalls, Hangup, Originate, Outcome, ParkAndAnnounce, Redirect


def originate(model: Model, rules: CommandRules, command: Originate) -> Steps:
    """`Originate`: rings the agent, then runs the destination, which Asterisk looks up before it rings."""
    agent = check.known_agent(model, command.agent)
    action_id = check.action_id(command.action_id)
    headers: dict[str, str | Sequence[str]] = {
        "ActionID": action_id,
        "ChannelId": action_id,
        "Channel": rules.location_prefix + agent,
        "Context": rules.originate_context,
        "Exten": check.extension("destination", command.destination),
        "Priority": "1",
        "Timeout": check.milliseconds(command.timeout_s),
        "Async": "true",
    }
    if command.caller_id is not None:
        headers["CallerID"] = check.caller_id(command.caller_id)
    if command.variables:
        headers["Variable"] = check.variables(command.variables)
    return act("Originate", headers)


def redirect(model: Model, rules: CommandRules, command: Redirect) -> Plan:
    """`BlindTransfer` of an agent's remote party, or `Redirect` of one channel, to an extension there is."""
    target = {
        "Context": rules.redirect_context,
        "Exten": check.extension("destination", command.destination),
    }
    asked = _exists(rules.redirect_context, command.destination)
    if "/" in command.agent_or_channel:
        channel = _answered(model, command.agent_or_channel)
        return Steps(asked, (AmiRequest("Redirect", {"Channel": channel, **target, "Priority": "1"}),))
    meant = _talking(model, command.agent_or_channel)
    if isinstance(meant, Outcome):
        return meant
    _, remote = meant
    return Steps(asked, (AmiRequest("BlindTransfer", {"Channel": remote.beside, **target}),))


def park(model: Model, rules: CommandRules, command: ParkAndAnnounce) -> Plan:
    """`Park` of an agent's remote party, or of one channel."""
    timeout = {"Timeout": str(rules.park_timeout_s * 1000)}
    if "/" in command.agent_or_channel:
        channel = _answered(model, command.agent_or_channel)
        leg = agent_beside(model, channel)
        returns = {} if leg is None else {"TimeoutChannel": leg.channel}
        return act("Park", {"Channel": channel, **returns, **timeout})
    meant = _talking(model, command.agent_or_channel)
    if isinstance(meant, Outcome):
        return meant
    call, remote = meant
    return act("Park", {"Channel": remote.adjacent, "TimeoutChannel": call.leg.channel, **timeout})


def hangup(model: Model, command: Hangup) -> Plan:
    """`Hangup` of an agent's own leg, which may also ring or dial, or of one channel."""
    if "/" in command.agent_or_channel:
        return act("Hangup", {"Channel": check.channel(command.agent_or_channel)})
    agent = check.known_agent(model, command.agent_or_channel)
    calls = calls_of(model, agent)
    if not calls:
        raise RefusalError("no_call", f"{agent} has no call")
    return _choice(calls, agent) if len(calls) > 1 else act("Hangup", {"Channel": calls[0].leg.channel})


def find_calls(model: Model, command: FindCalls) -> Outcome:
    """The calls of an agent that have a remote party."""
    calls = calls_of(model, check.known_agent(model, command.agent))
    return Outcome(result="done", candidates=tuple(call.candidate for call in calls if call.remote))


def _talking(model: Model, agent: str) -> tuple[AgentCall, RemoteParty] | Outcome:
    """The call whose party is meant, and that party; or which there are to choose from.

    A call that was answered a moment ago has no party yet, but it may be the one that is meant: then another
    one, say on hold, must not be taken for it.
    """
    calls = calls_of(model, check.known_agent(model, agent))
    answered = [call for call in calls if call.leg.state == "connected" and not call.leg.parked]
    found = [(call, call.remote) for call in answered if call.remote is not None]
    if not found:
        raise RefusalError("no_call", f"{agent} has no call with one other party in it")
    return found[0] if len(answered) == 1 else _choice(answered, agent)


def _choice(calls: Sequence[AgentCall], agent: str) -> Outcome:
    """Which calls there are to choose from."""
    message = f"{agent} has {len(calls)} calls: nothing was done, name a channel"
    return Outcome(result="done", message=message, candidates=tuple(call.candidate for call in calls))


def _answered(model: Model, channel: str) -> str:
    leg = leg_of(model, check.channel(channel))
    if leg is not None and leg.state == "ringing":
        raise RefusalError("no_call", f"{channel} only rings")
    return channel


def _exists(context: str, exten: str) -> Check:
    variable = f"DIALPLAN_EXISTS({context},{exten},1)"

    def read(answer: AmiMessage) -> Outcome | None:
        match optional(answer, "Value"):
            case "1":
                return None
            case "0":
                message = f"there is no extension {exten} in the context {context}"
                return Outcome(result="refused", code="no_extension", message=message)
            case _:
                message = "Asterisk cannot tell whether that extension exists: func_dialplan is not loaded"
                return Outcome(result="refused", code="refused", message=message)

    return Check(AmiRequest("Getvar", {"Variable": variable}, acts=False), read)

"""The commands on queues, and the query of them.

A member is named to Asterisk by his interface. That need not be his phone: FreePBX signs agents in as
`Local/148@from-queue/n` with the state of `hint:148@ext-local`. So an agent who is in a queue keeps the
interface under which he is known; one who is in none is his phone.
"""

from __future__ import annotations

from services.ami_bridge.core import command_checks as check
from services.ami_bridge.core.members import Member
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.plans import AmiRequest, CommandRules, Steps, act
from shared.commands import (
    AddMember,
    Outcome,
    PauseMember,
    QueueMember,
    QueueStatus,
    ReadQueues,
    RemoveMember,
    ResetQueue,
    SetPenalty,
)


def add_member(model: Model, rules: CommandRules, command: AddMember) -> Steps:
    """`QueueAdd`, under the interface that he has in this queue or in another."""
    queue, agent = check.known_queue(model, command.queue), check.known_agent(model, command.agent)
    member = _known_as(model, rules, queue, agent)
    headers = {
        "Queue": queue,
        "Interface": member.interface if member else rules.location_prefix + agent,
        "Penalty": check.penalty(command.penalty),
        "Paused": _flag(command.paused),
    }
    if member and member.state_interface:
        headers["StateInterface"] = member.state_interface
    if command.member_name is not None:
        headers["MemberName"] = check.one_line("memberName", command.member_name)
    return act("QueueAdd", headers)


def remove_member(model: Model, rules: CommandRules, command: RemoveMember) -> Steps:
    """`QueueRemove`, of each interface that he has in this queue."""
    queue, agent = check.known_queue(model, command.queue), check.known_agent(model, command.agent)
    return _each(
        "QueueRemove",
        [{"Queue": queue, "Interface": each} for each in _interfaces(model, rules, agent, queue)],
    )


def pause_member(model: Model, rules: CommandRules, command: PauseMember) -> Steps:
    """`QueuePause`, of each interface that he has; without `Queue` it is for all queues of one."""
    agent = check.known_agent(model, command.agent)
    common = {"Paused": _flag(command.paused)}
    queue = None
    if command.queue is not None:
        queue = common["Queue"] = check.known_queue(model, command.queue)
    if command.reason is not None:
        common["Reason"] = check.one_line("reason", command.reason)
    return _each(
        "QueuePause", [{"Interface": each, **common} for each in _interfaces(model, rules, agent, queue)]
    )


def set_penalty(model: Model, rules: CommandRules, command: SetPenalty) -> Steps:
    """`QueuePenalty`, of each interface that he has in this queue."""
    queue, agent = check.known_queue(model, command.queue), check.known_agent(model, command.agent)
    common = {"Queue": queue, "Penalty": check.penalty(command.penalty)}
    return _each(
        "QueuePenalty", [{"Interface": each, **common} for each in _interfaces(model, rules, agent, queue)]
    )


def reset_queue(model: Model, command: ResetQueue) -> Steps:
    """`QueueReset`. Asterisk asks for no right, and answers success for a queue that it does not have."""
    if command.queue is None:
        return act("QueueReset", {})
    return act("QueueReset", {"Queue": check.known_queue(model, command.queue)})


def read_queues(model: Model, command: ReadQueues) -> Outcome:
    """The queues as they are now, by name."""
    queues = sorted(model.queues) if command.queue is None else [check.known_queue(model, command.queue)]
    return Outcome(result="done", queues=tuple(_status(model, queue) for queue in queues))


def _status(model: Model, queue: str) -> QueueStatus:
    count, summary = model.queues.count(model.pbx, queue), model.summaries.queue(queue)
    members = sorted(
        (member for member in model.members if member.queue == queue),
        key=lambda member: (member.agent, member.interface),
    )
    told = tuple(_member(member) for member in members)
    calls = count.count if count else 0
    if summary is None:
        return QueueStatus(queue=queue, members=told, calls=calls)
    return QueueStatus(
        queue=queue,
        members=told,
        calls=calls,
        completed=summary.completed,
        abandoned=summary.abandoned,
        hold_time=summary.hold_time,
        talk_time=summary.talk_time,
        service_level=summary.service_level,
        service_level_perf=summary.service_level_perf,
    )


def _member(member: Member) -> QueueMember:
    return QueueMember(
        agent=member.agent,
        location=member.interface,
        member_name=member.name or member.agent,
        status=member.word,
        device_status=member.device,
        paused=member.paused,
        paused_reason=member.paused_reason,
        penalty=member.penalty,
        calls_taken=member.calls_taken,
        last_call=member.last_call,
    )


def _known_as(model: Model, rules: CommandRules, queue: str, agent: str) -> Member | None:
    """The membership whose interface an agent keeps: of this queue, of his phone, or the first."""
    memberships = model.members.of(agent)
    return min(
        memberships,
        key=lambda each: (each.queue != queue, each.interface != rules.location_prefix + agent),
        default=None,
    )


def _interfaces(model: Model, rules: CommandRules, agent: str, queue: str | None) -> list[str]:
    """His interfaces in a queue, or in all; his phone if none is known, for the model may lag behind."""
    known = dict.fromkeys(
        each.interface for each in model.members.of(agent) if queue is None or each.queue == queue
    )
    return list(known) or [rules.location_prefix + agent]


def _each(action: str, headers: list[dict[str, str]]) -> Steps:
    return Steps(None, tuple(AmiRequest(action, each) for each in headers))


def _flag(value: bool) -> str:
    return "true" if value else "false"

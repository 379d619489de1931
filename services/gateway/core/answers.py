"""What a done action or query answers, as JSON values: the names are those of the HTTP API."""

from __future__ import annotations

from typing import Any

from services.gateway.core.form import Answers
from shared.commands import Candidate, Outcome, QueueMember, QueueStatus

Json = dict[str, Any]


def done(message: str) -> Json:
    """The answer of an action that is done."""
    return {"response": "Success", "message": message}


def of_action(answers: Answers, command_id: str, outcome: Outcome) -> object:
    """The answer of an action; with candidates nothing was done."""
    if answers == "action id":
        return command_id
    if outcome.candidates:
        return {"candidates": [of_candidate(candidate) for candidate in outcome.candidates]}
    return done(outcome.message)


def of_candidate(candidate: Candidate) -> Json:
    """A call of an agent."""
    return {
        "agentChannel": candidate.agent_channel,
        "bridgedChannel": candidate.bridged_channel,
        "callerId": candidate.caller_id,
    }


def of_queue(pbx: str, queue: QueueStatus) -> Json:
    """A queue with its members; times in s, instants in ms since the epoch."""
    return {
        "queue": queue.queue,
        "pbx": pbx,
        "members": [_of_member(member) for member in queue.members],
        "calls": queue.calls,
        "completed": queue.completed,
        "abandoned": queue.abandoned,
        "holdTime": queue.hold_time,
        "talkTime": queue.talk_time,
        "serviceLevel": queue.service_level,
        "serviceLevelPerf": queue.service_level_perf,
    }


def _of_member(member: QueueMember) -> Json:
    return {
        "location": member.location,
        "agent": member.agent,
        "memberName": member.member_name,
        "status": member.status,
        "deviceStatus": member.device_status,
        "paused": member.paused,
        "pausedReason": member.paused_reason,
        "penalty": member.penalty,
        "callsTaken": member.calls_taken,
        "lastCall": member.last_call,
    }

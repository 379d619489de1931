"""The commands: what each means to Asterisk.

:func:`plan` is pure: a command and what is known of the PBX go in, and out comes what to send or, when that
is known already, the outcome. Everything that a caller gave is checked here again, whatever checked it
before: this is the last place before Asterisk.

To add a command: its dataclass in ``shared.commands``, what it means in ``queue_commands`` or
``call_commands``, and its line below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from services.ami_bridge.core import call_commands as calls
from services.ami_bridge.core import queue_commands as queues
from services.ami_bridge.core.ami_message import AmiMessage, optional
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.plans import AmiRequest, Check, CommandRules, Plan, RefusalError, Steps
from shared.commands import (
    AddMember,
    Command,
    Hangup,
    Originate,
    Outcome,
    ParkAndAnnounce,
    PauseMember,
    ReadQueues,
    Redirect,
    RemoveMember,
    ResetQueue,
    SetPenalty,
)

__all__ = ["AmiRequest", "Check", "CommandRules", "Plan", "Steps", "conclude", "done", "plan"]


def plan(model: Model, rules: CommandRules, command: Command) -> Plan:
    """What to do about a command.

    Returns:
        an outcome (``refused``, the ``candidates`` when several calls fit, the answer of a query): nothing is
        to be sent. Or steps to be executed.
    """
    try:
        return _plan(model, rules, command)
    except RefusalError as refusal:
        return refusal.outcome


def done(answer: AmiMessage) -> Outcome:
    """The outcome of one action that Asterisk answered with success, in its words."""
    return Outcome(result="done", message=optional(answer, "Message").strip())


def conclude(actions: Sequence[AmiRequest], outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of a command by those of its actions, in order; at least one.

    An edge stops after the first that is ``unknown`` or ``not_sent``, so there may be fewer outcomes than
    actions. There are several actions only when an agent is known by several interfaces; one under which he
    is a member no more stands in nobody's way.

    Returns:
        ``partly_done`` when some were done and some not: every other ``refused``, and ``not_sent``, mean that
        nothing happened. Its message, and that of ``unknown``, then tell of each action.
    """
    last = outcomes[-1]
    done_ones = [outcome for outcome in outcomes if outcome.result == "done"]
    missing = [outcome for outcome in outcomes if outcome.result != "done" and outcome.code != "not_a_member"]
    if last.result == "unknown":
        told = f"{last.message} {_each(actions, outcomes)}" if done_ones else last.message
        return replace(last, message=told)
    if done_ones and missing:
        text = f"Only a part was done. {_each(actions, outcomes)}"
        return Outcome(result="refused", code="partly_done", message=text)
    if done_ones:
        return done_ones[0]
    return last if last.result == "not_sent" else (missing or outcomes)[0]


def _each(actions: Sequence[AmiRequest], outcomes: Sequence[Outcome]) -> str:
    """What became of each action, by the interface that it is about."""
    told: list[str] = []
    for action, outcome in zip_longest(actions, outcomes):
        words = "not sent"
        if outcome is not None:
            words = f"{outcome.result.replace('_', ' ')} ({outcome.message})"
        told.append(f"{action.headers.get('Interface', action.action)}: {words}.")
    return " ".join(told)


def _plan(model: Model, rules: CommandRules, command: Command) -> Plan:
    match command:
        case AddMember():
            return queues.add_member(model, rules, command)
        case RemoveMember():
            return queues.remove_member(model, rules, command)
        case PauseMember():
            return queues.pause_member(model, rules, command)
        case SetPenalty():
            return queues.set_penalty(model, rules, command)
        case ResetQueue():
            return queues.reset_queue(model, command)
        case ReadQueues():
            return queues.read_queues(model, command)
        case Originate():
            return calls.originate(model, rules, command)
        case Redirect():
            return calls.redirect(model, rules, command)
        case ParkAndAnnounce():
            return calls.park(model, rules, command)
        case Hangup():
            return calls.hangup(model, command)
        case _:
            return calls.find_calls(model, command)

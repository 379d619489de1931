"""The commands: what each means to Asterisk.

:func:`plan` is pure: a command and what is known of the PBX go in, and out comes what to send or, when that
is known already, the outcome. Everything that a caller gave is checked here again, whatever checked it
before: this is the last place before Asterisk.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.ami_bridge.core.ami_message import AmiMessage, optional
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.plans import AmiRequest, Check, CommandRules, Plan, Steps
from shared.commands import Command, Outcome

__all__ = ["AmiRequest", "Check", "CommandRules", "Plan", "Steps", "conclude", "done", "plan"]


def plan(model: Model, rules: CommandRules, command: Command) -> Plan:
    """What to do about a command.

    Returns:
        an outcome (``refused``, the ``candidates`` when several calls fit, the answer of a query): nothing is
        to be sent. Or steps to be executed.
    """
    raise NotImplementedError


def done(answer: AmiMessage) -> Outcome:
    """The outcome of one action that Asterisk answered with success, in its words."""
    return Outcome(result="done", message=optional(answer, "Message").strip())


def conclude(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of a command by those of its actions, in order; at least one.

    An edge stops after the first that is ``unknown`` or ``not_sent``.
    """
    raise NotImplementedError

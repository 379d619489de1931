"""What a command becomes: an answer at once, or what is to be sent to Asterisk.

The core decides, the edge sends. An edge executes :class:`Steps` so: the check first, if there is one; its
answer goes through ``Check.read``, and an outcome ends it all. Then each action, one after the other; what
became of them goes through ``commands.conclude``. What Asterisk refuses, of a check too, is
``refusals.outcome_of``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from services.ami_bridge.core.ami_message import AmiMessage
from shared.commands import Code, Outcome

Headers: TypeAlias = Mapping[str, "str | Sequence[str]"]


@dataclass(frozen=True, kw_only=True)
class CommandRules:
    """How this PBX is acted on, from the configuration."""

    location_prefix: str = "PJSIP/"
    originate_context: str = "default"
    redirect_context: str = "default"
    park_timeout_s: int = 180


class AmiRequest(NamedTuple):
    """One AMI action.

    Attributes:
        action: its name, `QueuePause`.
        headers: the other headers; a sequence is a repeated header. Free of CR, LF and NUL.
        acts: whether it changes something. When such a one is not answered, the outcome is unknown; of one
            that only looks something up, nothing was done.
    """

    action: str
    headers: Headers
    acts: bool = True


class Check(NamedTuple):
    """To be asked before anything is done. ``read`` takes its answer: an outcome ends the command.

    When Asterisk refuses the question, ``refusals.outcome_of`` is the outcome, and nothing is done.
    """

    request: AmiRequest
    read: Callable[[AmiMessage], Outcome | None]


class Steps(NamedTuple):
    """What is to be sent. ``actions`` are never empty, and mostly one."""

    check: Check | None
    actions: tuple[AmiRequest, ...]


Plan: TypeAlias = Outcome | Steps


class RefusalError(Exception):
    """A command that is not to be sent; never leaves the core."""

    def __init__(self, code: Code, message: str) -> None:
        self.outcome = Outcome(result="refused", code=code, message=message)
        super().__init__(message)


def act(action: str, headers: Headers) -> Steps:
    """One action and no check."""
    return Steps(None, (AmiRequest(action, headers),))

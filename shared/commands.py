"""The commands: what a gateway may ask a bridge to do, and what it answers.

Standard dataclasses, not msgspec structs: msgspec validates both, but the AsyncAPI document is rendered
from these and its generator knows dataclasses only (ADR 0004). A command travels as JSON by request/reply on
``pbxis.v1.cmd.<pbx>.<action>``; it is never in the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from shared.errors import CallCentreError


@dataclass(frozen=True, kw_only=True)
class AddMember:
    """Put an agent into a queue."""

    queue: str
    agent: str
    member_name: str | None = None
    paused: bool = False
    penalty: int = 0


@dataclass(frozen=True, kw_only=True)
class RemoveMember:
    """Take an agent out of a queue."""

    queue: str
    agent: str


@dataclass(frozen=True, kw_only=True)
class PauseMember:
    """Pause an agent, or end his pause; in all his queues when ``queue`` is ``None``."""

    agent: str
    paused: bool
    queue: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetPenalty:
    """Set an agent's penalty in a queue."""

    queue: str
    agent: str
    penalty: int


@dataclass(frozen=True, kw_only=True)
class ResetQueue:
    """Set the statistics of a queue, or of all, to zero."""

    queue: str | None = None


@dataclass(frozen=True, kw_only=True)
class Originate:
    """Ring ``agent``; when he answers, call ``destination``. ``timeout_s`` limits his ringing."""

    action_id: str
    agent: str
    destination: str
    caller_id: str | None = None
    variables: dict[str, str] = field(default_factory=dict[str, str])
    timeout_s: int = 30


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Send an agent's remote party, or one channel, to an extension."""

    agent_or_channel: str
    destination: str


@dataclass(frozen=True, kw_only=True)
class ParkAndAnnounce:
    """Park an agent's remote party, or one channel; the agent hears the space."""

    agent_or_channel: str


@dataclass(frozen=True, kw_only=True)
class Hangup:
    """End an agent's own leg, or one channel."""

    agent_or_channel: str


Command = (
    AddMember
    | RemoveMember
    | PauseMember
    | SetPenalty
    | ResetQueue
    | Originate
    | Redirect
    | ParkAndAnnounce
    | Hangup
)

ACTIONS: dict[str, type[Command]] = {
    "queue-add": AddMember,
    "queue-remove": RemoveMember,
    "queue-pause": PauseMember,
    "queue-penalty": SetPenalty,
    "queue-reset": ResetQueue,
    "originate": Originate,
    "redirect": Redirect,
    "park": ParkAndAnnounce,
    "hangup": Hangup,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a command.

    ``unknown``: it was written to Asterisk, and no answer came; it is never sent again by itself.
    ``not_sent``: nothing reached Asterisk.
    """

    result: Literal["done", "refused", "not_sent", "unknown"]
    message: str = ""


class MalformedCommandError(CallCentreError):
    """Bytes that are no such command; ``reason`` names the property."""

    def __init__(self, action: str, reason: str) -> None:
        self.action = action
        self.reason = reason
        super().__init__(f"not a {action} command: {reason}")


def encode(command: Command | Outcome) -> bytes:
    """The command or its outcome as JSON."""
    return msgspec.json.encode(command)


def decode(action: str, payload: bytes) -> Command:
    """Read the command of an action.

    Raises:
        MalformedCommandError: no such action, no JSON, or a property is missing or of a wrong kind.
    """
    command = ACTIONS.get(action)
    if command is None:
        raise MalformedCommandError(action, "there is no such action")
    try:
        return msgspec.json.decode(payload, type=command)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedCommandError(action, str(error)) from error


def decode_outcome(payload: bytes) -> Outcome:
    """Read an answer.

    Raises:
        MalformedCommandError: it is none.
    """
    try:
        return msgspec.json.decode(payload, type=Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedCommandError("outcome", str(error)) from error

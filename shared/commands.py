"""The commands: what a gateway may ask a bridge to do or to look up, and what it answers.

Standard dataclasses, not msgspec structs: msgspec validates both, but the AsyncAPI document is rendered
from these and its generator knows dataclasses only (ADR 0004). A command travels as JSON by request/reply on
``pbxis.v1.cmd.<pbx>.<action>`` with the headers below; it is never in the log.

An answer is always an :class:`Outcome`. To add a command: a dataclass here, its line in ``ACTIONS``, what it
means to Asterisk in ``services/ami_bridge/core/commands.py``, and its form in the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from shared.errors import CallCentreError

HEADER_ID = "Pbxis-Cmd-Id"
"""Names one attempt to act; a bridge that sees it twice acts once."""

HEADER_DEADLINE = "Pbxis-Deadline"
"""Milliseconds since the epoch on NATS's clock; after it nothing is sent to Asterisk any more."""

HEADER_CALLER = "Pbxis-Caller"
"""Who asks, for the bridge's log."""


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
    """Ring ``agent``; when he answers, call ``destination``.

    ``action_id`` is the ActionID and the Uniqueid of the agent's leg, so that every event of it ties to this
    request. ``timeout_s`` limits his ringing.
    """

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


@dataclass(frozen=True, kw_only=True)
class FindCalls:
    """Look up the calls of an agent that have a remote party. Nothing is done."""

    agent: str


@dataclass(frozen=True, kw_only=True)
class ReadQueues:
    """Look up a queue, or all, with their members. Nothing is done."""

    queue: str | None = None


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
    | FindCalls
    | ReadQueues
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
    "bridged-channels": FindCalls,
    "queue-status": ReadQueues,
}

QUERIES = frozenset({"bridged-channels", "queue-status"})
"""The actions that change nothing."""


def action_of(command: Command) -> str:
    """The word in the subject of a command."""
    return _ACTION_OF[type(command)]


_ACTION_OF: dict[type[Command], str] = {command: action for action, command in ACTIONS.items()}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A call of an agent. ``bridged_channel`` and ``caller_id`` are the remote party's, if there is one."""

    agent_channel: str
    bridged_channel: str | None = None
    caller_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class QueueMember:
    """A member of a queue. ``last_call`` is in ms since the epoch, ``None`` for none, as in the events."""

    agent: str
    location: str
    member_name: str
    status: str
    device_status: str
    paused: bool
    paused_reason: str | None
    penalty: int
    calls_taken: int
    last_call: int | None


@dataclass(frozen=True, kw_only=True)
class QueueStatus:
    """A queue as it is now; ``calls`` wait. The figures below it are Asterisk's own (times in s)."""

    queue: str
    members: tuple[QueueMember, ...]
    calls: int
    completed: int | None = None
    abandoned: int | None = None
    hold_time: int | None = None
    talk_time: int | None = None
    service_level: int | None = None
    service_level_perf: float | None = None


Result = Literal["done", "refused", "not_sent", "unknown"]

Code = Literal[
    "",
    "invalid",
    "permission",
    "refused",
    "no_queue",
    "no_agent",
    "not_a_member",
    "already_member",
    "no_call",
    "no_channel",
    "no_extension",
    "partly_done",
    "offline",
    "late",
    "clock",
    "no_bridge",
    "bus_away",
    "no_answer",
]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a command.

    ``done``: Asterisk did it, or the answer to a query; with ``candidates`` of an action, nothing was done
    because several calls fit. ``refused``: nothing happened, and ``code`` says why; only ``partly_done``
    says that a part was done and another not, which ``message`` tells one by one (an agent who is known by
    several interfaces takes several actions). ``not_sent``: nothing that acts reached Asterisk. ``unknown``:
    it was written to Asterisk, and no answer came; it is never sent again by itself. ``message`` is for
    people, in Asterisk's words if there are any.
    """

    result: Result
    code: Code = ""
    message: str = ""
    candidates: tuple[Candidate, ...] = ()
    queues: tuple[QueueStatus, ...] = ()


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


_outcome_decoder = msgspec.json.Decoder(Outcome)


def decode_outcome(payload: bytes) -> Outcome:
    """Read an answer.

    Raises:
        MalformedCommandError: it is none.
    """
    try:
        return _outcome_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedCommandError("outcome", str(error)) from error

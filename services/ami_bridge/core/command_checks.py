"""What a command may say: by the patterns of ``shared.patterns``, and by what the PBX knows.

Each check gives the value to use, or raises :class:`RefusalError`, whose message names the property.
"""

from __future__ import annotations

from services.ami_bridge.core.asked_calls import is_own_id
from services.ami_bridge.core.model import Model
from services.ami_bridge.core.plans import RefusalError
from shared import patterns

_LARGEST_PENALTY = 1_000_000
_LONGEST_RINGING_S = 3600

# Limits of Asterisk (manager.c): bytes of a line, and lines of an action less those that are there anyway.
_LONGEST_LINE = 1021
_MOST_VARIABLES = 100

# ast_app_separate_args() takes these out of a value, and spaces from its ends.


def known_agent(model: Model, agent: str) -> str:
    """An agent whom a queue or a hint knows, or whose number looks like an extension's."""
    if not patterns.is_agent(agent):
        raise RefusalError("invalid", f"agent: {agent!r} is no agent's number")
    if not model.knows(agent):
        raise RefusalError("no_agent", f"{model.pbx} knows no agent {agent!r}")
    return agent


def known_queue(model: Model, queue: str) -> str:
    """A queue as it is configured."""
    one_line("queue", queue)
    spelt = model.queues.spelt(queue)
    if spelt is None:
        raise RefusalError("no_queue", f"{model.pbx} has no queue {queue!r}")
    return spelt


def one_line(what: str, value: str) -> str:
    """One line of text, as long as Asterisk keeps."""
    if not patterns.is_text(value) or len(value.encode()) > patterns.MAX_TEXT:
        raise RefusalError("invalid", f"{what}: must be one line of 1 to {patterns.MAX_TEXT} bytes")
    return value


def extension(what: str, value: str) -> str:
    """What can be dialled."""
    if not patterns.is_extension(value):
        raise RefusalError("invalid", f"{what}: {value!r} cannot be dialled")
    return value


def channel(value: str) -> str:
    """The name of a channel. `/…/` would be a regular expression to Hangup, and end many."""
    if not patterns.is_channel(value):
        raise RefusalError("invalid", f"agent-or-channel: {value!r} is no channel's name")
    return value


def caller_id(value: str) -> str:
    """`148`, `Ana <148>` or `"Ana" <148>`."""
    if not patterns.is_caller_id(value):
        raise RefusalError("invalid", 'callerId: must be a number, or "name" <number>')
    return value


def action_id(value: str) -> str:
    """An id of ours: it ties every event of the leg to the request."""
    if not is_own_id(value):
        raise RefusalError("invalid", "actionId: must be `pbxis-` and 32 hexadecimal digits")
    return value


def penalty(value: int) -> str:
    """A penalty; Asterisk makes 0 of a negative one."""
    if not 0 <= value <= _LARGEST_PENALTY:
        raise RefusalError("invalid", f"penalty: must be 0 to {_LARGEST_PENALTY}")
    return str(value)


def milliseconds(value: int) -> str:
    """How long a phone may ring, from seconds."""
    if not 1 <= value <= _LONGEST_RINGING_S:
        raise RefusalError("invalid", f"timeout: must be 1 to {_LONGEST_RINGING_S} seconds")
    return str(value * 1000)


def variables(values: dict[str, str]) -> tuple[str, ...]:
    """Channel variables as `name=value`, each of which reaches the dialplan as it was given."""
    if len(values) > _MOST_VARIABLES:
        raise RefusalError("invalid", f"variables: more than {_MOST_VARIABLES}")
    lines: list[str] = []
    for name, value in values.items():
        if not patterns.is_variable(name):
            raise RefusalError("invalid", f"variables: {name!r} is no name of a channel variable")
        line = f"{name}={value}"
        if not patterns.is_variable_value(value) or len(f"Variable: {line}".encode()) > _LONGEST_LINE:
            raise RefusalError(
                "invalid",
                f'variables: {name} is too long, begins or ends with a space, or holds a comma, " or \\',
            )
        lines.append(line)
    return tuple(lines)

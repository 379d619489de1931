"""The commands as FastStream declares them: the bridge takes them by this, the AsyncAPI document shows it.

One subscriber for each line of ``shared.commands.ACTIONS``, with the dataclass as its parameter and
:class:`Outcome` as its answer. What is no such command is refused here, with an answer: left to itself,
FastStream would log it, and whoever asked would wait until his time is up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

import msgspec
from faststream import BaseMiddleware
from faststream.message import StreamMessage
from faststream.nats import NatsBroker
from faststream.nats.subscriber.usecases import CoreSubscriber as Subscriber
from nats import errors

from shared import commands
from shared.commands import ACTIONS, Command, MalformedCommandError, Outcome

log = logging.getLogger("pbxis.commands")

Take: TypeAlias = Callable[[Command, str, dict[str, str]], Awaitable[Outcome]]
"""Carries a command out: the command, its action, and the headers of its message."""

_PROPERTIES = {action: frozenset(field.name for field in fields(kind)) for action, kind in ACTIONS.items()}


def declare(broker: NatsBroker, subject: Callable[[str], str], take: Take) -> Sequence[Subscriber]:
    """Declare a subscriber for every action.

    Args:
        subject: of an action.
        take: ``MalformedCommandError`` of it is answered as ``refused``, ``invalid``.
    """
    return [_declare(broker, subject(action), action, take) for action in ACTIONS]


def _declare(broker: NatsBroker, subject: str, action: str, take: Take) -> Subscriber:
    kind = ACTIONS[action]

    async def handler(command: Command) -> Outcome:
        return await take(command, action, broker.context.get_local("message").headers)

    # FastStream reads what it validates, shows and names from the function.
    handler.__name__ = handler.__qualname__ = action.replace("-", "_")
    handler.__doc__ = kind.__doc__
    handler.__annotations__ = {"command": kind, "return": Outcome}
    subscriber = broker.subscriber(subject, decoder=_decoder(action), title=action)
    subscriber(handler)
    return subscriber


def _decoder(action: str) -> Callable[[StreamMessage[Any]], Awaitable[Command]]:
    async def decode(message: StreamMessage[Any]) -> Command:
        return read_command(action, message.body)

    return decode


def read_command(action: str, payload: bytes) -> Command:
    """Read a command, and refuse properties that it does not have: a misspelt one would be left out unseen.

    Raises:
        MalformedCommandError: says which property is wrong, missing or unknown.
    """
    command = commands.decode(action, payload)
    unknown = sorted(msgspec.json.decode(payload).keys() - _PROPERTIES[action])
    if unknown:
        raise MalformedCommandError(action, f"Object contains unknown field `{unknown[0]}`")
    return command


class AnswerAlways(BaseMiddleware[Any, Any]):
    """Makes an answer of whatever is raised, for whoever asked waits for one."""

    async def consume_scope(
        self, call_next: Callable[[StreamMessage[Any]], Awaitable[Any]], msg: StreamMessage[Any]
    ) -> Any:
        """Called by FastStream around the decoding, the validation and the handler."""
        try:
            return await call_next(msg)
        except MalformedCommandError as error:
            log.warning("refused: %s", error)
            return Outcome(result="refused", code="invalid", message=str(error))
        except Exception:
            # The outermost. Where it failed is not known, so neither is whether anything was sent.
            log.exception("a command failed")
            return Outcome(result="unknown", code="no_answer", message="The bridge failed.")

    async def publish_scope(self, call_next: Callable[[Any], Awaitable[Any]], cmd: Any) -> Any:
        """Called by FastStream around the sending of the answer; itself it would say nothing."""
        try:
            return await call_next(cmd)
        except errors.Error as error:
            log.warning("an answer could not be sent: %s", error or type(error).__name__)
            raise

"""Commands to the bridges: NATS request/reply, with nats-py alone, a third of the cost of FastStream."""

from __future__ import annotations

import logging
from collections.abc import Callable

from services.gateway.adapters.replies import NoAnswerError, NobodyThereError, NotSentError, Replies
from services.jetstream.connection import Connection
from shared import commands, subjects
from shared.commands import Command, MalformedCommandError, Outcome

log = logging.getLogger("pbxis.gateway.actions")

_ANSWER_SLACK_S = 0.5
_LOGGED_BYTES = 200


class NatsCommandBus:
    """Fulfils :class:`~services.gateway.ports.CommandBus`. ``server_now`` is NATS's clock, in ms."""

    def __init__(self, connection: Connection, server_now: Callable[[], int | None]) -> None:
        self._connection = connection
        self._server_now = server_now
        self._replies = Replies(connection)

    async def ask(
        self, pbx: str, command: Command, *, command_id: str, caller: str, within_s: float
    ) -> Outcome:
        """Send one command; the bridge has ``within_s``, and the answer half a second more."""
        now_ms = self._server_now() if self._connection.connected else None
        if now_ms is None:
            return _bus_away("it is not connected, or its clock is not known yet")
        headers = {
            commands.HEADER_ID: command_id,
            commands.HEADER_DEADLINE: str(now_ms + int(within_s * 1000)),
            commands.HEADER_CALLER: caller,
        }
        action = commands.action_of(command)
        try:
            answer = await self._replies.ask(
                subjects.command(pbx, action), commands.encode(command), headers, within_s + _ANSWER_SLACK_S
            )
        except NotSentError as error:
            return _bus_away(str(error))
        except NobodyThereError:
            message = f"No bridge of {pbx} takes commands; nothing was sent."
            return Outcome(result="not_sent", code="no_bridge", message=message)
        except NoAnswerError as error:
            log.warning("%s %s on %s: outcome unknown: %s", action, command_id, pbx, error)
            message = f"It was sent to the bridge of {pbx}, and its outcome is unknown: {error}."
            return Outcome(result="unknown", code="no_answer", message=message)
        return _outcome(answer, pbx, command_id)

    async def close(self) -> None:
        """Take no more answers."""
        await self._replies.close()


def _outcome(answer: bytes, pbx: str, command_id: str) -> Outcome:
    try:
        return commands.decode_outcome(answer)
    except MalformedCommandError as error:
        log.warning(
            "the bridge of %s answered %s with what is no outcome: %s: %r",
            pbx,
            command_id,
            error,
            answer[:_LOGGED_BYTES],
        )
    message = f"The bridge of {pbx} answered what this gateway does not understand."
    return Outcome(result="unknown", code="no_answer", message=message)


def _bus_away(reason: str) -> Outcome:
    message = f"The gateway cannot reach NATS ({reason}); nothing was sent."
    return Outcome(result="not_sent", code="bus_away", message=message)

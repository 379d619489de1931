"""The errors that tell what became of an action that is not done.

    GatewayError
    └── ActionError              ``message`` is the bridge's, with Asterisk's words where there are any
        ├── NoQueueError         404
        ├── NoAgentError         404
        ├── NotAMemberError      404
        ├── NoCallError          404
        ├── NoChannelError       404
        ├── NoExtensionError     404
        ├── AlreadyMemberError   409
        ├── AsteriskRefusedError 502  its message is passed on
        ├── PartlyDoneError      502  the only one after which something has changed
        ├── NotSentError         503  nothing reached Asterisk
        └── OutcomeUnknownError  504  sent, and no answer: never sent again by itself

:func:`of_outcome` finds the one for an outcome. The others are in ``errors.py``, and so is how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.gateway.errors import BadParameterError, GatewayError
from shared.commands import Outcome


class ActionError(GatewayError):
    """An action that is not done. ``message`` is the bridge's, with Asterisk's words where there are any."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class NoQueueError(ActionError):
    """The PBX has no such queue."""

    status = 404
    code = "no_queue"
    title = "There is no such queue"


class NoAgentError(ActionError):
    """The PBX knows no such agent."""

    status = 404
    code = "no_agent"
    title = "There is no such agent"


class NotAMemberError(ActionError):
    """The agent is not in the queue."""

    status = 404
    code = "not_a_member"
    title = "The agent is not in this queue"


class NoCallError(ActionError):
    """The agent has no call that this could be about."""

    status = 404
    code = "no_call"
    title = "The agent has no such call"


class NoChannelError(ActionError):
    """The channel does not exist, or no longer."""

    status = 404
    code = "no_channel"
    title = "There is no such channel"


class NoExtensionError(ActionError):
    """The dialplan has no such extension."""

    status = 404
    code = "no_extension"
    title = "There is no such extension"


class AlreadyMemberError(ActionError):
    """The agent is in the queue already."""

    status = 409
    code = "already_member"
    title = "The agent is in this queue already"


class AsteriskRefusedError(ActionError):
    """Asterisk said no; the message is its own."""

    status = 502
    code = "asterisk_refused"
    title = "Asterisk refused"


class PartlyDoneError(ActionError):
    """One part is done and another is not; the message tells of each."""

    status = 502
    code = "partly_done"
    title = "Only a part was done"


class NotSentError(ActionError):
    """No bridge, PBX not connected, or too late: nothing reached Asterisk."""

    status = 503
    code = "not_sent"
    title = "Nothing was sent to Asterisk"

    def headers(self) -> dict[str, str]:
        """When to come back."""
        return {"Retry-After": "2"}


class OutcomeUnknownError(ActionError):
    """It was sent, and no answer came. It may have been done; it is not sent again by itself."""

    status = 504
    code = "outcome_unknown"
    title = "It was sent, and no answer came"


_OF_REFUSAL: Mapping[str, type[ActionError]] = {
    "no_queue": NoQueueError,
    "no_agent": NoAgentError,
    "not_a_member": NotAMemberError,
    "no_call": NoCallError,
    "no_channel": NoChannelError,
    "no_extension": NoExtensionError,
    "already_member": AlreadyMemberError,
    "partly_done": PartlyDoneError,
}


def of_outcome(outcome: Outcome) -> GatewayError | None:
    """The error that says what became of an action; ``None`` when it is done."""
    if outcome.result == "done":
        return None
    if outcome.result == "not_sent":
        return NotSentError(outcome.message)
    if outcome.result == "unknown":
        return OutcomeUnknownError(outcome.message)
    if outcome.code == "invalid":
        # The gateway's own checks let it pass and the bridge's did not.
        return BadParameterError("request", outcome.message)
    return _OF_REFUSAL.get(outcome.code, AsteriskRefusedError)(outcome.message)

"""What can go wrong in the bridge, by whose fault and what to do.

CallCentreError
├── AmiConnectError             no usable connection was made: back off, try again
│   └── AmiLoginError           Asterisk refused user or secret: try again seldom
├── AmiLinkLostError            a session ended: say so, reconnect, read everything again
└── AmiActionError              an action did not succeed; which of four ends it had:
    ├── UnsafeActionError       not sent: a header could not be sent safely (a bug or an attack)
    ├── ActionNotSentError      not sent: there is no session
    ├── AmiActionRefusedError   refused by Asterisk: nothing happened
    └── ActionOutcomeUnknownError  sent and never answered: never repeat it blindly
"""

from __future__ import annotations

from services.ami_bridge.core.ami_message import AmiMessage, optional
from shared.errors import CallCentreError


class AmiConnectError(CallCentreError):
    """No session was made: refused, unreachable, silent, or no Manager Interface."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class AmiLoginError(AmiConnectError):
    """Asterisk answered the login with an error.

    Asterisk says the same for a wrong secret, an unknown user and an address it does not permit.
    """

    def __init__(self, username: str, message: str) -> None:
        self.username = username
        self.message = message
        super().__init__(f"Asterisk refused the login of {username!r}: {message or 'no reason given'}")


class AmiLinkLostError(CallCentreError):
    """The session is over; what was known of the PBX is no longer live."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the link to Asterisk is lost: {reason}")


class AmiActionError(CallCentreError):
    """An action that did not succeed."""

    def __init__(self, action: str, reason: str, text: str) -> None:
        self.action = action
        self.reason = reason
        super().__init__(text)


class UnsafeActionError(AmiActionError):
    """A header that Asterisk would read as something else; nothing was sent."""

    def __init__(self, action: str, header: str, reason: str) -> None:
        self.header = header
        super().__init__(action, reason, f"{action} was not sent: header {header!r} {reason}")


class ActionNotSentError(AmiActionError):
    """There was no session to send it over; nothing was sent."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(action, reason, f"{action} was not sent: {reason}")


class AmiActionRefusedError(AmiActionError):
    """Asterisk answered with an error.

    Attributes:
        response: the answer; ``reason`` is its `Message`.
    """

    def __init__(self, action: str, response: AmiMessage) -> None:
        self.response = response
        # `Park` ends its text with a bare line feed.
        reason = optional(response, "Message").strip() or "no reason given"
        super().__init__(action, reason, f"Asterisk refused {action}: {reason}")


class ActionOutcomeUnknownError(AmiActionError):
    """It was sent and not answered; Asterisk may have done it."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(action, reason, f"the outcome of {action} is unknown: {reason}")

"""What can go wrong between a service and NATS.

BusUnavailableError            back off, try again
├── NatsUnavailableError       no server answers
├── LogMissingError            there is no log yet: a bridge makes it
└── ReadInterruptedError       a consumer lost messages or fell silent in the middle
NatsRefusedError               from the operator: wrong user, password or certificate
LogShapeError                  from the operator: a stream of our name that is not ours
"""

from __future__ import annotations

from shared.errors import CallCentreError


class BusUnavailableError(CallCentreError):
    """NATS or the log cannot be used now; later it may."""


class NatsUnavailableError(BusUnavailableError):
    """No server answers, or JetStream does not."""

    def __init__(self, url: str, reason: object) -> None:
        self.url = url
        self.reason = str(reason) or type(reason).__name__
        super().__init__(f"NATS at {url} cannot be reached: {self.reason}")


class LogMissingError(BusUnavailableError):
    """A stream is not there."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        super().__init__(f"there is no stream {stream} yet; a bridge makes it when it starts")


class ReadInterruptedError(BusUnavailableError):
    """A stream could not be read to its end."""

    def __init__(self, stream: str, reason: str) -> None:
        self.stream = stream
        self.reason = reason
        super().__init__(f"reading {stream} was interrupted: {reason}")


class NatsRefusedError(CallCentreError):
    """The server refuses us, or we it; trying again does not help."""

    def __init__(self, url: str, reason: object) -> None:
        self.url = url
        self.reason = str(reason)
        super().__init__(
            f"NATS at {url} refuses the connection: {self.reason}; "
            "see nats.username, nats.password and nats.tls_ca"
        )


class LogShapeError(CallCentreError):
    """A stream has our name and another shape."""

    def __init__(self, stream: str, setting: str, found: object, wanted: object) -> None:
        self.stream = stream
        self.setting = setting
        self.found = found
        self.wanted = wanted
        super().__init__(
            f"stream {stream} was not made by this version of pbxis: {setting} is {found!r}, not {wanted!r}; "
            f"delete it (`nats stream rm {stream}`) and it is made anew"
        )

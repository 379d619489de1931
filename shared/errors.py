"""The root of all errors that pbxis raises on purpose.

    CallCentreError
    ├── MalformedMessageError       from Asterisk: log with the message, count, go on
    ├── ConfigError                 from the operator: name the key, exit with code 2
    ├── MalformedSubjectError       from the bus: a subject that this version did not write
    ├── MalformedEventError         from the bus: a payload that is no event
    └── (services.*.errors)         each service's own, by whose fault and what to do

An error carries typed fields and builds its own text.
"""

from __future__ import annotations

from collections.abc import Mapping

_SHOWN_CHARACTERS = 300


class CallCentreError(Exception):
    """Something that pbxis expected might happen."""


class MalformedMessageError(CallCentreError):
    """An AMI message that lacks a header it must have, or whose header cannot be read."""

    def __init__(self, message: Mapping[str, object], reason: object) -> None:
        self.message = message
        self.reason = str(reason)
        shown = repr(dict(message))
        if len(shown) > _SHOWN_CHARACTERS:
            shown = shown[:_SHOWN_CHARACTERS] + "…"
        super().__init__(f"malformed AMI message ({self.reason}): {shown}")


class ConfigError(CallCentreError):
    """A configuration that cannot be used.

    Attributes:
        key: where it is, as written in the file: ``pbx[0].port``; empty for the file as a whole.
    """

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(f"{key}: {problem}" if key else problem)


class MalformedSubjectError(CallCentreError):
    """A subject that is none of ours."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__(f"not a pbxis subject: {subject!r}")


class MalformedEventError(CallCentreError):
    """Bytes that are no event of the catalogue."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not an event: {reason}")

"""Caller IDs as AMI spells them.

A number that is not known is `<unknown>` in events and `unknown` in QueueEntry; a withheld one is the
word that the trunk sent. The core holds both as ``None``; in events such a number is ``"anonymous"``.
"""

from __future__ import annotations

ANONYMOUS = "anonymous"

_NO_NUMBER = frozenset(
    ("", "<unknown>", "unknown", "anonymous", "restricted", "private", "withheld", "unavailable")
)
_NO_NAME = frozenset(("", "<unknown>", "unknown"))


def number_of(value: str) -> str | None:
    """A caller's number, ``None`` when it is unknown or withheld."""
    return None if value.lower() in _NO_NUMBER else value


def shown(number: str | None) -> str:
    """The number as events tell it."""
    return ANONYMOUS if number is None else number


def name_of(value: str) -> str | None:
    """A caller's name, ``None`` when there is none."""
    return None if value.lower() in _NO_NAME else value

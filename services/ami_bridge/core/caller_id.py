"""Caller IDs as AMI spells them.

A number that is not known is `<unknown>` in events and `unknown` in QueueEntry; a withheld one is the
word that the trunk sent. The core holds both as ``None``; in events such a number is ``"anonymous"``.

Names in channel snapshots are escaped as in C (Asterisk main/manager_channels.c, ast_escape_c_alloc):
``O'Hara`` comes as ``O\\'Hara``. Those of `QueueEntry` are not.
"""

from __future__ import annotations

import re

ANONYMOUS = "anonymous"

_NO_NUMBER = frozenset(
    ("", "<unknown>", "unknown", "anonymous", "restricted", "private", "withheld", "unavailable")
)
_ESCAPE = re.compile(r"\\([abfnrtv\\'\"?])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NO_NAME = frozenset(("", "<unknown>", "unknown"))


def number_of(value: str) -> str | None:
    """A caller's number, ``None`` when it is unknown or withheld."""
    return None if value.lower() in _NO_NUMBER else value


def shown(number: str | None) -> str:
    """The number as events tell it."""
    return ANONYMOUS if number is None else number


def name_of(value: str) -> str | None:
    """A caller's name in a channel snapshot, ``None`` when there is none."""
    if "\\" in value:
        value = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value)
    return listed_name_of(value)


def listed_name_of(value: str) -> str | None:
    """A caller's name in a `QueueEntry`, ``None`` when there is none."""
    return None if value.lower() in _NO_NAME else value

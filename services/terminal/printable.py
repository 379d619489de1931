"""Texts from outside, made fit for a terminal.

Agents, queues, callers, reasons and messages come from PBXs and from whoever uses the gateway. What a
terminal would obey (escape sequences) or what would hide or turn around other text is never written as it is.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec
from rich.text import Text

_SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"
_PICTURES = 0x2400  # of the characters below the space: ␀ to ␟
_DELETE, _PICTURE_OF_DELETE = "\x7f", "\N{SYMBOL FOR DELETE}"
_SUSPECT = re.compile(r"[^\x20-\x7e]")


def printable(text: str) -> str:
    """The text with a visible sign for each character that is none: ``␛`` for ESC, ``␊`` for a line's end."""
    return _SUSPECT.sub(lambda found: _sign(found[0]), text)


def cell(value: object, style: str = "") -> Text:
    """A value as Rich may show it: its markup is text, too."""
    return Text(printable(str(value)), style=style)


def json_line(value: object) -> str:
    """The value as JSON in one line, with ``\\u…`` for what is not printable: it means the same."""
    return _SUSPECT.sub(lambda found: _escaped(found[0]), msgspec.json.encode(value).decode())


def _sign(character: str) -> str:
    if character < " ":
        return chr(_PICTURES + ord(character))
    if character == _DELETE:
        return _PICTURE_OF_DELETE
    if character.isprintable():
        return character
    # Spaces of other widths do no harm.
    return " " if unicodedata.category(character) == "Zs" else _SUBSTITUTE


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

"""An AMI message as the core sees it, and how to read its headers.

Header names are as Asterisk spells them. A header that was absent is absent, never ``""``; one that was
repeated (`ChanVariable`, `Variable`) is a list. Where one value is wanted of a repeated header the
first counts, as it does for Asterisk.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TypeAlias

from shared.errors import MalformedMessageError

AmiMessage: TypeAlias = Mapping[str, "str | list[str]"]

# Far above any real figure, and safe as milliseconds in a browser's 53-bit numbers.
_LARGEST = 10**12


def text(message: AmiMessage, header: str) -> str:
    """A header that may be empty.

    Raises:
        MalformedMessageError: it is absent.
    """
    value = message.get(header)
    if value is None:
        raise MalformedMessageError(message, f"no header {header}")
    return value if isinstance(value, str) else _first(value)


def name(message: AmiMessage, header: str) -> str:
    """A header that names something.

    Raises:
        MalformedMessageError: it is absent or empty.
    """
    value = text(message, header)
    if not value:
        raise MalformedMessageError(message, f"header {header} is empty")
    return value


def optional(message: AmiMessage, *headers: str) -> str:
    """The first of these headers that is there and not empty; ``""`` when none is."""
    for header in headers:
        value = message.get(header)
        if value:
            return value if isinstance(value, str) else _first(value)
    return ""


def every(message: AmiMessage, header: str) -> list[str]:
    """All values of a header that may be repeated; empty when it is absent."""
    value = message.get(header)
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def whole(message: AmiMessage, header: str) -> int:
    """A header that is a whole number from 0.

    Raises:
        MalformedMessageError: it is absent, no number, negative or absurdly large.
    """
    value = integer(message, header)
    if value < 0:
        raise MalformedMessageError(message, f"header {header} is negative")
    return value


def integer(message: AmiMessage, header: str) -> int:
    """A header that is a whole number, perhaps negative.

    Raises:
        MalformedMessageError: it is absent, no number or absurdly large.
    """
    value = text(message, header)
    try:
        number = int(value)
    except ValueError as error:
        raise MalformedMessageError(message, f"header {header} is not a number") from error
    if not -_LARGEST < number < _LARGEST:
        raise MalformedMessageError(message, f"header {header} is out of range")
    return number


def decimal(message: AmiMessage, header: str) -> float:
    """A header that is a decimal number.

    Raises:
        MalformedMessageError: it is absent, no number or not finite.
    """
    value = text(message, header)
    try:
        number = float(value)
    except ValueError as error:
        raise MalformedMessageError(message, f"header {header} is not a number") from error
    if not isfinite(number):
        raise MalformedMessageError(message, f"header {header} is not finite")
    return number


def flag(message: AmiMessage, header: str) -> bool:
    """A header that is ``1`` or ``0``.

    Raises:
        MalformedMessageError: it is absent or something else.
    """
    value = text(message, header)
    if value not in ("0", "1"):
        raise MalformedMessageError(message, f"header {header} is neither 0 nor 1")
    return value == "1"


def instant(message: AmiMessage, header: str) -> int | None:
    """A header of whole seconds since the epoch, as milliseconds; ``None`` for 0, which is "never".

    Raises:
        MalformedMessageError: as :func:`whole`.
    """
    return whole(message, header) * 1000 or None


def whole_or_zero(message: AmiMessage, header: str) -> int:
    """A whole number that older versions of Asterisk do not send.

    Raises:
        MalformedMessageError: it is there, and not as :func:`whole` wants it.
    """
    return whole(message, header) if header in message else 0


def _first(values: list[str]) -> str:
    return values[0] if values else ""

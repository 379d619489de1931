"""Where a client is in the log: ``<generation>-<sequence>``.

The sequence is that of the log, so it means the same on every gateway; a log made anew has another
generation. Clients send positions back, so what is read here may be anything.

The ``ready`` of a long poll carries a mark (``<generation>.<mark>-<sequence>``): which PBXs the client was
told are not live although the log says they are; ``pbx_board.py`` writes and reads it. That is the one thing
a client knows which is not in the log; with it in the position, any gateway can tell a poll exactly what has
changed. A position without a mark says nothing of that: an event's id, or what a stream's client brings to a
poll.

Who was told to forget what it had, and where it was, is :data:`NOWHERE`: in an event stream ``reset`` has an
id, for a browser that was told an id keeps it, and an address with `after` too, until it is given another.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.errors import CallCentreError

RESET_ID = "reset"
POSITION_PATTERN = rf"([A-Za-z0-9_-]{{1,64}})(?:\.([0-9a-f]{{1,1024}}))?-(0|[1-9][0-9]{{0,18}})|{RESET_ID}"
_POSITION = re.compile(POSITION_PATTERN)
_SHOWN_CHARACTERS = 40


class MalformedPositionError(CallCentreError):
    """A text that no gateway can have handed out as a position."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text[:_SHOWN_CHARACTERS]!r} is not the id of an event")


class Position(NamedTuple):
    """After the event ``sequence`` of the log ``generation``; ``mark`` is ``None`` when it is not known."""

    generation: str
    sequence: int
    mark: str | None = None

    def __str__(self) -> str:
        mark = "" if self.mark is None else f".{self.mark}"
        return f"{self.generation}{mark}-{self.sequence}"


NOWHERE = Position("", 0)
"""In no log: no generation is empty."""


def parse_position(text: str) -> Position:
    """Read a position.

    Raises:
        MalformedPositionError: it is none.
    """
    match = _POSITION.fullmatch(text)
    if match is None:
        raise MalformedPositionError(text)
    return NOWHERE if text == RESET_ID else Position(match[1], int(match[3]), match[2])

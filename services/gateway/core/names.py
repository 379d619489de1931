"""Names of agents and queues, as tickets and page addresses write them.

On several PBXs ``148`` means 148 on each of them and ``148@hq`` the one on hq. What follows the last
``@`` is a PBX only if one of that name is configured; else it belongs to the name (``desk@4``).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

ALL = "*"


class Name(NamedTuple):
    """``name`` (perhaps :data:`ALL`) on ``pbx``; on every PBX of the ticket when ``pbx`` is ``None``."""

    name: str
    pbx: str | None


def parse_name(text: str, pbxs: Collection[str]) -> Name:
    """Take a written name apart; ``pbxs`` are the configured ones."""
    head, separator, tail = text.rpartition("@")
    if separator and head and tail in pbxs:
        return Name(head, tail)
    return Name(text, None)

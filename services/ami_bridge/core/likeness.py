"""Whether two bridges of a PBX say the same in a document, though each noted the instants for itself."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.events import State

_APART_MS = 5000
_SINCE = "since"


def alike(one: State, other: State) -> bool:
    """Whether they differ by nothing but a ``since`` of a few seconds more or less."""
    return one == other or _alike(msgspec.to_builtins(one), msgspec.to_builtins(other))


def _alike(one: Any, other: Any, name: str = "") -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key], key) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if name == _SINCE and isinstance(one, int) and isinstance(other, int):
        return abs(one - other) <= _APART_MS
    return bool(one == other)

"""Python's garbage collector, set for a process that runs for months and makes little that is cyclic."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 10_000
"""Collect after so many (Python: 700). A request makes some hundred, and nearly all end with it."""


def settle() -> None:
    """To be called when a service has loaded what it needs: the collector looks at that no more.

    It is not collected before: what garbage the loading left is little, and looking for it takes 30 ms.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)

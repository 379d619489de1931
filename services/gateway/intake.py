"""What the log says, as the hub takes it: read, checked and kept.

What is not ours is left out with a warning: it must not stop the feed, nor break what clients get.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import lru_cache

from services.gateway.core import frames
from services.gateway.core.pbx_board import PbxBoard
from services.gateway.core.ring import Entry
from services.gateway.core.state_cache import StateCache
from services.gateway.ports import Stored
from shared import subjects
from shared.errors import MalformedEventError, MalformedSubjectError

log = logging.getLogger("pbxis.gateway.hub")

_parse = lru_cache(maxsize=65536)(subjects.parse)


class Intake:
    """Takes messages of the log for a cache and a board."""

    def __init__(self, pbxs: Collection[str], cache: StateCache, board: PbxBoard) -> None:
        self._pbxs = pbxs
        self._cache = cache
        self._board = board

    def entry(self, stored: Stored) -> Entry | None:
        """A message of the log for clients; ``None``: it is not for them."""
        if subjects.is_fence(stored.subject):
            return None
        try:
            parsed = _parse(stored.subject)
            frames.check(parsed.type, stored.payload)
        except (MalformedSubjectError, MalformedEventError) as error:
            log.warning("left out a message of the log: %s", error)
            return None
        return Entry(stored.sequence, parsed, stored.payload) if parsed.pbx in self._pbxs else None

    def keep(self, entry: Entry) -> bool:
        """Put a state into the cache; false when it cannot be one."""
        subject = entry.subject
        if subject.family != "state":
            return True
        if subject.type == "pbxStatus":
            try:
                self._board.log(subject.pbx, entry.payload, entry.sequence)
            except MalformedEventError as error:
                log.warning("left out a pbxStatus of %s: %s", subject.pbx, error)
                return False
        self._cache.put(subject, entry.payload)
        return True

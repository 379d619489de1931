"""Where the events of a bridge go: into the log while it acts, and moments aside in any case.

What is not published is not lost: states are in the model's documents, moments are kept until the log has
them (``core/kept_moments.py``). Both are compared with the log when a term begins.
"""

from __future__ import annotations

from collections.abc import Callable

from services.ami_bridge.clocks import now
from services.ami_bridge.core.kept_moments import Instant, KeptMoments
from services.ami_bridge.ports import EventPublisher
from shared.events import Event


class Relay:
    """An ``EventPublisher`` that publishes only while there is another to pass events on to."""

    def __init__(self, kept: KeptMoments, handled_until: Callable[[], Instant | None]) -> None:
        """``handled_until``: what Asterisk said before that has been put; ``None``: all has."""
        self._kept = kept
        self._handled_until = handled_until
        self._to: EventPublisher | None = None

    @property
    def since(self) -> Instant:
        """What comes from now on did not happen before that."""
        return self._handled_until() or now()

    def put(self, event: Event, moment_id: str) -> None:
        """See ``ports.EventPublisher``."""
        if moment_id and not self._kept.keep(event, moment_id, now(), self.since):
            return
        if self._to is not None:
            self._to.put(event, moment_id)

    def pass_on(self, to: EventPublisher | None) -> None:
        """From now on to there; ``None``: nowhere."""
        self._to = to

"""What is wrong with the log: said once, and tried again after pauses that grow."""

from __future__ import annotations

import logging
from collections.abc import Callable

from services.jetstream.log import LOG

log = logging.getLogger("pbxis.outbox")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0


class Trouble:
    """Of one outbox."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock``: seconds, never jumps."""
        self._clock = clock
        self._text = ""
        self._pause_s = 0.0
        self._not_before_s = 0.0

    @property
    def pausing(self) -> bool:
        """Whether a pause was made since it was last over."""
        return self._pause_s > 0

    @property
    def may_go(self) -> bool:
        """Whether no pause is due."""
        return self._clock() >= self._not_before_s

    def say(self, text: str) -> None:
        """Say a trouble once, until it is over or another."""
        if text != self._text:
            self._text = text
            log.warning(
                "%s; keeping events and trying again (is the disk full? see `nats stream info %s`)", text, LOG
            )

    def put_off(self, error: Exception) -> None:
        """Say it, and pause."""
        self.say(str(error))
        self.back_off()

    def back_off(self) -> None:
        """Pause, twice as long as the last time."""
        self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._not_before_s = self._clock() + self._pause_s

    def try_now(self) -> None:
        """Something changed; it may be over."""
        self._pause_s = self._not_before_s = 0.0

    def is_over(self) -> None:
        """The log has all that it did not take before."""
        if self._text:
            log.info("the log takes events again")
            self._text = ""

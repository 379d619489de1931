"""Warnings that can come thousands of times a second, or once a second for hours."""

from __future__ import annotations

import logging
from collections.abc import Callable


class QuietLog:
    """Logs the first warning of a kind, then at most one each ``every_s``, saying how many it kept back."""

    def __init__(self, logger: logging.Logger, every_s: float, clock: Callable[[], float]) -> None:
        self._logger = logger
        self._every_s = every_s
        self._clock = clock
        self._kind: str | None = None
        self._last = 0.0
        self._kept_back = 0

    def warning(self, text: str, *args: object, kind: str = "", exc_info: bool = False) -> None:
        """Log it, unless one of this kind was logged just before; another kind is logged at once."""
        now = self._clock()
        if kind == self._kind and now - self._last < self._every_s:
            self._kept_back += 1
            return
        if self._kept_back:
            text += " (%d like the one before kept back)"
            args += (self._kept_back,)
        self._kind, self._last, self._kept_back = kind, now, 0
        self._logger.warning(text, *args, exc_info=exc_info)

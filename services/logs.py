"""Where log lines go: standard error, one format for all processes."""

from __future__ import annotations

import logging
import os
import time

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_SECOND = "%Y-%m-%d %H:%M:%S"
_ENVIRONMENT_KEY = "PBXIS_LOG"


class _Lines(logging.Formatter):
    """Writes the date once a second, not once a line: an action is a line, and the date half of its cost."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)
        self._second = 0
        self._date = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - its name
        second = int(record.created)
        if second != self._second:
            self._second, self._date = second, time.strftime(_SECOND, time.localtime(second))
        return f"{self._date},{int(record.msecs):03d}"


def set_up_logging(*, verbose: bool = False) -> None:
    """Log warnings of all, and our own from INFO on.

    ``PBXIS_LOG=debug`` tells more, for child processes too; ``verbose`` sets it.
    """
    if verbose:
        os.environ[_ENVIRONMENT_KEY] = "debug"
    debug = os.environ.get(_ENVIRONMENT_KEY) == "debug"
    # The format shows none of these, and they cost as much as the rest of a record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("pbxis").setLevel(logging.DEBUG if debug else logging.INFO)

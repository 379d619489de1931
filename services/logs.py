"""Where log lines go: standard error, one format for all processes."""

from __future__ import annotations

import logging
import os

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_ENVIRONMENT_KEY = "PBXIS_LOG"


def set_up_logging(*, verbose: bool = False) -> None:
    """Log warnings of all, and our own from INFO on.

    ``PBXIS_LOG=debug`` tells more, for child processes too; ``verbose`` sets it.
    """
    if verbose:
        os.environ[_ENVIRONMENT_KEY] = "debug"
    debug = os.environ.get(_ENVIRONMENT_KEY) == "debug"
    # The format shows none of these, and they cost as much as the rest of a record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=logging.WARNING, format=_FORMAT)
    logging.getLogger("pbxis").setLevel(logging.DEBUG if debug else logging.INFO)

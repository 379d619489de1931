"""How many files this process may have open: each client takes one."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger("pbxis.gateway")


def raise_limit() -> int:
    """Raise the limit as far as this process may by itself; the limit then.

    The usual soft limit of 1,024 is for programs that use `select`, and this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS says "unlimited", and does not allow it
        log.warning("the limit of open files stays %d: %s", soft, error)
        return soft
    return hard

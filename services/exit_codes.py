"""What the commands end with, and what they say then: the one place.

0: stopped cleanly. 1: something failed, the text says what. 2: the command line, the configuration or the
address to listen on is wrong, and nothing was started.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from shared.errors import CallCentreError, ConfigError


def exit_code_of(work: Callable[[], int], *, wrong_set_up: type[CallCentreError] = ConfigError) -> int:
    """Do the work; the exit code. ``wrong_set_up`` is another error that ends it with 2."""
    try:
        return work()
    except ConfigError as error:
        print(f"pbxis: configuration: {error}", file=sys.stderr)
        return 2
    except CallCentreError as error:
        print(f"pbxis: {error}", file=sys.stderr)
        return 2 if isinstance(error, wrong_set_up) else 1
    except KeyboardInterrupt:
        return 0

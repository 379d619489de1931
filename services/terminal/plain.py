"""One JSON object a line, for programs and for pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from services.terminal.printable import json_line


def print_lines(values: Iterable[object]) -> None:
    """Print them as they come, until nobody reads any more (``pbxis tail --plain | head``)."""
    for value in values:
        try:
            print(json_line(value), flush=True)
        except BrokenPipeError:
            # Python flushes once more at its end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return

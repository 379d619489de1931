from __future__ import annotations

import re
import subprocess
import sys

_SCRIPT = """
import logging
from services.logs import set_up_logging
set_up_logging()
logging.getLogger("pbxis.x").info("told")
logging.getLogger("pbxis.x").debug("not told")
logging.getLogger("other").info("not told")
logging.getLogger("other").warning("told too")
"""


def test_log_lines_have_date_level_and_name() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)

    first, second = done.stderr.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    pbxis\.x: told", first)
    assert second.endswith("WARNING other: told too")

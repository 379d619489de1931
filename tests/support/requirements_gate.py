"""What a test needs from the machine: absent, the test is skipped, unless everything was asked for."""

import os
from typing import NoReturn

import pytest


def need(what: str, reason: str) -> NoReturn:
    """Say that ``what`` is missing: skip the test, or fail it when ``PBXIS_TEST_REQUIRE=all``.

    CI sets the variable, so that a set of tests cannot pass because its server was not there.
    """
    message = f"needs {what}: {reason}"
    if os.environ.get("PBXIS_TEST_REQUIRE") == "all":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)

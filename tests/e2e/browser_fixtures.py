"""How the tests find and start the machine's Chromium; nothing is downloaded.

``PBXIS_CHROMIUM`` names another one. Without any, the tests skip; with ``PBXIS_TEST_REQUIRE=all`` they fail.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's executable."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("PBXIS_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found:
        return found
    message = "Chromium was not found: install it (apt-get install chromium) or name it in PBXIS_CHROMIUM"
    if os.environ.get("PBXIS_TEST_REQUIRE") == "all":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def base_url() -> None:
    """No address that all tests share; pytest warns of the form of pytest-playwright's own fixture."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium_path: str) -> dict[str, Any]:
    """pytest-playwright's own, with this machine's browser."""
    return {**browser_type_launch_args, "executable_path": chromium_path, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def axe_script() -> str:
    """axe-core, as the tools of the pages install it."""
    if not AXE.is_file():
        pytest.fail("axe-core is not there: run `make web` first", pytrace=False)
    return AXE.read_text(encoding="utf-8")

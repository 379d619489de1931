"""How the tests are spread over processes (two, with pytest-xdist: see `tools/check.py`).

All that need the real Asterisk run in one process, one after the other: they take its phones in turns. Their
waiting is mostly for calls, so the other process has the machine meanwhile. Elsewhere a file stays together.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_ASTERISK = "tests/e2e/"
_PAGES = "_page.py"


def _needs_a_browser(nodeid: str) -> bool:
    return nodeid.partition("::")[0].endswith(_PAGES)


class _Together(LoadScopeScheduling):
    """Which tests stay in one process."""

    def _split_scope(self, nodeid: str) -> str:
        if _needs_a_browser(nodeid):
            return "pages"
        return _ASTERISK if nodeid.startswith(_ASTERISK) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Called by pytest-xdist."""
    return _Together(config, log)


def _turn(item: pytest.Item) -> int:
    """The longest first; a browser's last: Playwright keeps an event loop running, beside which none can."""
    if _needs_a_browser(item.nodeid):
        return 2
    return 0 if item.nodeid.startswith(_ASTERISK) else 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order them."""
    items.sort(key=_turn)
    misplaced = [item.nodeid for item in items if _turn(item) < 2 and "playwright" in _fixtures(item)]
    assert not misplaced, f"tests with a browser belong into a file test_…{_PAGES}: {misplaced}"


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])

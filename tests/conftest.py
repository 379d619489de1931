"""How the tests are spread over processes (`make test` runs two, with pytest-xdist).

All that need the real Asterisk run in one process, one after the other: they take its phones in turns. Their
waiting is mostly for calls, so the other process has the machine meanwhile. Elsewhere a file stays together.
"""

from __future__ import annotations

import pytest


def _place(item: pytest.Item) -> tuple[int, str]:
    """In which order, and with which others."""
    if "playwright" in getattr(item, "fixturenames", ()):
        return 2, "pages"  # last: Playwright keeps an event loop running, beside which no other can run
    if item.path.is_relative_to(item.config.rootpath / "tests" / "e2e"):
        return 0, "asterisk"  # first: they take longest
    return 1, str(item.path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order them, and say which belong together."""
    items.sort(key=lambda item: _place(item)[0])
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_place(item)[1]))

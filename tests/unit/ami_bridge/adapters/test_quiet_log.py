from __future__ import annotations

import logging

import pytest

from services.ami_bridge.adapters.quiet_log import QuietLog


class Clock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_of_one_kind_is_one_line_and_then_one_a_period(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    quiet = QuietLog(logging.getLogger("test"), 10, clock)

    for _ in range(100):
        quiet.warning("odd: %s", "x", kind="odd")
    clock.now = 10
    quiet.warning("odd: %s", "y", kind="odd")

    assert caplog.messages == ["odd: x", "odd: y (99 like the one before kept back)"]


def test_another_kind_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    quiet = QuietLog(logging.getLogger("test"), 10, Clock())

    quiet.warning("refused", kind="refused")
    quiet.warning("refused", kind="refused")
    quiet.warning("no greeting", kind="greeting")

    assert caplog.messages == ["refused", "no greeting (1 like the one before kept back)"]

"""Pauses that grow, and a trouble that is said once."""

from __future__ import annotations

import logging

import pytest

from services.ami_bridge.adapters.outbox_trouble import Trouble


def test_pauses_double_up_to_a_limit() -> None:
    now = [100.0]
    trouble = Trouble(lambda: now[0])
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0):
        trouble.back_off()
        now[0] += pause - 0.001
        assert not trouble.may_go
        now[0] += 0.002
        assert trouble.may_go

    assert trouble.pausing
    trouble.try_now()
    assert trouble.may_go
    assert not trouble.pausing


def test_a_trouble_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(lambda: 100.0)
    with caplog.at_level(logging.INFO, "pbxis.outbox"):
        trouble.is_over()
        for _ in range(3):
            trouble.say("full")
        trouble.is_over()
        trouble.is_over()

    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "full",
        "the log takes events again",
    ]


def test_what_is_put_off_is_said_and_waits(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(lambda: 100.0)
    trouble.put_off(ValueError("no room"))

    assert not trouble.may_go
    assert "no room; keeping events" in caplog.text

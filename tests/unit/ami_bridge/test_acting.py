"""What becomes of the way for commands when something of it is missing for a moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.ami_bridge.acting import act
from shared.config import NatsSection
from tests.support.command_fakes import FakePbx
from tests.support.waiting import until


async def test_a_certificate_that_is_missing_as_a_term_begins_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    section = NatsSection(url="tls://127.0.0.1:1", tls_ca=str(tmp_path / "ca.pem"))
    acting = asyncio.create_task(act(section, "hq", FakePbx(), may_act=lambda: True, left=asyncio.Event()))

    await until(lambda: "no commands are taken" in caplog.text, what="it is said")

    assert not acting.done()
    assert "nats.tls_ca" in caplog.text
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)

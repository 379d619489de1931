"""Fixtures of the gateway's integration tests."""

from __future__ import annotations

import pytest

from tests.support.gateway_rig import LANE


@pytest.fixture(params=["raw", "asgi", "tls"])
def each_lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test whose claim hangs on the way to the client with each kind of connection."""
    monkeypatch.setenv(LANE, request.param)
    return request.param

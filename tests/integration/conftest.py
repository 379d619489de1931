"""Fixtures of all integration tests."""

from __future__ import annotations

from tests.support.nats import bridge_connection, gateway_connection, nats_server

__all__ = ["bridge_connection", "gateway_connection", "nats_server"]

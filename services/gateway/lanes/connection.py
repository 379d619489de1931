"""The connection under an ASGI request, for the raw lane; see ``uvicorn_protocols.py``, which offers it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from services.gateway.lanes.lane import Reader

EXTENSION = "pbxis.connection"
"""Its place in ``scope["extensions"]``."""


class Connection:
    """A transport, and who is to know how full it is."""

    __slots__ = ("reader", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.reader: Reader | None = None

    def pause(self) -> None:
        """The transport holds more than its high-water mark."""
        if self.reader is not None:
            self.reader.pause()

    def go_on(self) -> None:
        """It is below its low-water mark again."""
        if self.reader is not None:
            self.reader.go_on()


def connection_of(scope: Mapping[str, Any]) -> Connection | None:
    """The connection of a request, if its server offers it and HTTP/1.1's framing holds on it."""
    if scope.get("http_version") != "1.1":
        return None
    return (scope.get("extensions") or {}).get(EXTENSION)

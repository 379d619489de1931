"""The protocols of HTTP and WebSocket, which here show their transport to the handler.

This rests on uvicorn's insides: ``run_asgi`` and ``_start_asgi_task`` are called once for each request, with
the scope made and the transport known. The version is pinned exactly, and a test fails when either is no
longer called.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from services.gateway.lanes.connection import EXTENSION, Connection
from services.gateway.lanes.http_protocol import HttpProtocol
from services.gateway.lanes.websocket_protocol import WebSocketProtocol


class _Showing(asyncio.Protocol):
    """Passes on what the transport says of its buffer."""

    shown: Connection | None = None

    def pause_writing(self) -> None:
        """Called by the transport."""
        super().pause_writing()
        if self.shown is not None:
            self.shown.pause()

    def resume_writing(self) -> None:
        """Called by the transport."""
        super().resume_writing()
        if self.shown is not None:
            self.shown.go_on()


class ShowingWebSocketProtocol(_Showing, WebSocketProtocol):
    """A WebSocket connection."""

    async def run_asgi(self) -> None:
        """Run the handler of a connection."""
        self.shown = Connection(self.transport)
        extensions: dict[str, Any] = {**(self.scope.get("extensions") or {}), EXTENSION: self.shown}
        self.scope["extensions"] = extensions
        await super().run_asgi()


class ShowingHttpProtocol(_Showing, HttpProtocol):
    """An HTTP/1.1 connection: one request after the other."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.shown = Connection(self.transport)
        extensions: dict[str, Any] = {**(cycle.scope.get("extensions") or {}), EXTENSION: self.shown}
        cycle.scope["extensions"] = extensions
        super()._start_asgi_task(cycle, app)

"""The HTTP server: uvicorn, set up for streams and run inside a loop that is not its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator, Iterable
from functools import partial
from typing import Any, cast

import uvicorn

from services.gateway.counters import StreamCounters
from services.gateway.lanes.deadlines import Deadlines, Waiting
from services.gateway.lanes.http_protocol import HttpProtocol
from services.gateway.lanes.uvicorn_protocols import ShowingHttpProtocol, ShowingWebSocketProtocol
from services.gateway.lanes.websocket_protocol import WebSocketProtocol
from shared.errors import CallCentreError

_STOP_WITHIN_S = 3  # streams end at once, actions have an end after 2.5 s; what is left is cancelled
_MAX_CLIENT_MESSAGE = 64 * 1024


class AddressError(CallCentreError):
    """The gateway cannot listen where it should."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(f"cannot listen on {host} port {port}: {reason}; see gateway.host and gateway.port")


def bind(host: str, port: int) -> socket.socket:
    """A socket for the server to listen on; port 0 takes a free one.

    Until the server starts, a client is refused at once and does not hang.

    Raises:
        AddressError: the address is taken, or not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(host, port, error.strerror or str(error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise AddressError(host, port, error.strerror or str(error)) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address to open: ``http://127.0.0.1:58615/``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class Server(uvicorn.Server):
    """A server whose signals and end are its owner's business."""

    def __init__(
        self,
        app: Any,
        counters: StreamCounters | None = None,
        *,
        raw: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Make one.

        Args:
            app: the ASGI application.
            counters: where clients are counted that are ended because they do not read.
            raw: show handlers their connection, for the raw lane.
            tls: serve https with this.
        """
        self._counters = counters or StreamCounters()
        self._deadlines = Deadlines()
        config = uvicorn.Config(
            app,
            http=self._counting(ShowingHttpProtocol if raw else HttpProtocol),
            ws=self._counting(ShowingWebSocketProtocol if raw else WebSocketProtocol),
            ws_per_message_deflate=False,  # frames are shared, and it costs memory for each connection
            ws_max_size=_MAX_CLIENT_MESSAGE,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            interface="asgi3",  # it would guess, and `Edge` is no coroutine function
            lifespan="on",
            access_log=False,  # an address holds a ticket
            log_config=None,
            log_level="warning",  # on "info" uvicorn tells the address of every WebSocket
            proxy_headers=False,  # the guard must see who really connects
            server_header=False,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
        )
        config.load()
        config.ssl = tls  # uvicorn itself makes one of files alone
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn all the time."""
        now = asyncio.get_running_loop().time()
        if self._deadlines.due(now):  # by the clock: ticks become rare under load
            self.end_overdue(now)
        return await super().on_tick(counter)

    def end_overdue(self, now: float) -> None:
        """End the connections whose clients take too long; ``now`` is the event loop's time."""
        self._deadlines.look(cast("Iterable[Waiting]", self.server_state.connections), now)

    def _counting(self, protocol: type[HttpProtocol | WebSocketProtocol]) -> type[asyncio.Protocol]:
        """A protocol as uvicorn makes it, with what ours needs beyond that."""
        return cast("type[asyncio.Protocol]", partial(protocol, too_slow=self._count_too_slow))

    def _count_too_slow(self) -> None:
        self._counters.closed_too_slow += 1

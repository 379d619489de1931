"""uvicorn's WebSocket, with bounds.

What a client says is ignored (a ticket is for receiving only), so nothing of it is kept: no fragments, no
messages. What it makes the server say, the pongs, is bounded.

This rests on uvicorn's insides, as ``uvicorn_protocols.py`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import http11
from websockets.frames import Frame

from services.gateway.lanes.deadlines import Wait, What, flush, unsent
from services.gateway.lanes.head_meter import HEAD_BYTES
from services.gateway.lanes.lane import LOW_WATER
from services.gateway.lanes.untaken import untaken

MOST_PONGS = 1024 * 1024
"""Bytes of pongs that may be on their way to a client that does not read."""

_CUT_OFF_S = 2.0

# A line of a handshake may be as long as that of any request: the head has been metered before it comes here.
# (websockets itself takes 8 KiB, less than a cookie may be.)
http11.MAX_LINE_LENGTH = 2 * HEAD_BYTES


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def __init__(self, *, too_slow: Callable[[], None], **inside: Any) -> None:
        """``too_slow`` is called when the connection is ended because its client does not read."""
        super().__init__(**inside)
        self._too_slow = too_slow
        self._pongs = 0

    def data_received(self, data: bytes) -> None:
        """Read."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self.handshake_initiated:
            # It comes whole. With more than 128 header fields, say, websockets has an answer that uvicorn
            # does not send.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_text(self, event: Frame) -> None:
        """Ignore a message, or its beginning."""

    def handle_bytes(self, event: Frame) -> None:
        """Ignore a message, or its beginning."""

    def handle_cont(self, event: Frame) -> None:
        """Ignore a fragment."""

    def handle_ping(self) -> None:
        """Answer the pings that were read, all at once."""
        pongs = b"".join(self.conn.data_to_send())
        if not pongs or self.transport.is_closing():
            return
        if unsent(self.transport) < LOW_WATER:
            self._pongs = 0
        self._pongs += len(pongs)
        if self._pongs > MOST_PONGS:
            self._too_slow()
            self.transport.abort()
        else:
            self.transport.write(pongs)

    def keepalive_timeout(self) -> None:
        """Called when a ping was not answered: who does not read takes no close frame either."""
        super().keepalive_timeout()
        self.loop.call_later(_CUT_OFF_S, self.transport.abort)

    def waits_for(self) -> Wait | None:
        """See :class:`~services.gateway.lanes.deadlines.Waiting`."""
        if self.transport.is_closing():
            return flush(untaken(self.transport))
        return None

    def overdue(self, what: What) -> None:
        """See :class:`~services.gateway.lanes.deadlines.Waiting`."""
        if unsent(self.transport):
            self._too_slow()
        self.transport.abort()

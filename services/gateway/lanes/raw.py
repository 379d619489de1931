"""The raw lane: frames straight into the transport of the connection.

What ASGI puts between a handler and the socket - a task that is woken, a call that is awaited, a frame that
is built for each client - costs more than the write itself. Here the bytes, made once for all clients of a
group, go into the transport from the hub's own callback. The response was begun by ASGI, and is ended by
it; in between nobody else writes but uvicorn its pings, whole frames as well.
"""

from __future__ import annotations

from services.gateway.core.batch import Batch
from services.gateway.lanes.connection import Connection
from services.gateway.lanes.lane import HIGH_WATER, LOW_WATER, LaneName, Reader, Transport


class _Raw:
    """Writing, and the transport's own flow control."""

    transport: Transport
    name: LaneName = "raw"

    def __init__(self, connection: Connection) -> None:
        self._transport = connection.transport
        self._connection = connection

    def attach(self, reader: Reader) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        self._connection.reader = reader
        if not self._transport.is_closing():  # the client may have gone while its ticket was looked up
            self._transport.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)

    def drop(self) -> None:
        """Bytes that are in the transport cannot be taken back."""


class RawWebSocketLane(_Raw):
    """A WebSocket: one text frame a message."""

    transport: Transport = "websocket"

    def write(self, batch: Batch) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        transport = self._transport
        if not transport.is_closing():
            transport.write(batch.frames)


class RawSseLane(_Raw):
    """An event stream: one chunk of the body a write."""

    transport: Transport = "sse"

    def write(self, batch: Batch) -> None:
        """See :class:`~services.gateway.lanes.lane.Lane`."""
        transport = self._transport
        if not transport.is_closing():
            transport.write(batch.chunk)

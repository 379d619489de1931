"""The client of nats-py, made to last.

Eight things that it does would end, or give away, a service that must run for years:

* It closes for good on every `-ERR` of the server that is no permissions violation ("maximum
  connections exceeded", "authentication timeout" …). Here they are a lost connection: try again.
* It closes a lost connection politely, which waits until all written bytes are sent. A server that
  hangs (a stopped process, a half-open link) takes none: the reconnect would wait with it. Here the
  socket is dropped; what was under way is sent again by those who wait for an answer.
* It encrypts when the server asks for it, whatever the URL says: who stands in between need only not
  ask, and gets the password. Here ``tls_only`` is kept to.
* Closed while not connected, it fails over what it had still to send, and leaves its tasks running.
* Closed while it makes a connection anew, it may go on to make it: a cancellation that comes as the socket
  opens is lost in ``asyncio.wait_for`` (Python 3.11). It is then connected for ever. Here it looks again.
* What a lost connection had not taken yet it keeps, and sends when the next one is made: a command could
  arrive long after its sender was told that its outcome is unknown. Here it is forgotten. (Subscriptions
  are not among it; they are made again from a list.)
* An attempt that got a connection and no answer over it leaves that open when it tries again: with a server
  that hangs, one socket more every few seconds. Here it is dropped.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import ParseResult

from nats import errors
from nats.aio.client import Client, Srv
from nats.aio.transport import TcpTransport

_ALLOWED_TO_GO_ON = ("permissions violation", "invalid subject")


class DroppingTransport(TcpTransport):
    """TCP (and TLS over it) whose ``close`` does not wait for the peer."""

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect anew."""
        self.close()
        await super().connect(uri, buffer_size, connect_timeout)

    def close(self) -> None:
        """Drop the socket."""
        if self._io_writer is not None:
            self._io_writer.transport.abort()

    def write(self, payload: bytes) -> None:
        """Write, or forget what a dropped socket cannot take: uvloop would raise."""
        if not self._dropped:
            super().write(payload)

    def writelines(self, payload: list[bytes]) -> None:
        """The same for several."""
        if not self._dropped:
            super().writelines(payload)

    @property
    def _dropped(self) -> bool:
        return self._io_writer is not None and self._io_writer.transport.is_closing()

    def __bool__(self) -> bool:
        # The client makes a transport of its own where this is false.
        return True


class LastingClient(Client):
    """A client that reconnects whatever the server says. ``tls_only``: talk to no server without TLS."""

    def __init__(self, *, tls_only: bool = False) -> None:
        super().__init__()
        self._tls_only = tls_only
        self._closing = False

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # The first thing that a server says, before it hears anything of us.
        if initial_connection and self._tls_only and not info.get("tls_required"):
            raise errors.SecureConnWantedError
        await super()._process_info(info, initial_connection)

    async def _connect_to_server(self, s: Srv) -> None:
        if self._transport is None and s.uri.scheme in ("nats", "tls"):
            self._transport = DroppingTransport()
        self._end_if_closing()
        await super()._connect_to_server(s)
        self._end_if_closing()

    async def _process_connect_init(self) -> None:
        await super()._process_connect_init()
        self._end_if_closing()

    async def _process_pong(self) -> None:
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self._closing = status == Client.CLOSED  # not so after each first attempt that fails
        if not self.is_connected:
            # It would write what is left into a lost connection, and fail half way.
            self._forget_pending()
        await super()._close(status, do_cbs)

    async def _attempt_reconnect(self) -> None:
        self._forget_pending()
        await super()._attempt_reconnect()

    def _end_if_closing(self) -> None:
        """Do again what closing did to a connection that was not there yet."""
        if not self._closing:
            return
        self._status = Client.CLOSED
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
            if task is not None:
                task.cancel()
        if self._transport is not None:
            self._transport.close()
        raise asyncio.CancelledError

    def _forget_pending(self) -> None:
        self._pending.clear()
        self._pending_data_size = 0

    async def _process_err(self, err_msg: str) -> None:
        error = errors.Error(f"nats: {err_msg.strip(chr(39))}")
        await self._error_cb(error)
        if not any(known in err_msg for known in _ALLOWED_TO_GO_ON):
            await self._process_op_err(error)

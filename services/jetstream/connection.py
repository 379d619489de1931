"""The connection of a service to NATS: made once, lasting, and telling who listens of its ups and downs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from nats import errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from services.jetstream.errors import NatsRefusedError, NatsUnavailableError
from services.jetstream.nats_client import LastingClient
from shared.config import NatsSection
from shared.errors import ConfigError

log = logging.getLogger("pbxis.nats")

Role = Literal["bridge", "gateway"]
T = TypeVar("T")

RECONNECT_PAUSE_S = 0.25
_CONNECT_WITHIN_S = 2.0
# A server that takes bytes and answers none (a stopped process, a half-open link) is given up after
# two to three of these.
_PING_EVERY_S = 1.0
_PINGS_UNANSWERED = 2
# Nothing of ours is published while away; this bounds what nats-py itself may hold.
_PENDING_BYTES = 16 * 1024 * 1024
_API_WITHIN_S = 5.0
_CLOSE_WITHIN_S = 2.0


class Connection:
    """One connection; ``client`` and ``jetstream`` are nats-py's."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.url = url
        self.jetstream: JetStreamContext = client.jetstream(timeout=_API_WITHIN_S)
        self._listeners: list[Callable[[bool], None]] = []

    @property
    def connected(self) -> bool:
        """Whether a server is there now; publish nothing while not."""
        return self.client.is_connected and not self.client.is_draining

    def listen(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """Call back with ``False`` when the connection is lost, ``True`` when it is back.

        ``connected`` is true again a moment before that; every loss is told, however short.

        Returns what ends that.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def call(self, request: Coroutine[Any, Any, T]) -> T:
        """Await an answer of the server, but not beyond the end of this very connection.

        nats-py would wait the whole time-out for an answer that can no longer come.

        Raises:
            nats.errors.Error: the connection was lost, or whatever the request raises.
        """
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        unlisten = self.listen(lambda up: None if up or lost.done() else lost.set_result(None))
        asking = asyncio.ensure_future(request)
        try:
            await asyncio.wait({asking, lost}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            raise errors.ConnectionReconnectingError
        finally:
            unlisten()
            lost.cancel()
            if not asking.done():
                asking.cancel()

    def tell(self, connected: bool) -> None:
        """Pass a change on to all listeners."""
        for listener in tuple(self._listeners):
            listener(connected)

    async def close(self) -> None:
        """Send what is still to be sent, then close; within about four seconds whatever the server does."""
        if self.connected:
            with contextlib.suppress(errors.Error, TimeoutError):
                await asyncio.wait_for(self.client.flush(), _CLOSE_WITHIN_S)
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self.client.close(), _CLOSE_WITHIN_S)


class _Callbacks:
    """What nats-py calls; says each trouble once, not once an attempt."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: Connection | None = None
        self.last_error: Exception | None = None
        self.told = False
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def on_error(self, error: Exception) -> None:
        self.last_error = error
        if "authorization violation" in str(error).lower() and not self.refused.done():
            self.refused.set_result("wrong user name or password")
        if isinstance(error, errors.SecureConnWantedError) and not self.refused.done():
            self.refused.set_result("it does not offer TLS, which tls:// or nats.tls_ca asks for")
        if isinstance(error, ssl.SSLError) and not self.refused.done():
            self.refused.set_result(str(error))
        if self.connection is None and not self.told:
            self.told = True
            log.warning("NATS at %s: %s; trying until it answers", self.url, error or type(error).__name__)
        usable = self.connection is not None and self.connection.connected
        log.log(logging.WARNING if usable else logging.DEBUG, "NATS: %s", error or type(error).__name__)

    async def on_disconnected(self) -> None:
        if self.connection is not None and not self.connection.client.is_closed:
            log.warning("NATS at %s is away; trying again until it is back", self.url)
            self.connection.tell(False)

    async def on_reconnected(self) -> None:
        log.info("NATS at %s is back", self.url)
        if self.connection is not None:
            self.connection.tell(True)


async def connect(
    section: NatsSection, role: Role, *, name: str | None = None, within_s: float | None = None
) -> Connection:
    """Connect, and stay connected until closed.

    Args:
        section: where and as whom; ``url`` may hold several servers, with commas.
        role: also names the inboxes (``_INBOX.<role>.>``), by which the server's permissions go.
        name: what the server's own tools show for this connection.
        within_s: give up after this; ``None`` waits for a server for ever.

    Raises:
        ConfigError: no ``url``, or ``tls_ca`` cannot be read.
        NatsRefusedError: wrong user name, password or certificate, or no TLS where it is asked for.
        NatsUnavailableError: no server answered in time.
    """
    if section.url is None:
        raise ConfigError("nats.url", "this key is required to run one service by itself")
    servers = [url.strip() for url in section.url.split(",")]
    url = ", ".join(_without_password(server) for server in servers)
    callbacks = _Callbacks(url)
    tls_only = section.tls_ca is not None or any(server.startswith("tls://") for server in servers)
    client = LastingClient(tls_only=tls_only)
    attempt = asyncio.ensure_future(
        client.connect(
            servers,
            name=name or f"pbxis {role}",
            inbox_prefix=f"_INBOX.{role}",
            user=section.username,
            password=section.password,
            tls=_tls(section),
            error_cb=callbacks.on_error,
            disconnected_cb=callbacks.on_disconnected,
            reconnected_cb=callbacks.on_reconnected,
            connect_timeout=_CONNECT_WITHIN_S,  # pyright: ignore[reportArgumentType] - used as a float
            reconnect_time_wait=RECONNECT_PAUSE_S,  # pyright: ignore[reportArgumentType] - used as a float
            max_reconnect_attempts=-1,
            ping_interval=_PING_EVERY_S,  # pyright: ignore[reportArgumentType] - used as a float
            max_outstanding_pings=_PINGS_UNANSWERED,
            pending_size=_PENDING_BYTES,
        )
    )
    try:
        await asyncio.wait(
            {attempt, callbacks.refused}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        if not attempt.done():
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
            await client.close()
    if attempt.cancelled():
        if callbacks.refused.done():
            raise NatsRefusedError(url, callbacks.refused.result())
        raise NatsUnavailableError(url, callbacks.last_error or "no answer")
    try:
        attempt.result()
    except (errors.Error, OSError) as error:
        raise NatsUnavailableError(url, error) from error
    callbacks.connection = Connection(client, url)
    return callbacks.connection


def _tls(section: NatsSection) -> ssl.SSLContext | None:
    if section.tls_ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=section.tls_ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("nats.tls_ca", f"cannot use {section.tls_ca}: {error.strerror or error}") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"nats://{url}")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

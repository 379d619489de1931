"""One connection to Asterisk, from TCP to the end of its session.

It goes: TCP (TLS) → banner → Login → `FullyBooted`, or two seconds without it (users who do not read class
`system` never get it) → the session is handed over. Each step has its time-out: a stopped Asterisk
still accepts connections, in the kernel, and never says a word. panoramisk opens the connection and keeps
the futures of actions; one ``Manager`` serves one connection, so that nothing of a lost one reaches the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import cast

from panoramisk import Manager

from services.ami_bridge.adapters.ami_protocol import AmiCounters, LeanProtocol, WantedEvents
from services.ami_bridge.adapters.ami_session import EventQueue, Session, watch
from services.ami_bridge.core.ami_message import optional
from services.ami_bridge.errors import AmiActionError, AmiActionRefusedError, AmiConnectError, AmiLoginError
from services.ami_bridge.ports import SessionHandler
from shared.errors import CallCentreError

log = logging.getLogger("pbxis.bridge.ami")


@dataclass(frozen=True)
class LinkSettings:
    """Where Asterisk is, who logs in, and how long to wait for what.

    A hung Asterisk is found within ``ping_interval_s + pong_deadline_s``.

    Attributes:
        tls_ca: a file of certificates to trust instead of the system's.
        md5: answer a challenge instead of sending the secret.
        most_waiting_events: how far the handler may fall behind before the session is ended.
        handler_grace_s: how long the handler may take to end by itself after the link was lost.
    """

    host: str
    username: str
    secret: str = field(repr=False)
    port: int = 5038
    tls: bool = False
    tls_ca: str | None = None
    md5: bool = False
    connect_timeout_s: float = 5.0
    login_timeout_s: float = 5.0
    fully_booted_wait_s: float = 2.0
    list_timeout_s: float = 15.0
    ping_interval_s: float = 3.0
    pong_deadline_s: float = 6.0
    logoff_timeout_s: float = 1.0
    handler_grace_s: float = 0.5
    most_waiting_events: int = 100_000


_LOGIN_REFUSED = "Authentication failed"


class _OneConnection(Manager):
    """panoramisk's manager without its reconnecting, its replay and its pings that nobody awaits."""

    def connection_made(self, f: asyncio.Task[tuple[asyncio.Transport, LeanProtocol]]) -> None:
        if f.cancelled() or f.exception() is not None:
            return  # who awaits the task is told
        super().connection_made(f)
        if self.pinger is not None:
            self.pinger.cancel()


class Connection:
    """A login that succeeded."""

    def __init__(
        self, settings: LinkSettings, session: Session, protocol: LeanProtocol, events: EventQueue
    ) -> None:
        self._settings = settings
        self._session = session
        self._protocol = protocol
        self._events = events

    async def serve(self, handler: SessionHandler) -> str:
        """Let the handler use the session until one of the two ends; why it ended.

        Raises:
            Exception: what the handler raised, unless it is a ``CallCentreError``.
        """
        settings = self._settings
        work = asyncio.create_task(handler.on_session(self._session))
        watching = asyncio.create_task(
            watch(self._protocol, settings.ping_interval_s, settings.pong_deadline_s)
        )
        try:
            await asyncio.wait({work, watching, self._protocol.gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                # It may still be taking the events that came before the link was lost.
                await asyncio.wait({work}, timeout=settings.handler_grace_s)
        finally:
            work.cancel()
            watching.cancel()
            ended = await asyncio.gather(work, watching, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, CallCentreError):
                raise error
        return self._events.lost or str(ended[0] or "the handler of the session ended")


@contextlib.asynccontextmanager
async def logged_in(
    settings: LinkSettings, tls: ssl.SSLContext | None, wanted: WantedEvents, counters: AmiCounters
) -> AsyncGenerator[Connection]:
    """A session with Asterisk; logs off and closes at the end, however it comes.

    Raises:
        AmiLoginError: Asterisk refused the login.
        AmiConnectError: it did not come to a login.
    """
    events = EventQueue(settings.most_waiting_events)
    manager = _OneConnection(
        protocol_factory=lambda: LeanProtocol(events, wanted, counters),
        host=settings.host,
        port=settings.port,
        ssl=tls or False,
        loop=asyncio.get_running_loop(),
    )
    protocol = await _connect(manager, settings)
    session = Session(manager, protocol, events, settings.list_timeout_s)
    try:
        await _first(protocol.greeted, protocol, settings.connect_timeout_s, "it does not greet")
        await _log_in(session, settings)
        try:
            await _first(events.booted, protocol, settings.fully_booted_wait_s, None)
            session.asterisk = await _version(session, protocol, settings)
            log.info(
                "logged in to Asterisk %s at %s:%d", session.asterisk or "?", settings.host, settings.port
            )
            yield Connection(settings, session, protocol, events)
        finally:
            with contextlib.suppress(AmiActionError):
                await session.request("Logoff", {}, settings.logoff_timeout_s)
    finally:
        protocol.close()
        await asyncio.wait({protocol.gone}, timeout=settings.logoff_timeout_s)


async def _connect(manager: Manager, settings: LinkSettings) -> LeanProtocol:
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            _, protocol = await manager.connect()
            return cast("LeanProtocol", protocol)
    except TimeoutError as error:
        manager.close()
        raise AmiConnectError(f"no connection within {settings.connect_timeout_s:g} s") from error
    except OSError as error:
        raise AmiConnectError(f"cannot connect: {error}") from error
    except asyncio.CancelledError:
        manager.close()  # it may have been made in the very same moment
        raise


async def _first(
    step: asyncio.Future[None], protocol: LeanProtocol, within_s: float, failure: str | None
) -> None:
    """Wait for a step of the way; when it does not come, that is a failure or (``None``) is none.

    Raises:
        AmiConnectError: it did not come, or the connection was lost.
    """
    await asyncio.wait({step, protocol.gone}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    if protocol.gone.done():
        raise AmiConnectError(protocol.gone.result())
    if failure is not None and not step.done():
        raise AmiConnectError(f"{failure} within {within_s:g} s")


async def _log_in(session: Session, settings: LinkSettings) -> None:
    within_s = settings.login_timeout_s
    try:
        if settings.md5:
            answer = await session.request("Challenge", {"AuthType": "MD5"}, within_s)
            digest = hashlib.md5(
                (optional(answer, "Challenge") + settings.secret).encode(), usedforsecurity=False
            )
            proof = {"AuthType": "MD5", "Key": digest.hexdigest()}
        else:
            proof = {"Secret": settings.secret}
        await session.request("Login", {"Username": settings.username, **proof}, within_s)
    except AmiActionRefusedError as error:
        # Only this is about user and secret; `Asterisk is shutting down`, say, passes by itself.
        if error.reason != _LOGIN_REFUSED:
            raise AmiConnectError(f"no login now: {error.reason}") from error
        raise AmiLoginError(settings.username, error.reason) from error
    except AmiActionError as error:
        raise AmiConnectError(str(error)) from error


async def _version(session: Session, protocol: LeanProtocol, settings: LinkSettings) -> str:
    try:
        answer = await session.request("CoreSettings", {}, settings.login_timeout_s)
    except AmiActionError as error:
        if protocol.gone.done():
            raise AmiConnectError(str(error)) from error
        return ""  # the user reads neither class `system` nor `reporting`
    return optional(answer, "AsteriskVersion")

"""The link to one Asterisk: connects, logs in, hands sessions over, and does it again for ever.

One attempt and its session: ``ami_connection.py``. The waits between attempts: ``core/back_off.py``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable

from services.ami_bridge.adapters.ami_actions import checked_headers
from services.ami_bridge.adapters.ami_connection import LinkSettings, logged_in
from services.ami_bridge.adapters.ami_protocol import AmiCounters, WantedEvents
from services.ami_bridge.adapters.quiet_log import QuietLog
from services.ami_bridge.core.back_off import BackOff
from services.ami_bridge.errors import AmiConnectError, AmiLoginError
from services.ami_bridge.ports import SessionHandler

__all__ = ["LinkSettings", "PanoramiskLink", "WantedEvents"]

log = logging.getLogger("pbxis.bridge.ami")

_LOG_EVERY_S = 60.0


class PanoramiskLink:
    """An ``AmiLink``.

    Args:
        wanted: the events to hand over.
        pause: waits some seconds between attempts; tests give their own.

    Raises:
        UnsafeActionError: user name or secret cannot be sent (they hold a line end, or are too long).
        OSError: ``tls_ca`` cannot be read, or holds no certificate (``ssl.SSLError``).
    """

    def __init__(
        self,
        settings: LinkSettings,
        wanted: WantedEvents,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        checked_headers("Login", {"Username": settings.username, "Secret": settings.secret})
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.tls_ca) if settings.tls else None
        self._wanted = WantedEvents(wanted.names | {"FullyBooted"}, wanted.variables)
        self._pause = pause
        self._back_off = BackOff(random.uniform)
        self.counters = AmiCounters()

    async def run(self, handler: SessionHandler) -> None:
        """Keep a session up until cancelled; then log off.

        Raises:
            Exception: whatever the handler raised that is no ``CallCentreError``: a bug of it.
        """
        quiet = QuietLog(log, _LOG_EVERY_S, asyncio.get_running_loop().time)
        while True:
            reason, delay_s, auth_failed = await self._once(handler)
            quiet.warning(
                "no link to Asterisk at %s:%d: %s; next attempt in %.1f s",
                self._settings.host,
                self._settings.port,
                reason,
                delay_s,
                kind=reason,
            )
            handler.on_down(reason, auth_failed)
            await self._pause(delay_s)

    async def _once(self, handler: SessionHandler) -> tuple[str, float, bool]:
        """One attempt and, if it succeeds, its session; why it ended, and how long to wait now."""
        now = asyncio.get_running_loop().time
        try:
            async with logged_in(self._settings, self._tls, self._wanted, self.counters) as connection:
                began = now()
                reason = await connection.serve(handler)
        except AmiLoginError as error:
            return str(error), self._back_off.next_login_delay_s(), True
        except AmiConnectError as error:
            return str(error), self._back_off.next_delay_s(now()), False
        self._back_off.session_ended(now() - began)
        return reason, self._back_off.next_delay_s(now()), False

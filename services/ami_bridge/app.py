"""The bridge of one PBX: joins the AMI link, the model and the outbox.

While it is `online` its session is there for commands (``executor.py``), and only then.

A session goes: `syncing` → all lists are read while live events are kept aside → the model is made
anew from both and what differs is published → `online` → live events as they come, and the queues'
figures every ``summary_refresh_s``. When the link is lost: `offline`, and the last figures stay in the
log as they are, marked as not live by that one status. What was kept aside for lists that now never come is
not lost: its moments are published.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple

from services import cancellation
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre, Output
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.plans import CommandRules, Plan
from services.ami_bridge.core.snapshot import LISTS, REFRESH_LISTS, ListAction, Snapshot
from services.ami_bridge.errors import AmiActionRefusedError
from services.ami_bridge.ports import AmiSession, EventPublisher
from shared.commands import Command
from shared.errors import MalformedMessageError

log = logging.getLogger("pbxis.bridge")


# An Asterisk is pinged every 3 s (``LinkSettings``), so that when nothing is late, what it said 3 s ago has
# been handled.
LATE_S = 6.0


class _Aside(NamedTuple):
    """What waits for lists, and the instant before which nothing of it happened."""

    since: Instant
    messages: list[AmiMessage]


class Bridge:
    """Handles the sessions of one PBX, one after the other."""

    def __init__(
        self,
        centre: CallCentre,
        publisher: EventPublisher,
        now_ms: Callable[[], int],
        *,
        refresh_every_s: float,
        rules: CommandRules | None = None,
    ) -> None:
        self._centre = centre
        self._publisher = publisher
        self._now_ms = now_ms
        self._refresh_every_s = refresh_every_s
        self._aside: _Aside | None = None
        self._link: AmiSession | None = None
        self._refused: set[str] = set()
        self._resync = asyncio.Event()
        self._missing_right: str | None = None
        self._rules = rules or CommandRules()
        self._session: AmiSession | None = None
        self._absence = "offline: there was no connection yet"

    @property
    def session(self) -> AmiSession | None:
        """See ``ports.LivePbx``: there from `online` until the link is lost."""
        return self._session

    @property
    def handled_until(self) -> Instant | None:
        """What Asterisk said before that has been handled; ``None``: all has, as there is no session."""
        if self._aside is not None:
            return self._aside.since
        return self._link.read_until if self._link is not None else None

    def is_late(self, now_s: float) -> bool:
        """Whether what Asterisk says is handled long after it is said."""
        until = self.handled_until
        return until is not None and now_s - until.steady_s > LATE_S

    @property
    def absence(self) -> str:
        """See ``ports.LivePbx``."""
        return self._absence

    def plan(self, command: Command) -> Plan:
        """See ``ports.LivePbx``."""
        return self._centre.plan(command, self._rules)

    async def on_session(self, session: AmiSession) -> None:
        """Serve one session until its link is lost.

        Raises:
            AmiLinkLostError: it was.
        """
        self._link = session
        self._aside = _Aside(session.read_until, [])
        self._refused.clear()
        self._missing_right = None
        self._absence = "syncing: its lists are being read"
        try:
            await _first_end(self._read(session), self._keep_in_step(session))
        finally:
            # The lists may have failed before all was read that came until then.
            self._take(session.rest())
            self._session = None
            self._absence = "offline: the link to Asterisk was lost"

    def on_down(self, reason: str, auth_failed: bool) -> None:
        """A link was lost, or an attempt to connect failed."""
        self._session = None
        aside = self._aside.messages if self._aside is not None else ()
        self._publish(self._centre.link_lost(aside, self._now_ms()))
        self._log_rejected()
        self._aside = self._link = None
        word = "auth_failed" if auth_failed else "offline"
        self._absence = f"{word}: {reason}"
        self._publish(self._centre.status(word, reason, self._now_ms()))

    async def _read(self, session: AmiSession) -> None:
        async for batch in session.batches():
            self._take(batch)
            if self._centre.wants_resync:
                self._resync.set()

    def _take(self, batch: Sequence[AmiMessage]) -> None:
        if self._aside is not None:
            self._aside.messages.extend(batch)
            return
        now = self._now_ms()
        for message in batch:
            self._apply(message, now)

    def _apply(self, message: AmiMessage, now_ms: int) -> None:
        try:
            self._publish(self._centre.apply(message, now_ms))
        except MalformedMessageError as error:
            log.warning("%s", error)

    async def _keep_in_step(self, session: AmiSession) -> None:
        """Read all lists now, and again when the model asks for it; the figures in between.

        Only the first time it is `syncing`; later the figures wait for the lists, which is milliseconds.
        """
        self._publish(self._centre.status("syncing", None, self._now_ms()))
        await self._sync(session)
        self._publish(self._centre.status("online", None, self._now_ms()))
        self._session = session
        log.info("in step with Asterisk %s", session.asterisk)
        while True:
            await self._refresh_until_resync(session)
            await self._sync(session)

    async def _sync(self, session: AmiSession) -> None:
        aside = self._aside = self._aside or _Aside(session.read_until, [])
        self._resync.clear()
        lists = await self._read_lists(session, LISTS)
        self._publish(self._centre.resync(lists, aside.messages, self._now_ms()))
        self._aside = None
        self._log_rejected()
        if self._centre.wants_resync:
            self._resync.set()

    async def _refresh_until_resync(self, session: AmiSession) -> None:
        while not self._resync.is_set():
            if not await cancellation.seen(self._resync, self._refresh_every_s):
                lists = await self._read_lists(session, REFRESH_LISTS)
                self._publish(self._centre.refresh(lists, self._now_ms()))
                self._log_rejected()
                self._tell_missing_right()

    def _tell_missing_right(self) -> None:
        missing = self._centre.missing_right
        if missing != self._missing_right:
            self._missing_right = missing
            if missing is not None:
                log.warning("%s", missing)
            self._publish(self._centre.status("online", missing, self._now_ms()))

    async def _read_lists(self, session: AmiSession, actions: Sequence[ListAction]) -> Snapshot:
        """All lists; one that is refused is left out, and said once a session.

        Raises:
            AmiActionRefusedError: of a list without which nothing can be shown; it ends the session.
        """
        found: dict[str, Sequence[AmiMessage]] = {}
        for action in actions:
            try:
                found[action.fills] = await session.request_list(action.name, **action.params)
            except AmiActionRefusedError as error:
                if action.required:
                    raise
                if action.name not in self._refused:
                    self._refused.add(action.name)
                    log.warning("%s; so %s", error, action.suffers)
        return Snapshot(**found)

    def _log_rejected(self) -> None:
        for error in self._centre.rejected:
            log.warning("%s", error)

    def _publish(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self._publisher.put(output.event, output.moment_id)


async def _first_end(*work: Coroutine[Any, Any, None]) -> None:
    """Run side by side until the first ends, with its error; the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result

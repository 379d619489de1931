"""The lease on a PBX: a key in NATS that one bridge at a time has written last (ADR 0009).

Its bucket forgets a key 3 s after it was written. Every write says of which revision it is the successor, so
of two that try one succeeds; what is written to it is heard by all bridges as it is written, so nobody asks
while somebody holds it. When to write and whether it is held is decided in ``core/tenure.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from nats import errors
from nats.aio.msg import Msg
from nats.js import api
from nats.js.errors import APIError, NotFoundError
from nats.js.kv import KV_DEL, KV_OP

from services import cancellation
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.quiet_log import QuietLog
from services.ami_bridge.clocks import steady_s
from services.ami_bridge.core.tenure import RENEW_EVERY_S, TTL_S, LeaseValue, Tenure, left_to, read_value
from services.jetstream.connection import Connection
from services.jetstream.errors import LogShapeError
from services.jetstream.log import LogEnd
from services.jetstream.permissions import LEASE
from services.jetstream.streams import ensure_stream
from shared.config import NatsSection
from shared.subjects import encode_token

log = logging.getLogger("pbxis.bridge")

_STREAM = f"KV_{LEASE}"
_ANSWER_WITHIN_S = 1.0
_RELEASED_WITHIN_S = 0.5
_STEP_S = 0.1
_RETRY_S = 0.1
_LOG_EVERY_S = 60.0
# A bucket that differs in one of these cannot hold a lease, or not safely; the server changes none of them.
_SHAPE = ("subjects", "storage", "retention", "discard", "max_msgs_per_subject", "deny_purge", "sealed")
_MOVED = (10071, 10164)
# What a bridge in step with Asterisk writes to ask for it when its holder is not, or was not for a moment: it
# has seen what the holder missed.
_WANTED = ".wanted"


class Lease:
    """One bridge's part in it. ``open`` it; then ``acquire``, ``hold``, ``release``, again and again."""

    def __init__(
        self,
        connection: Connection,
        section: NatsSection,
        pbx: str,
        own: str,
        *,
        session: Callable[[], object | None],
        is_able: Callable[[], bool],
        behind_s: Callable[[], float],
        on_stored_until: Callable[[float], None],
        known: KnownLog,
    ) -> None:
        """
        Args:
            own: what no other bridge calls itself.
            session: the one by which this bridge hears Asterisk, while its lists are read and its link is up.
            is_able: whether it is to act now: what it hears is not late, and it can write.
            behind_s: for how long its oldest moment that is not stored has waited.
            on_stored_until: told, when another bridge renews it, until when that one had everything stored,
                by ``clocks.steady_s``.
            known: told to the others (see ``log_watch.py``).
        """
        self._connection = connection
        self._section = section
        self._js = connection.client.jetstream(timeout=_ANSWER_WITHIN_S)
        self._subject = f"$KV.{LEASE}.{encode_token(pbx)}"
        self._own = own
        self._session_now = session
        self._is_able = is_able
        self._session: object | None = None
        self._session_since_s = 0.0
        self._behind_s = behind_s
        self._on_stored_until = on_stored_until
        self._known = known
        self._tenure = Tenure(steady_s())
        self._quiet = QuietLog(log, _LOG_EVERY_S, steady_s)
        self._writing = asyncio.Lock()
        self._wanted = ""
        self._saw_more = False
        self._taken = asyncio.Event()
        self._freed = asyncio.Event()

    @property
    def holds(self) -> bool:
        """Whether this bridge may act, by its own clock."""
        return self._tenure.holds(steady_s())

    async def open(self) -> None:
        """Listen to the others.

        Raises:
            nats.errors.Error: the connection is closed.
        """
        for subject in (self._subject, self._subject + _WANTED):
            await self._connection.client.subscribe(subject, cb=self._on_write)

    async def acquire(self) -> None:
        """Wait until it is ours."""
        while True:
            fit = self._session_now() is not None and self._is_able()
            if self._connection.connected and self._tenure.may_try(steady_s(), fit=fit):
                if await self._take():
                    return
                self._tenure.found_held(steady_s())
            cancellation.heed()
            self._freed.clear()
            await cancellation.seen(self._freed, _STEP_S)

    async def hold(self) -> str:
        """Renew it as long as that succeeds; why it is not ours any more, or is to be given up."""
        while True:
            pause_s = min(RENEW_EVERY_S, self._tenure.left_s(steady_s()))
            await cancellation.seen(self._taken, max(pause_s, 0))
            while not await self.prove():
                if not self.holds:
                    return "the lease is over" if self._tenure.revision else "another bridge has the lease"
                cancellation.heed()
                await asyncio.sleep(min(_RETRY_S, max(self._tenure.left_s(steady_s()), 0)))
            cancellation.heed()
            if self._wanted:
                return "a bridge that is in step with Asterisk asked for it"

    async def prove(self) -> bool:
        """Renew it now; true when it was ours all the time and still is."""
        async with self._writing:
            if not self.holds or not self._connection.connected:
                return False
            try:
                if await self._succeed(self._write, self._tenure.revision or 0):
                    return True
                self._tenure.ended(steady_s())
            except (errors.Error, TimeoutError) as error:
                log.debug("the lease is not renewed: %s", error or type(error).__name__)
            return False

    async def release(self) -> None:
        """Give it up, if it is ours; the others hear it."""
        async with self._writing:
            revision = self._tenure.revision
            self._tenure.gave_up(steady_s())
            self._taken.clear()
            if revision is not None and self._connection.connected:
                with contextlib.suppress(errors.Error, TimeoutError):
                    async with asyncio.timeout(_RELEASED_WITHIN_S):
                        await self._succeed(self._delete, revision)

    async def taken(self, within_s: float) -> bool:
        """Whether another bridge takes it after a release."""
        return await cancellation.seen(self._taken, within_s)

    # --- reading and writing the key ----------------------------------------------------------------

    async def _take(self) -> bool:
        async with self._writing:
            try:
                await self._connection.call(ensure_stream(self._js, self._config(), shape=_SHAPE))
                asked_at = steady_s()
                holder, revision = await self._look()
                # What is written first is "fit" only of a bridge in step since it heard the last renewal:
                # else another may have seen what this one missed, and asks for it.
                self._wanted = ""
                if holder not in ("", self._own):
                    if not self._tenure.is_stuck(revision, asked_at, steady_s()):
                        return False
                    log.warning(
                        "NATS keeps a lease that nobody renews; was its clock set back? Taking it over"
                    )
                    holder = ""
                if holder == "" and self._tenure.must_let_others(steady_s()):
                    return False
                return await self._write(revision)
            except (LogShapeError, APIError) as error:
                self._quiet.warning("the lease cannot be taken: %s", error, kind=str(error))
                return False
            except (errors.Error, TimeoutError) as error:
                log.debug("the lease cannot be taken now: %s", error or type(error).__name__)
                return False

    async def _succeed(self, write: Callable[[int], Awaitable[bool]], revision: int) -> bool:
        """Write as the successor of our last writing; false when another bridge has written since.

        That writing may be newer than we know: its answer was lost, or nobody waited for it any more.
        """
        if await write(revision):
            return True
        holder, newest = await self._look()
        return holder == self._own and await write(newest)

    async def _look(self) -> tuple[str, int]:
        """Who holds it (``""``: nobody), and the revision of the key."""
        try:
            last = await self._connection.call(self._js.get_last_msg(_STREAM, self._subject))
        except NotFoundError:
            return "", 0
        if (last.headers or {}).get(KV_OP):
            return "", last.seq or 0
        return read_value(last.data or b"").holder, last.seq or 0

    async def _write(self, revision: int) -> bool:
        """Write it as the successor of a revision; false when it is not that any more."""
        asked_at, session = steady_s(), self._session_now()
        end = self._known.end or LogEnd("")
        fit = self._is_still(session) and self._is_able()
        value = LeaseValue(self._own, fit, round(self._behind_s() * 1000), *end)
        sequence = await self._publish(revision, value.encode())
        if sequence is None:
            return False
        self._tenure.renewed(sequence, asked_at)
        # Not before: a break of which nobody may have heard is told again.
        self._see(session, asked_at)
        self._taken.clear()
        return True

    async def _delete(self, revision: int) -> bool:
        """Leave it to the bridge that asked for it, or to any."""
        left_to = f"{self._own} {self._wanted}".encode()
        return await self._publish(revision, left_to, {KV_OP: KV_DEL}) is not None

    async def _publish(self, revision: int, data: bytes, headers: dict[str, str] | None = None) -> int | None:
        """The sequence that it got; ``None`` when the revision is not the newest."""
        condition = {api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(revision)}
        answer = self._js.publish(
            self._subject, data, timeout=_ANSWER_WITHIN_S, headers={**(headers or {}), **condition}
        )
        try:
            return (await self._connection.call(answer)).seq
        except APIError as error:
            if error.err_code not in _MOVED:
                raise
            return None

    def _config(self) -> api.StreamConfig:
        return api.StreamConfig(
            name=_STREAM,
            description="pbxis: which bridge acts for a PBX",
            subjects=[f"$KV.{LEASE}.>"],
            # In memory its revisions would begin again after a crash of the server, and an old one be taken
            # for the newest.
            storage=api.StorageType.FILE,
            retention=api.RetentionPolicy.LIMITS,
            discard=api.DiscardPolicy.NEW,
            max_msgs_per_subject=1,
            max_age=TTL_S,
            duplicate_window=TTL_S,
            num_replicas=self._section.replicas,
            allow_rollup_hdrs=True,
            allow_direct=False,
            deny_delete=True,
        )

    # --- hearing ----------------------------------------------------------------------------------

    async def _on_write(self, message: Msg) -> None:
        """What any bridge writes, also what the server will refuse as it is too late."""
        now = steady_s()
        if message.subject.endswith(_WANTED):
            self._wanted = self._wanted or message.data.decode("utf-8", "replace")
            return
        value = read_value(message.data)
        if value.holder == self._own:
            return
        if (message.headers or {}).get(KV_OP):
            if not self.holds:
                self._tenure.freed(now, to_another=left_to(message.data) not in ("", self._own))
                self._freed.set()
        else:
            self._taken.set()
            if not self.holds:
                self._tenure.heard(now)
                self._on_stored_until(now - value.behind_ms / 1000)
                session = self._session_now()
                still = self._is_still(session)
                self._see(session, now)
                # What the holder has and the log has not yet, it saw as well, or it would be lost.
                saw_it_all = still and self._session_since_s <= now - value.behind_ms / 1000
                self._saw_more = saw_it_all and (self._saw_more or not value.fit)
                # One that was frozen knows what it saw meanwhile, and is able a moment later.
                if self._saw_more and self._is_able():
                    self._saw_more = False
                    await self._connection.client.publish(self._subject + _WANTED, self._own.encode())

    def _see(self, session: object | None, now_s: float) -> None:
        if session is not self._session:
            self._session, self._session_since_s = session, now_s

    def _is_still(self, session: object | None) -> bool:
        """Whether it hears Asterisk by that session, as it did at the last renewal, ours or another's."""
        return session is not None and session is self._session

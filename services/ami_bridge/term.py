"""A term: what a bridge does from taking the lease of its PBX to losing it.

It begins with the fences, after which nobody else's writes are taken; so what it then reads is all that the
log will ever have of those before. What the log lacks is published (moments that nobody stored, then
documents that differ), and from then on each event as it comes. Outbox, heartbeat, commands and the clearing
of tombstones live and die with the term.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from services import cancellation
from services.ami_bridge.ability import Ability
from services.ami_bridge.acting import act
from services.ami_bridge.adapters.fences import Fences
from services.ami_bridge.adapters.heartbeat import Heartbeat
from services.ami_bridge.adapters.jetstream_outbox import Outbox
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.lease import Lease
from services.ami_bridge.adapters.log_reading import load_moment_ids
from services.ami_bridge.adapters.published_states import load_documents, purge_tombstones
from services.ami_bridge.clocks import now
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.kept_moments import KeptMoments
from services.ami_bridge.ports import LivePbx
from services.ami_bridge.relay import Relay
from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError, LogShapeError, NatsUnavailableError
from shared.config import NatsSection

log = logging.getLogger("pbxis.bridge")

_RETRY_S = 0.2
_PURGE_EVERY_S = 3600.0
# Less than a bridge that is not in step with Asterisk leaves a free lease to others. It puts up its fences
# then, and what is sent meanwhile would be stored in part.
_FLUSH_WITHIN_S = 0.6
# What waits when the bridge is stopped; the rest is for who takes over.
_FLUSH_BEFORE_RELEASE_S = 0.3
_ANSWERED_WITHIN_S = 0.5
_LEFT_WITHIN_S = 0.6
_TAKEN_WITHIN_S = 0.3
_STOPPED_WITHIN_S = 4.0


@dataclass
class Duty:
    """What a bridge has in every term."""

    connection: Connection
    nats: NatsSection
    log: KnownLog
    centre: CallCentre
    pbx: LivePbx
    kept: KeptMoments
    relay: Relay
    lease: Lease
    ability: Ability


class Term:
    """Use once: ``serve``."""

    def __init__(self, duty: Duty) -> None:
        self._duty = duty
        self._outbox: Outbox | None = None
        self._began_at = asyncio.get_running_loop().time()
        self._left = asyncio.Event()

    async def serve(self) -> str:
        """Act until that is over; why it is. When cancelled, hand over to another bridge or say `offline`."""
        self._duty.ability.acts(lambda: self._stalled_s)
        holding = asyncio.create_task(self._duty.lease.hold())
        working = asyncio.create_task(self._work())
        try:
            await asyncio.wait({holding, working}, return_when=asyncio.FIRST_COMPLETED)
            if holding.done() and self._duty.lease.holds:  # another bridge asked for it
                working.cancel()
                await self._leave(holding)
        except asyncio.CancelledError:
            working.cancel()
            await self._hand_over(holding)
            raise
        finally:
            self._duty.ability.rests()
            await self._close(0)
            holding.cancel()
            if not working.cancelling():  # a second time would cut short how it ends what is under way
                working.cancel()
            await asyncio.wait({holding, working}, timeout=_STOPPED_WITHIN_S)
            await cancellation.end([holding, working])
        if working.done() and not working.cancelled():
            working.result()  # a bug of ours ends the bridge
        return holding.result() if not holding.cancelled() else "NATS does not say that it is still this one"

    async def _work(self) -> None:
        """Until the log takes no more from us."""
        outbox = await self._begin()
        if outbox is None:
            return
        log.info("%s: acting", self._duty.centre.pbx)
        name, connection, lease = self._duty.centre.pbx, self._duty.connection, self._duty.lease
        heartbeat = Heartbeat(connection, name, lambda: lease.holds and not outbox.stalled)
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(heartbeat.run()),
                group.create_task(_clear_tombstones(connection, name)),
            ]
            taking = act(self._duty.nats, name, self._duty.pbx, may_act=lambda: lease.holds, left=self._left)
            others.append(group.create_task(taking))
            await outbox.fenced_off.wait()
            for task in others:
                task.cancel()

    @property
    def _stalled_s(self) -> float:
        """For how long it had something to write and wrote nothing: a term begins by writing."""
        if self._outbox is not None:
            return self._outbox.stalled_s
        return asyncio.get_running_loop().time() - self._began_at

    async def _prove(self) -> bool:
        """Whether the lease is another's, or over; while NATS only does not say so, put it off.

        Raises:
            NatsUnavailableError: it does not.
        """
        lease = self._duty.lease
        if await lease.prove():
            return True
        if lease.holds:
            raise NatsUnavailableError(self._duty.connection.url, "the lease is not renewed")
        return False

    async def _begin(self) -> Outbox | None:
        while True:
            try:
                return await self._take_over()
            except (BusUnavailableError, LogShapeError) as error:
                log.warning("%s; trying again", error)
            cancellation.heed()
            await asyncio.sleep(_RETRY_S)

    async def _take_over(self) -> Outbox | None:
        """``None``: the lease is another's by now."""
        duty, connection, pbx = self._duty, self._duty.connection, self._duty.centre.pbx
        await duty.log.check()
        fences = Fences(connection, pbx, self._prove)
        if not await fences.put_up():
            return None
        begun_s = now().steady_s
        duty.log.has(*fences.newest)
        documents = await load_documents(connection, pbx, at_least=fences.sequence)
        since = duty.kept.oldest.since if duty.kept.oldest else duty.relay.since
        stored = await load_moment_ids(connection, pbx, since.age_s(now()), fences.sequence)
        outbox = Outbox(
            connection,
            duty.nats,
            pbx,
            fences=fences,
            on_new_log=self._publish_all_again,
            kept=duty.kept,
            known=duty.log,
        )
        self._outbox = outbox
        await outbox.start()
        cancellation.heed()
        # From here to the end without a pause: what comes meanwhile would be missed or told twice.
        if (lost := duty.kept.take_lost()) is not None:
            outbox.tell_lost(lost)
        duty.kept.logged(stored, begun_s)
        for moment in duty.kept:
            outbox.put(moment.event, moment.moment_id)
        for output in duty.centre.catch_up(documents, live=duty.pbx.session is not None):
            outbox.put(output.event, output.moment_id)
        duty.relay.pass_on(outbox)
        return outbox

    async def _hand_over(self, holding: asyncio.Task[str]) -> None:
        """As no state flickers when another bridge goes on, `offline` is said only when none does."""
        duty, outbox = self._duty, self._outbox
        await self._leave(holding)
        if await duty.lease.taken(_TAKEN_WITHIN_S):
            log.info("%s: another bridge goes on", duty.centre.pbx)
        elif outbox is not None:
            outbox.go_on()
            for output in duty.centre.status("offline", "the bridge was stopped", now().wall_ms):
                outbox.put(output.event, output.moment_id)
            await self._close(_FLUSH_WITHIN_S)

    async def _leave(self, holding: asyncio.Task[str]) -> None:
        """End what is under way, and give the lease up."""
        duty, outbox = self._duty, self._outbox
        duty.relay.pass_on(None)
        if outbox is not None:
            await outbox.flushed(_FLUSH_BEFORE_RELEASE_S)
            # Or some of what is under way would be refused, as the next puts up its fences, and some stored.
            await outbox.hold(_ANSWERED_WITHIN_S)
            # Or a command could come to two bridges that both may act.
            await cancellation.seen(self._left, _LEFT_WITHIN_S)
        holding.cancel()
        await duty.lease.release()

    async def _close(self, flush_within_s: float) -> None:
        self._duty.relay.pass_on(None)
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            await outbox.close(flush_within_s)

    def _publish_all_again(self) -> None:
        if self._outbox is not None:
            for document in list(self._duty.centre.documents.values()):
                self._outbox.put(document, "")


async def _clear_tombstones(connection: Connection, pbx: str) -> None:
    while True:
        try:
            cleared = await purge_tombstones(connection, pbx)
            if cleared:
                log.info("cleared %d tombstones that are older than the log", cleared)
        except BusUnavailableError as error:
            log.info("tombstones are not cleared now: %s", error)
        cancellation.heed()
        await asyncio.sleep(_PURGE_EVERY_S)

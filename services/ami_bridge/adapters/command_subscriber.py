"""Takes the commands for one PBX from NATS, by FastStream, and answers each.

FastStream gets our own connection: its broker is told to use that instead of making one. So reconnecting,
TLS, names and logging are those of every other connection of ours; subscribing, decoding, validation and
answering are FastStream's.

While this runs the bridge **acts**: it is in the queue group, and NATS gives it commands. To stop acting, it
is left; from then on NATS tells who asks that nobody is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from fast_depends.msgspec import MsgSpecSerializer
from faststream.nats import NatsBroker
from nats import errors
from nats.aio.client import Client

from services.ami_bridge.core.order import read_order
from services.ami_bridge.ports import CommandHandler
from services.command_routes import AnswerAlways, Subscriber, declare
from services.jetstream.connection import Connection
from shared import subjects
from shared.commands import Command, Outcome

log = logging.getLogger("pbxis.bridge.commands")

_MOST_AT_ONCE = 200
_UNSUBSCRIBED_WITHIN_S = 0.5
_FINISHED_WITHIN_S = 1.2
_GIVEN_UP_WITHIN_S = 0.3
_LOOK_EVERY_S = 0.01

# It tells of each message and each task; only what goes wrong is of interest.
_faststream_log = logging.getLogger("pbxis.bridge.commands.faststream")
_faststream_log.setLevel(logging.WARNING)


class _Broker(NatsBroker):
    """A broker over a connection that is there already."""

    def __init__(self, client: Client) -> None:
        super().__init__(
            logger=_faststream_log,
            log_level=logging.DEBUG,
            middlewares=(AnswerAlways,),
            serializer=MsgSpecSerializer(),
            graceful_timeout=_GIVEN_UP_WITHIN_S,
        )
        self._client = client

    async def _connect(self) -> Client:
        self.config.connect(self._client)
        return self._client


class CommandSubscriber:
    """The subscribers for all actions of one PBX."""

    def __init__(self, connection: Connection, pbx: str, handler: CommandHandler) -> None:
        """``connection`` should be one of its own: commands do not queue behind events then."""
        self._connection = connection
        self._handler = handler
        self._broker = _Broker(connection.client)
        self._subscribers: Sequence[Subscriber] = declare(
            self._broker,
            lambda action: subjects.command(pbx, action),
            subjects.command_group(pbx),
            self._take,
            max_workers=_MOST_AT_ONCE,
        )

    async def run(self) -> None:
        """Take commands until cancelled; then take no more, and end those that are under way.

        They have about a second to end by themselves; then the handler gives up the rest, which answers them.
        """
        await self._broker.start()
        log.info("taking commands")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._leave()

    async def _take(self, command: Command, action: str, headers: dict[str, str]) -> Outcome:
        return await self._handler.execute(read_order(action, headers), command)

    async def _leave(self) -> None:
        await self._unsubscribe()
        if not await self._finished(_FINISHED_WITHIN_S):
            self._handler.give_up()
            await self._finished(_GIVEN_UP_WITHIN_S)
        for subscriber in self._subscribers:
            await subscriber.stop()

    async def _unsubscribe(self) -> None:
        """Have NATS give no more, and take what it gave already.

        FastStream's own ``stop`` drops what comes while it waits, unanswered; so this is done before it.
        """
        subscriptions = [one.subscription for one in self._subscribers if one.subscription is not None]
        for subscriber in self._subscribers:
            subscriber.subscription = None
        if self._connection.connected:
            try:
                async with asyncio.timeout(_UNSUBSCRIBED_WITHIN_S):
                    await asyncio.gather(*(self._connection.call(one.drain()) for one in subscriptions))
            except (errors.Error, TimeoutError) as error:
                log.debug("not unsubscribed in order: %s", error or type(error).__name__)

    async def _finished(self, within_s: float) -> bool:
        """Wait until no command is under way; false when some still are."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while any(map(_busy, self._subscribers)):  # noqa: ASYNC110 - FastStream tells no end
                    await asyncio.sleep(_LOOK_EVERY_S)
                return True
        return False


def _busy(subscriber: Subscriber) -> bool:
    """Whether it holds a message: in its queue, or in the hands of a worker."""
    queued = subscriber.receive_stream.statistics().current_buffer_used
    return queued > 0 or subscriber.limiter.value < subscriber.max_workers

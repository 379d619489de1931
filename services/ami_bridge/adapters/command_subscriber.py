"""Takes the commands for one PBX from NATS, by FastStream, and answers each.

FastStream gets our own connection: its broker is told to use that instead of making one. So reconnecting,
TLS, names and logging are those of every other connection of ours; subscribing, decoding, validation and
answering are FastStream's.

While this runs the bridge **acts**: it is subscribed, and NATS gives it commands. To stop acting, it
unsubscribes; from then on NATS tells who asks that nobody is there.

There is no queue group: NATS keeps the subscription of a bridge that lost its power or hangs for minutes, and
would give it every other command. So each that is subscribed gets each command, and takes it only while it
may act; one that comes too late, to a bridge that was stopped meanwhile, is not even answered: the other's
answer counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from fast_depends.msgspec import MsgSpecSerializer
from faststream import AckPolicy
from faststream.nats import NatsBroker
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

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


class _SideBySide:
    """Our client as FastStream subscribes with it: each message is taken in a task of its own.

    nats-py gives a subscription the next message when the last has been taken, so one command that Asterisk
    does not answer would hold up all of its kind. FastStream's own remedy (``max_workers``) takes a stream,
    two semaphores and a task group for each message: a quarter of what a command costs.
    """

    def __init__(self, client: Client, most: int, may_act: Callable[[], bool]) -> None:
        self._client = client
        self._most = most
        self._may_act = may_act
        self._tasks: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @property
    def busy(self) -> bool:
        """Whether a message is being taken."""
        return bool(self._tasks)

    async def subscribe(
        self, subject: str, queue: str, cb: Callable[[Msg], Coroutine[Any, Any, None]], **options: Any
    ) -> Subscription:
        """As nats-py's."""

        async def take(message: Msg) -> None:
            while len(self._tasks) >= self._most:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if not self._may_act():
                log.warning("a command is left to another bridge: this one may not act any more")
                return
            task = asyncio.create_task(cb(message))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

        return await self._client.subscribe(subject, queue=queue, cb=take, **options)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a command could not be answered", exc_info=error)


class _Broker(NatsBroker):
    """A broker over a connection that is there already."""

    def __init__(self, client: _SideBySide) -> None:
        super().__init__(
            logger=None,
            middlewares=(AnswerAlways,),
            serializer=MsgSpecSerializer(),
            # The decoder has validated it strictly; a second time costs as much as all the rest.
            apply_types=False,
            ack_policy=AckPolicy.MANUAL,  # a request is not acknowledged but answered
            graceful_timeout=_GIVEN_UP_WITHIN_S,
        )
        self._client = cast("Client", client)

    async def _connect(self) -> Client:
        self.config.connect(self._client)
        return self._client


class CommandSubscriber:
    """The subscribers for all actions of one PBX."""

    def __init__(
        self, connection: Connection, pbx: str, handler: CommandHandler, may_act: Callable[[], bool]
    ) -> None:
        """``connection`` should be one of its own: commands do not queue behind events then."""
        self._connection = connection
        self._pbx = pbx
        self._handler = handler
        self._client = _SideBySide(connection.client, _MOST_AT_ONCE, may_act)
        self._broker = _Broker(self._client)
        self._subscribers: Sequence[Subscriber] = declare(
            self._broker, lambda action: subjects.command(pbx, action), self._take
        )

    async def run(self, left: asyncio.Event) -> None:
        """Take commands until cancelled; then take no more, set ``left``, and end those that are under way.

        They have about a second to end by themselves; then the handler gives up the rest, which answers them.
        """
        await self._broker.start()
        log.info("%s: taking commands", self._pbx)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._unsubscribe()
            left.set()
            await self._end_those_under_way()

    async def _take(self, command: Command, action: str, headers: dict[str, str]) -> Outcome:
        return await self._handler.execute(read_order(action, headers), command)

    async def _end_those_under_way(self) -> None:
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
                while self._client.busy:  # noqa: ASYNC110 - FastStream tells no end
                    await asyncio.sleep(_LOOK_EVERY_S)
                return True
        return False

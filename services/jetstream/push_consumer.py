"""An ephemeral push consumer that notices whatever it misses.

nats-py's own ordered consumer loses messages silently when its queue overflows: it moves its idea of the
position before it drops. This one has queues without a limit (JetStream's flow control bounds what can
be in them), counts the consumer's sequence itself, and **ends** on the first doubt: a gap, a heartbeat
that tells of messages which never came, silence. Its owner then makes another from where he stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import api
from nats.js.errors import NotFoundError

from services.jetstream.connection import Connection
from services.jetstream.delivery import Delivery, read_delivery
from services.jetstream.errors import LogMissingError, NatsUnavailableError

log = logging.getLogger("pbxis.nats")

HEARTBEAT_S = 1.0
SILENT_AFTER_S = 2.5 * HEARTBEAT_S
_INACTIVE_S = 30.0
_DELETE_WITHIN_S = 1.0


class End(NamedTuple):
    """Why a consumer ended; ``contact_lost`` when it is not known what happens in the stream meanwhile."""

    reason: str
    contact_lost: bool


OnMessage = Callable[[str, bytes, Delivery], None]
OnIdle = Callable[[], None]
OnHeaders = Callable[[Mapping[str, str]], None]


class PushConsumer:
    """Reads a stream from a sequence on. Use once: ``open``, wait for ``ended``, ``close``.

    ``ended`` is done with an :class:`End`, or with the exception that a callback raised.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        *,
        first_sequence: int,
        on_message: OnMessage,
        on_idle: OnIdle,
        subjects: Sequence[str] = (),
        start_time: datetime | None = None,
        on_headers: OnHeaders | None = None,
    ) -> None:
        """Args: ``on_message`` gets subject, payload, place; ``on_idle`` is called when there was nothing
        to deliver for a heartbeat; no ``subjects`` means all; ``start_time`` takes the place of
        ``first_sequence``; ``on_headers`` is called before ``on_message``.
        """
        self._connection = connection
        self._stream = stream
        self._first_sequence = first_sequence
        self._on_message = on_message
        self._on_idle = on_idle
        self._subjects = list(subjects)
        self._start_time = start_time
        self._on_headers = on_headers
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[End] = self._loop.create_future()
        self._subscription: Subscription | None = None
        self._name: str | None = None
        self._delivered = 0
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._unlisten = connection.listen(self._on_change)

    async def open(self) -> int:
        """Begin; how many messages there are to read.

        Raises:
            LogMissingError: there is no such stream.
            NatsUnavailableError: NATS does not answer.
        """
        client = self._connection.client
        inbox = client.new_inbox()
        try:
            # No limits: nats-py drops what exceeds them.
            self._subscription = await client.subscribe(
                inbox, cb=self._on_raw, pending_msgs_limit=0, pending_bytes_limit=0
            )
            request = self._connection.jetstream.add_consumer(self._stream, self._config(inbox))
            made = await self._connection.call(request)
        except NotFoundError as error:
            raise LogMissingError(self._stream) from error
        except (errors.Error, TimeoutError) as error:
            raise NatsUnavailableError(self._connection.url, error) from error
        self._name = made.name
        self._heard_at = self._loop.time()
        self._look()
        return made.num_pending or 0

    def end(self, end: End) -> None:
        """End it; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(end)

    async def close(self) -> None:
        """Let the server forget it; it would by itself half a minute after we are gone."""
        self._unlisten()
        self.end(End("closed", contact_lost=False))
        if self._watch is not None:
            self._watch.cancel()
        if not self._connection.connected:
            await self._unsubscribe()
            return
        await self._unsubscribe()
        if self._name is not None:
            with contextlib.suppress(errors.Error, TimeoutError):
                deletion = self._connection.jetstream.delete_consumer(self._stream, self._name)
                await asyncio.wait_for(deletion, _DELETE_WITHIN_S)

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            with contextlib.suppress(errors.Error):
                await self._subscription.unsubscribe()

    def _config(self, inbox: str) -> api.ConsumerConfig:
        return api.ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=(
                api.DeliverPolicy.BY_START_SEQUENCE
                if self._start_time is None
                else api.DeliverPolicy.BY_START_TIME
            ),
            opt_start_seq=max(self._first_sequence, 1) if self._start_time is None else None,
            opt_start_time=self._start_time,
            filter_subjects=self._subjects or None,
            ack_policy=api.AckPolicy.NONE,
            max_deliver=1,
            flow_control=True,
            idle_heartbeat=HEARTBEAT_S,
            inactive_threshold=_INACTIVE_S,
            mem_storage=True,
            num_replicas=1,
        )

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self.end(End("the connection to NATS was lost", contact_lost=True))

    async def _on_raw(self, message: Msg) -> None:
        if self.ended.done():
            return
        self._heard_at = self._loop.time()
        headers = message.headers
        status = headers.get("Status") if headers else None
        try:
            if status is None:
                self._on_data(message)
            elif status == "100":
                await self._on_control(message, headers or {})
            else:
                description = (headers or {}).get("Description", "")
                self.end(End(f"the server says {status} {description}", contact_lost=False))
        except Exception as error:  # noqa: BLE001 - the outermost loop of what reads: its owner gets the error
            if not self.ended.done():
                self.ended.set_exception(error)

    def _on_data(self, message: Msg) -> None:
        delivery = read_delivery(self._stream, message.reply)
        if delivery.consumer_sequence != self._delivered + 1:
            self.end(
                End(f"message {delivery.consumer_sequence} came after {self._delivered}", contact_lost=False)
            )
            return
        self._delivered = delivery.consumer_sequence
        if self._on_headers is not None:
            self._on_headers(message.headers or {})
        self._on_message(message.subject, message.data, delivery)

    async def _on_control(self, message: Msg, headers: dict[str, str]) -> None:
        # Flow control asks whether we are through with what it sent so far. We are: a callback has done
        # its work when it returns.
        wanted = message.reply or headers.get("Nats-Consumer-Stalled")
        if wanted:
            await self._connection.client.publish(wanted)
        told = headers.get("Nats-Last-Consumer")
        if told is None:
            return
        if told != str(self._delivered):
            self.end(End(f"{told} messages were sent, {self._delivered} came", contact_lost=False))
        else:
            self._on_idle()

    def _look(self) -> None:
        """End it when not even heartbeats come."""
        left = self._heard_at + SILENT_AFTER_S - self._loop.time()
        if left <= 0:
            self.end(End(f"silent for {SILENT_AFTER_S} s", contact_lost=True))
        if not self.ended.done():
            self._watch = self._loop.call_later(left, self._look)

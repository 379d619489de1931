"""Requests to NATS over one inbox for all answers.

nats-py's own ``request`` does not let go when the connection is lost, and begins with an ``await`` between
the look whether there is a connection and the sending: what is sent into a lost connection lies in its
buffer, and goes out when the connection is back. Here nothing is awaited in between, so a request either
leaves now or not at all (and ``LastingClient`` forgets what a lost connection had not taken yet).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services.jetstream.connection import Connection

_NO_RESPONDERS = "503"


class NotSentError(Exception):
    """Nothing left this process; the text says why."""


class NobodyThereError(Exception):
    """Nobody takes requests of this subject: the server said so at once."""


class NoAnswerError(Exception):
    """It was sent, and no answer came; the text says why."""


class Replies:
    """Sends requests and hands each its answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._inbox = connection.client.new_inbox()
        self._subscription: Subscription | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._numbered = 0
        self._unlisten = connection.listen(self._on_change)

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return len(self._waiting)

    async def ask(self, subject: str, payload: bytes, headers: Mapping[str, str], within_s: float) -> bytes:
        """Send one request, once, and wait for its answer.

        Raises:
            NotSentError: not connected, or too large: nothing was sent, nor will be.
            NobodyThereError: nobody takes it.
            NoAnswerError: no answer in time, or the connection was lost meanwhile.
        """
        answer = await self.send(subject, payload, headers)
        late = self._loop.call_later(within_s, _fail, answer, f"no answer within {within_s:.1f} s")
        try:
            return await answer
        finally:
            late.cancel()

    async def send(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> asyncio.Future[bytes]:
        """Send one request, once; its answer, which may raise what :meth:`ask` raises, without a time limit.

        Whoever waits no longer cancels it.

        Raises:
            NotSentError: as of :meth:`ask`.
        """
        if self._subscription is None:
            await self._open()
        if not self._connection.connected:
            raise NotSentError("not connected to NATS")
        self._numbered += 1
        token = str(self._numbered)
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[token] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(token, None))
        try:
            await self._connection.client.publish(
                subject, payload, f"{self._inbox}.{token}", headers=dict(headers)
            )
        except errors.Error as error:
            answer.cancel()
            raise NotSentError(str(error) or type(error).__name__) from error
        return answer

    async def close(self) -> None:
        """Take no more answers."""
        self._unlisten()
        if self._subscription is not None and self._connection.connected:
            await self._subscription.unsubscribe()

    async def _open(self) -> None:
        async with self._opening:
            if self._subscription is None:
                try:
                    # No limits: nats-py would drop answers above them.
                    self._subscription = await self._connection.client.subscribe(
                        f"{self._inbox}.*", cb=self._on_answer, pending_msgs_limit=0, pending_bytes_limit=0
                    )
                except errors.Error as error:
                    raise NotSentError(str(error) or type(error).__name__) from error

    async def _on_answer(self, message: Msg) -> None:
        answer = self._waiting.get(message.subject.rpartition(".")[2])
        if answer is None or answer.done():
            return
        if message.headers and message.headers.get("Status") == _NO_RESPONDERS and not message.data:
            answer.set_exception(NobodyThereError())
        else:
            answer.set_result(message.data)

    def _on_change(self, connected: bool) -> None:
        if not connected:
            for answer in list(self._waiting.values()):
                _fail(answer, "the connection to NATS was lost")


def _fail(answer: asyncio.Future[bytes], reason: str) -> None:
    if not answer.done():
        answer.set_exception(NoAnswerError(reason))

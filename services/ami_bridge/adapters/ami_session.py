"""One login to Asterisk: its events in order, and actions with a certain end.

Events are put into a bounded queue from ``data_received``; the reader of :meth:`Session.batches` takes them
out. When it falls so far behind that the queue is full, the session is ended with that reason: after a
reconnect everything is read anew, while a silently dropped event would leave a wrong figure. What was read
until then is still handed over: it has moments, which no list tells.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import cast

from panoramisk import Manager

from services.ami_bridge.adapters.ami_actions import (
    ListAction,
    SingleAction,
    checked_headers,
    id_of,
    is_error,
)
from services.ami_bridge.adapters.ami_protocol import LeanProtocol
from services.ami_bridge.clocks import now
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.errors import (
    ActionNotSentError,
    ActionOutcomeUnknownError,
    AmiActionRefusedError,
    AmiLinkLostError,
    UnsafeActionError,
)


class EventQueue:
    """The events of a connection between the protocol that reads them and the one who takes them.

    Args:
        limit: the most messages to hold.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._came: deque[list[AmiMessage] | Instant] = deque()
        self._held = 0
        self._wake = asyncio.Event()
        self.read_until = now()
        """See ``ports.AmiSession``."""
        self.lost: str | None = None
        """Why no more will come; ``None`` while the connection is up."""
        self.booted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when `FullyBooted` was seen; it stays in the events as well."""

    def receive(self, batch: list[AmiMessage]) -> bool:
        """Put a batch in; false when that was the last for which there is room. Called by the protocol."""
        if not self.booted.done() and any(message["Event"] == "FullyBooted" for message in batch):
            self.booted.set_result(None)
        self._held += len(batch)
        self._came.append(batch)
        self._wake.set()
        return self._held <= self._limit

    def on_answer(self, asked: Instant) -> None:
        """What Asterisk said before it was asked then has come. Called by the protocol."""
        self._came.append(asked)
        self._wake.set()

    def on_lost(self, reason: str) -> None:
        """No more will come. Called by the protocol."""
        self.lost = reason
        self._wake.set()

    async def batches(self) -> AsyncIterator[Sequence[AmiMessage]]:
        """What is in the queue, then what comes, until the connection is over.

        Raises:
            AmiLinkLostError: it is, and all that came has been taken.
        """
        while True:
            while self._came:
                batch = self._came.popleft()
                if isinstance(batch, Instant):
                    self.read_until = batch
                    continue
                self._held -= len(batch)
                yield batch
                # A long queue must not keep the loop from reading and from answering others.
                await asyncio.sleep(0)
            if self.lost is not None:
                raise AmiLinkLostError(self.lost)
            self._wake.clear()
            await self._wake.wait()

    def rest(self) -> list[AmiMessage]:
        """What is in the queue; it is taken out."""
        batches = [batch for batch in self._came if not isinstance(batch, Instant)]
        self._came.clear()
        self._held = 0
        return [message for batch in batches for message in batch]


class Session:
    """A connection over which actions go: first those of the login, then as an ``AmiSession`` any."""

    def __init__(
        self, manager: Manager, protocol: LeanProtocol, events: EventQueue, list_timeout_s: float
    ) -> None:
        self._manager = manager
        self._protocol = protocol
        self._events = events
        self._list_timeout_s = list_timeout_s
        self.asterisk = ""

    @property
    def read_until(self) -> Instant:
        """See ``ports.AmiSession``."""
        return self._events.read_until

    def batches(self) -> AsyncIterator[Sequence[AmiMessage]]:
        """See ``ports.AmiSession``."""
        return self._events.batches()

    def rest(self) -> Sequence[AmiMessage]:
        """See ``ports.AmiSession``."""
        return self._events.rest()

    async def request(
        self, action: str, headers: Mapping[str, str | Sequence[str]], timeout_s: float
    ) -> AmiMessage:
        """See ``ports.AmiSession``."""
        sent = SingleAction(checked_headers(action, headers))
        response = cast("AmiMessage", await self._answer(action, sent, timeout_s))
        if is_error(response):
            raise AmiActionRefusedError(action, response)
        return response

    async def request_list(self, action: str, **headers: str) -> list[AmiMessage]:
        """See ``ports.AmiSession``."""
        sent = ListAction(checked_headers(action, headers))
        answer = await self._answer(action, sent, self._list_timeout_s)
        last, items = cast("tuple[AmiMessage, list[AmiMessage]]", answer)
        if is_error(last):
            raise AmiActionRefusedError(action, last)
        return items

    async def _answer(self, name: str, action: SingleAction | ListAction, timeout_s: float) -> object:
        if self._events.lost is not None or self._protocol.closed or self._protocol.transport.is_closing():
            raise ActionNotSentError(name, self._events.lost or "the link to Asterisk is down")
        if id_of(action) in self._protocol.responses:
            raise UnsafeActionError(name, "ActionID", "is that of an action which is still awaited")
        future = cast("asyncio.Future[object]", self._manager.send_action(action))
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise ActionOutcomeUnknownError(name, f"no answer within {timeout_s:g} s") from None
        finally:
            self._protocol.forget(action)


async def watch(protocol: LeanProtocol, interval_s: float, deadline_s: float) -> None:
    """Ping Asterisk for ever, and cut the connection when it gives no sign of life.

    A stopped Asterisk, or a dead network, leaves the connection open and says nothing. It is found at most
    ``interval_s + deadline_s`` after its last byte: the next Ping, and the time it has to answer. Any
    byte counts as an answer, for a busy stream may hold the Pong up.
    """
    loop = asyncio.get_running_loop()
    while True:
        asked_at = loop.time()
        protocol.ping()
        await asyncio.sleep(interval_s)
        while protocol.last_byte_at < asked_at:
            left_s = asked_at + deadline_s - loop.time()
            if left_s <= 0:
                protocol.cut(f"Asterisk did not answer a Ping within {deadline_s:g} s")
                return
            await asyncio.sleep(left_s)

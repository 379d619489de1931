"""Clients that come, stay for a while, drop out and come back, or leave for good."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from benchmarks.rig.tickets import revoke, tickets
from benchmarks.soak.history import History
from benchmarks.soak.log_copy import LogCopy
from benchmarks.soak.scopes import SCOPES, Scope
from benchmarks.soak.transports import ServerSentEvents, StreamError, WebSocket, poll

_STAY_S = 45.0
_AWAY_S = 3.0
_COMES_BACK = 0.6
_NEW_TICKET = 0.1
_TRANSPORTS = ("websocket", "sse", "long-poll", "cursor")
_POLLS = ("long-poll", "cursor")
_SHARES = (40, 30, 20, 10)


class Crowd:
    """All of them, and what was wrong.

    ``faults`` must stay empty; ``done`` counts what they did and is there to show that something happened.
    """

    def __init__(self, port: int, log: LogCopy, count: int, *, seed: int = 1) -> None:
        self.faults: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._port = port
        self._log = log
        self._count = count
        self._random = random.Random(seed)
        self._histories: set[History] = set()
        self._leave = asyncio.Event()

    async def run(self) -> None:
        """Come and go until :meth:`send_away`."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._slot(SCOPES[number % len(SCOPES)]))

    def send_away(self) -> None:
        """Everybody leaves now."""
        self._leave.set()

    @property
    def connected(self) -> int:
        """How many are there."""
        return sum(history.connected for history in self._histories)

    def judge(self) -> None:
        """Compare what they were told with the log; to be called again and again."""
        now = asyncio.get_running_loop().time()
        for history in self._histories:
            self.done["events"] += history.judge(now)

    async def _slot(self, scope: Scope) -> None:
        """One who comes, goes, and is followed by the next."""
        ticket = ""
        await self._pause(_STAY_S * self._random.random())
        while not self._leave.is_set():
            transport = self._choose()
            # A ticket's first poll goes on where its last one was: who wants the state needs a new one.
            if not ticket or transport in _POLLS or self._random.random() < _NEW_TICKET:
                if ticket:
                    await revoke(self._port, ticket)
                (ticket,) = await tickets(self._port, [scope.body()])
            history = History(scope, self._log, self.faults)
            self._histories.add(history)
            self.done["visits"] += 1
            await self._visit(history, ticket, transport)
            while self._log.last < history.last_told:  # noqa: ASYNC110 - the copy is read now and then
                await asyncio.sleep(0.1)
            self.done["events"] += history.judge(asyncio.get_running_loop().time())
            self._histories.discard(history)

    def _choose(self) -> str:
        (transport,) = self._random.choices(_TRANSPORTS, _SHARES)
        return transport

    async def _visit(self, history: History, ticket: str, transport: str) -> None:
        """Connections one after the other, each of which goes on where the one before was."""
        while True:
            self.done[f"connections, {transport}"] += 1
            try:
                await self._connection(history, ticket, transport)
            except (StreamError, OSError, asyncio.IncompleteReadError) as error:
                self.faults[f"{transport}: {error}"[:200]] += 1
                history.connected = False
                return
            history.connected = False
            if self._leave.is_set() or not history.position or transport == "cursor":
                return
            if self._random.random() > _COMES_BACK:
                return
            await self._pause(self._random.expovariate(1 / _AWAY_S))
            self.done["resumes"] += 1
            transport = self._choose()
            if transport == "cursor":
                transport = "long-poll"

    async def _connection(self, history: History, ticket: str, transport: str) -> None:
        stay_s = self._random.expovariate(1 / _STAY_S)
        if transport in _POLLS:
            until = asyncio.Event()
            timer = asyncio.get_running_loop().call_later(stay_s, until.set)
            leaving = asyncio.create_task(self._when_sent_away(until))
            try:
                await poll(history, self._port, ticket, cursor=transport == "cursor", until=until)
            finally:
                timer.cancel()
                leaving.cancel()
            return
        after = f"?after={history.position}" if history.position else ""
        kind = WebSocket if transport == "websocket" else ServerSentEvents
        target = f"/{ticket}/{transport}{after}"
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(
            lambda: kind(history, self._port, target), "127.0.0.1", self._port
        )
        pause = asyncio.create_task(self._pause(stay_s))
        await asyncio.wait({pause, stream.ended}, return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        stream.end(None)
        if why := stream.ended.result():
            raise StreamError(why)

    async def _when_sent_away(self, until: asyncio.Event) -> None:
        await self._leave.wait()
        until.set()

    async def _pause(self, seconds: float) -> None:
        """So long, or until everybody leaves."""
        try:
            async with asyncio.timeout(seconds):
                await self._leave.wait()
        except TimeoutError:
            return

"""What stands in for the outside of the action desk: bus, once store, audit; and a bridge on a real NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nats.aio.msg import Msg

from services.gateway.errors import BusAwayError, KeyReusedError
from services.gateway.ports import AuditEntry, Running, Settled
from services.jetstream.connection import Connection
from shared import commands, subjects
from shared.audit import AuditRecord, encode
from shared.commands import Command, Outcome

DONE = Outcome(result="done", message="Added interface to queue")


@dataclass
class Asked:
    """One command as the bus got it."""

    pbx: str
    command: Command
    command_id: str
    caller: str
    within_s: float


class FakeBus:
    """Answers every command with ``outcome``, once ``let_go`` is set."""

    def __init__(self, outcome: Outcome = DONE) -> None:
        self.outcome = outcome
        self.asked: list[Asked] = []
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def ask(
        self, pbx: str, command: Command, *, command_id: str, caller: str, within_s: float
    ) -> Outcome:
        self.asked.append(Asked(pbx, command, command_id, caller, within_s))
        await self.let_go.wait()
        return self.outcome


class FakeOnceStore:
    """Keys in memory, for any number of gateways.

    ``away`` plays a NATS to which there is no connection. ``freeze`` plays one that takes what is sent and
    does not answer: it acts on it when it is ``back``, if it was not ``lost`` meanwhile.
    """

    def __init__(self) -> None:
        self.away = False
        self._frozen = False
        self._revision = 0
        self._keys: dict[str, tuple[str, int, Running | Settled]] = {}
        self._marked: set[str] = set()
        self._on_the_way: list[Callable[[], None]] = []
        self._later: dict[tuple[str, str], Callable[[], None]] = {}

    @property
    def later(self) -> int:
        """How many writes wait."""
        return len(self._later)

    def freeze(self) -> None:
        """NATS does not answer any more."""
        self._frozen = True

    def lose(self) -> None:
        """What NATS has not acted on yet, it never will."""
        self.away, self._frozen = True, False
        self._on_the_way.clear()

    def back(self, *, late: bool = False) -> None:
        """NATS answers again; ``late``: what was sent before arrives after what waited for it."""
        self.away = self._frozen = False
        waited = [*self._later.values()]
        for write in [*waited, *self._on_the_way] if late else [*self._on_the_way, *waited]:
            write()
        self._later.clear()
        self._on_the_way.clear()

    async def begin(
        self, key: str, fingerprint: str, command_id: str, give_up_ms: int
    ) -> int | Running | Settled:
        if self._frozen:
            self._on_the_way.append(lambda: self._create_unseen(key, fingerprint, command_id, give_up_ms))
            self._later[key, command_id] = lambda: self._release(key, command_id)
        self._answer()
        found = self._keys.get(key)
        if found is None:
            return self._put(key, fingerprint, Running(command_id, give_up_ms))
        if found[0] != fingerprint:
            raise KeyReusedError
        return found[2]

    async def settle(self, key: str, revision: int, fingerprint: str, settled: Settled) -> None:
        def write() -> None:
            found = self._keys.get(key)
            if found is not None and found[1] == revision:
                self._put(key, fingerprint, settled)

        self._now_or_later((key, settled.command_id), write)

    async def release(self, key: str, command_id: str) -> None:
        self._now_or_later((key, command_id), lambda: self._release(key, command_id))

    async def look(self, key: str) -> Running | Settled | None:
        self._answer()
        found = self._keys.get(key)
        return None if found is None else found[2]

    def _create_unseen(self, key: str, fingerprint: str, command_id: str, give_up_ms: int) -> None:
        """It was written for a key that never was there, and nobody is left to try again with another."""
        if key not in self._keys and key not in self._marked:
            self._put(key, fingerprint, Running(command_id, give_up_ms))

    def _put(self, key: str, fingerprint: str, state: Running | Settled) -> int:
        self._revision += 1
        self._keys[key] = (fingerprint, self._revision, state)
        return self._revision

    def _release(self, key: str, command_id: str) -> None:
        found = self._keys.get(key)
        if found is None:
            self._marked.add(key)
        elif isinstance(found[2], Running) and found[2].command_id == command_id:
            del self._keys[key]
            self._marked.add(key)

    def _now_or_later(self, attempt: tuple[str, str], write: Callable[[], None]) -> None:
        if self._frozen:
            self._on_the_way.append(write)
        if self.away or self._frozen:
            self._later[attempt] = write
        else:
            write()

    def _answer(self) -> None:
        if self.away or self._frozen:
            raise BusAwayError("away")


@dataclass
class FakeAudit:
    """Keeps what is written, in order; readers get the ends."""

    records: list[AuditRecord] = field(default_factory=list[AuditRecord])
    away: bool = False
    reading: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self, record: AuditRecord) -> None:
        encode(record)  # what cannot be written fails, as it does at the real one
        self._add(record)

    def write(self, record: AuditRecord) -> None:
        encode(record)
        self._add(record)

    def of(self, phase: str) -> list[AuditRecord]:
        return [record for record in self.records if record.phase == phase]

    @asynccontextmanager
    async def read(self, after: int | None, newest: int) -> AsyncGenerator[_FakeReading]:
        if self.away:
            raise BusAwayError("away")
        if after is None or after > len(self.records):
            after = max(len(self.records) - newest, 0)
        self.reading += 1
        try:
            yield _FakeReading(self, after)
        finally:
            self.reading -= 1

    def _add(self, record: AuditRecord) -> None:
        self.records.append(record)
        self._changed.set()

    async def more(self, after: int, within_s: float) -> list[AuditEntry]:
        if len(self.records) <= after:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), within_s)
            except TimeoutError:
                return []
        return [
            AuditEntry(number, encode(record))
            for number, record in enumerate(self.records, 1)
            if number > after
        ]


class _FakeReading:
    def __init__(self, audit: FakeAudit, after: int) -> None:
        self._audit = audit
        self._after = after

    async def next(self, within_s: float) -> list[AuditEntry]:
        entries = await self._audit.more(self._after, within_s)
        self._after = entries[-1].sequence if entries else self._after
        return entries


class FakeBridge:
    """Takes the commands of one PBX on a real NATS, and answers when ``let_go`` is set."""

    def __init__(self, outcome: Outcome | bytes = DONE) -> None:
        self.outcome = outcome
        self.messages: list[Msg] = []
        self.let_go = asyncio.Event()
        self.let_go.set()
        self._answering: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self, connection: Connection, pbx: str = "hq") -> AsyncGenerator[FakeBridge]:
        """Take commands meanwhile."""
        subscription = await connection.client.subscribe(subjects.command(pbx, "*"), cb=self._take)
        for _ in range(2):  # nats-py's first PING goes out ahead of what waits to be written
            await connection.client.flush()
        try:
            yield self
        finally:
            if connection.connected:
                await subscription.unsubscribe()
            for task in self._answering:
                task.cancel()

    async def _take(self, message: Msg) -> None:
        self.messages.append(message)
        task = asyncio.create_task(self._answer(message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, message: Msg) -> None:
        await self.let_go.wait()
        outcome = self.outcome
        await message.respond(outcome if isinstance(outcome, bytes) else commands.encode(outcome))

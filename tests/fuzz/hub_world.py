"""A log, gateways that read it at their own pace, and what a client must have got of it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import msgspec

from services import cancellation
from services.gateway.core import scope as scopes
from services.gateway.core.scope import Scope
from services.gateway.errors import BusAwayError, HistoryGoneError
from services.gateway.hub import Hub
from services.gateway.ports import Stored
from services.gateway.replay import Replay
from shared import subjects, wire
from shared.events import Event, PbxStatus, subject_of
from shared.subjects import Subject
from tests.support import gateway_fakes as fakes
from tests.support.gateway_fakes import FakeClock, FakeLoop

PBXS = ("hq", "branch")
AGENTS = ("141", "142", "148", "viktor")
QUEUES = ("q1", "q2", "sales")
_FOREIGN = "elsewhere"

Key = tuple[str, str, "str | None", "str | None"]
Document = dict[str, object]


def key_of(subject: Subject) -> Key:
    """The state that an event of this subject replaces."""
    return subject.type, subject.pbx, subject.queue, subject.agent


def any_event(rng: random.Random, number: int) -> Event:
    """Some event; ``number`` is somewhere in most, so that each is told from the others."""
    pbx = rng.choice((*PBXS, *PBXS, *PBXS, *PBXS, _FOREIGN))
    agent, queue = rng.choice(AGENTS), rng.choice(QUEUES)
    kind = rng.randrange(8)
    if kind == 0:
        return fakes.name(agent, f"name {number}", pbx)
    if kind == 1:
        return fakes.phone(agent, str(number), pbx)
    if kind == 2:
        return fakes.member(agent, queue, pbx)
    if kind == 3:
        return msgspec.structs.replace(fakes.complete(agent, pbx), queue=queue, talk_time=number)
    if kind == 4:
        return msgspec.structs.replace(fakes.parked(pbx), timeout=number)
    if kind == 5 and rng.random() < 0.2:
        return PbxStatus(pbx=pbx, status=rng.choice(("online", "online", "syncing")), since=number)
    return fakes.count(number, queue, pbx)


@dataclass
class Log:
    """One generation of the log. ``first`` is the first sequence that can still be read."""

    generation: str
    stored: list[Stored] = field(default_factory=list[Stored])
    subjects: list[Subject | None] = field(default_factory=list["Subject | None"])
    first: int = 1

    @property
    def last(self) -> int:
        """The newest sequence; they begin at 1."""
        return len(self.stored)

    def write(self, event: Event) -> None:
        """Store an event."""
        subject = subject_of(event)
        self._store(subjects.build(subject), wire.encode(event), subject)

    def write_fence(self, pbx: str, number: int) -> None:
        """Store what is not for clients."""
        self._store(subjects.fence(pbx, number), b"", None)

    def admitted(self, scope: Scope, after: int, end: int) -> list[Stored]:
        """What a scope gets of the part behind ``after`` up to ``end``."""
        part = zip(self.stored[after:end], self.subjects[after:end], strict=True)
        return [one for one, subject in part if subject is not None and scopes.admits(scope, subject)]

    def state(self, end: int) -> dict[Key, Stored]:
        """The newest value of every state up to ``end``."""
        found: dict[Key, Stored] = {}
        for one, subject in zip(self.stored[:end], self.subjects[:end], strict=True):
            if subject is not None and subject.family == "state" and subject.pbx in PBXS:
                found[key_of(subject)] = one
        return found

    def _store(self, subject: str, payload: bytes, parsed: Subject | None) -> None:
        self.stored.append(Stored(subject, payload, len(self.stored) + 1))
        self.subjects.append(parsed)


class World:
    """The logs there were; the newest is ``log``."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.logs: dict[str, Log] = {}
        self.written = 0
        self.away = False
        self.renew()

    @property
    def log(self) -> Log:
        """The log as it is now."""
        return self.logs[f"g{len(self.logs)}"]

    def renew(self) -> None:
        """The log is made anew."""
        generation = f"g{len(self.logs) + 1}"
        self.logs[generation] = Log(generation)

    def write(self, number: int) -> None:
        """So many events."""
        for _ in range(number):
            self.written += 1
            if self.rng.random() < 0.02:
                self.log.write_fence(self.rng.choice(PBXS), self.written)
            else:
                self.log.write(any_event(self.rng, self.written))

    async def page(self, generation: str, after: int, most: int) -> list[Stored]:
        """As ``ports.LogHistory``."""
        log = self.log
        if self.away:
            raise BusAwayError("fuzz")
        if generation != log.generation or log.first > after + 1:
            raise HistoryGoneError
        return log.stored[after : after + self.rng.randint(1, most)]


class Gateway:
    """A hub, the feed that drives it, and its reader of the log."""

    def __init__(self, world: World, clock: FakeClock) -> None:
        self._world = world
        self._log = world.log
        self.loop = FakeLoop(clock)
        self.hub = Hub(PBXS, clock, self.loop)
        self.hub.ring.limit = world.rng.choice((16, 60, 20_000))
        self._reading = asyncio.create_task(Replay(self.hub, world).run())
        self._read = 0
        self._ready_at: int | None = None

    @property
    def behind(self) -> int:
        """How many messages it has not read yet; much when it reads a log that is no more."""
        return 10**9 if self._log is not self._world.log else self._log.last - self._read

    async def end(self) -> None:
        """End what runs."""
        await cancellation.end([self._reading])

    def begin(self) -> None:
        """Read the state anew, from the log as it is now; all of it may take a while."""
        log, rng = self._world.log, self._world.rng
        self._log = log
        self.hub.begin(log.generation)
        self._read = log.last - min(log.last, rng.choice((0, 0, 1, 20)))
        for one in log.state(self._read).values():
            self.hub.restore(*one)
        self._ready_at = log.last
        self._look()

    def read(self, most: int) -> None:
        """Read on; a log that is no more has nothing."""
        for one in self._log.stored[self._read : self._read + most]:
            self._read = one.sequence
            self.hub.deliver(*one)
            self._look()

    def _look(self) -> None:
        if self._ready_at is not None and self._read >= self._ready_at:
            self._ready_at = None
            self.hub.caught_up(self._read)

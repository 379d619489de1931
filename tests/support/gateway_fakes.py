"""What stands in for the outside of a gateway: clock, ticket store, log, and events of a call centre."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from services.gateway.core.batch import Batch
from services.gateway.core.frames import Message
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BusAwayError, HistoryGoneError
from services.gateway.hub import Hub
from services.gateway.lanes.lane import LaneName, Reader, Transport
from services.gateway.ports import Cursor, Stored, StoredTicket
from services.gateway.subscription import Subscription
from shared import subjects, wire
from shared.events import (
    AgentComplete,
    AgentName,
    Event,
    ExtensionStatus,
    ParkedCall,
    PbxStatus,
    PhoneNumber,
    QueueCount,
    QueueMemberStatus,
    subject_of,
)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, at_s: float = 1000.0) -> None:
        self.at_s = at_s

    def now_ms(self) -> int:
        return int(self.at_s * 1000)

    def monotonic(self) -> float:
        return self.at_s

    def go(self, seconds: float) -> None:
        self.at_s += seconds


class FakeLoop:
    """A scheduler whose turns the test makes. Pauses are on the clock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, Callable[[], None]]] = []

    def call_soon(self, callback: Callable[[], None]) -> object:
        self._waiting.append((self._clock.at_s, callback))
        return callback

    def call_later(self, delay: float, callback: Callable[[], None]) -> object:
        self._waiting.append((self._clock.at_s + delay, callback))
        return callback

    @property
    def idle(self) -> bool:
        """Whether nothing waits for a turn."""
        return not self._waiting

    def turn(self) -> None:
        """Call what is due."""
        due = [one for one in self._waiting if one[0] <= self._clock.at_s]
        self._waiting = [one for one in self._waiting if one[0] > self._clock.at_s]
        for _, callback in due:
            callback()

    def run(self) -> None:
        """Turn until nothing is due any more."""
        while any(at <= self._clock.at_s for at, _ in self._waiting):
            self.turn()


class FakeLane:
    """Keeps what is written. Asks for a pause when it holds ``room`` messages or more."""

    transport: Transport = "websocket"
    name: LaneName = "raw"

    def __init__(self, room: int | None = None) -> None:
        self.room = room
        self.messages: list[Message] = []
        self.writes = 0
        self._paused = False
        self._reader: Reader | None = None

    def attach(self, reader: Reader) -> None:
        self._reader = reader

    def write(self, batch: Batch) -> None:
        self.messages.extend(batch.messages)
        self.writes += 1
        if self.room is not None and len(self.messages) >= self.room:
            self.stop()

    def drop(self) -> None:
        self.messages.clear()

    def stop(self) -> None:
        """Its client does not read."""
        if not self._paused and self._reader is not None:
            self._paused = True
            self._reader.pause()

    def take(self) -> list[Message]:
        """Its client reads everything: it drains."""
        messages, self.messages = self.messages, []
        if self._paused and self._reader is not None:
            self._paused = False
            self._reader.go_on()
        return messages

    def events(self) -> list[dict[str, Any]]:
        """The same, decoded."""
        return [msgspec.json.decode(message.json) for message in self.take()]

    def types(self) -> list[str]:
        """The types of the same."""
        return [event["type"] for event in self.events()]


def place(hub: Hub, sequence: int) -> str:
    """The id of who polls at a sequence, and was told of PBXs what the hub shows now."""
    position = hub.position()
    assert position is not None
    return str(position._replace(sequence=sequence))


class NoHub:
    """For a subscription that no hub looks after."""

    def paused(self, subscription: Subscription) -> None:
        """Nobody cares."""

    def writable(self, subscription: Subscription) -> None:
        """Nobody cares."""


class FakeTicketStore:
    """Tickets in memory, for any number of gateways. ``away`` plays a NATS that does not answer."""

    def __init__(self, ttl_s: int = 86400, clock: FakeClock | None = None) -> None:
        self._ttl_ms = ttl_s * 1000
        self._clock = clock or FakeClock()
        self.tickets: dict[str, StoredTicket] = {}
        self.cursors: dict[str, Cursor] = {}
        self.touches = 0
        self.away = False
        self._revision = 0
        self._revoked: set[str] = set()
        self._watchers: list[Callable[[str], None]] = []

    async def create(self, key: str, ticket: Ticket, now_ms: int) -> None:
        self._answer()
        self.tickets[key] = StoredTicket(ticket, now_ms)

    async def read(self, key: str) -> StoredTicket | None:
        self._answer()
        stored = self.tickets.get(key)
        if stored is not None and self._clock.now_ms() - stored.touched_ms >= self._ttl_ms:
            del self.tickets[key]
            return None
        return stored

    async def touch(self, key: str, now_ms: int) -> bool:
        self._answer()
        if key not in self.tickets:
            return False
        self.touches += 1
        if key in self.cursors:
            self._revision += 1
            self.cursors[key] = self.cursors[key]._replace(revision=self._revision)
        self.tickets[key] = StoredTicket(self.tickets[key].ticket, now_ms)
        return True

    async def revoke(self, key: str) -> bool:
        self._answer()
        self.cursors.pop(key, None)
        self._revoked.add(key)
        if self.tickets.pop(key, None) is None:
            return False
        for watcher in self._watchers:
            watcher(key)
        return True

    async def read_cursor(self, key: str) -> Cursor | None:
        self._answer()
        return self.cursors.get(key)

    async def move_cursor(self, key: str, position: str, found: Cursor | None) -> bool:
        self._answer()
        at = self.cursors.get(key)
        if key in self._revoked or (at is not None and (found is None or at.position != found.position)):
            return False
        self._revision += 1
        self.cursors[key] = Cursor(position, self._revision)
        return True

    async def watch(self, revoked: Callable[[str], None], watching: Callable[[], None]) -> None:
        self._watchers.append(revoked)
        watching()
        try:
            await asyncio.Event().wait()
        finally:
            self._watchers.remove(revoked)

    def _answer(self) -> None:
        if self.away:
            raise BusAwayError("away")


class Log:
    """A log that feeds one hub or several, and can be read back: counts the sequences as JetStream does.

    ``first`` is the first sequence that can still be read back.
    """

    def __init__(self, *hubs: Hub, generation: str = "g1") -> None:
        self.hubs = list(hubs)
        self.generation = generation
        self.sequence = 0
        self.first = 1
        self.away = False
        self.pages = 0
        self._stored: list[Stored] = []

    def start(self, *events: Event) -> None:
        """A snapshot of these states."""
        for hub in self.hubs:
            hub.begin(self.generation)
        for event in events:
            stored = self._store(event)
            for hub in self.hubs:
                hub.restore(*stored)
        for hub in self.hubs:
            hub.caught_up(self.sequence)

    def write(self, *events: Event) -> None:
        """Live events."""
        for event in events:
            stored = self._store(event)
            for hub in self.hubs:
                hub.deliver(*stored)

    async def page(self, generation: str, after: int, most: int) -> list[Stored]:
        """As ``ports.LogHistory``."""
        await asyncio.sleep(0)
        self.pages += 1
        if self.away:
            raise BusAwayError("away")
        if generation != self.generation or self.first > after + 1:
            raise HistoryGoneError
        return [one for one in self._stored if one.sequence > after][:most]

    def _store(self, event: Event) -> Stored:
        self.sequence += 1
        stored = Stored(subjects.build(subject_of(event)), wire.encode(event), self.sequence)
        self._stored.append(stored)
        return stored


def online(pbx: str = "hq") -> PbxStatus:
    return PbxStatus(pbx=pbx, status="online", since=1)


def count(number: int, queue: str = "q1", pbx: str = "hq") -> QueueCount:
    return QueueCount(pbx=pbx, queue=queue, count=number)


def name(agent: str = "148", text: str = "Viktor", pbx: str = "hq") -> AgentName:
    return AgentName(pbx=pbx, agent=agent, name=text)


def phone(agent: str = "148", number: str | None = "555", pbx: str = "hq") -> PhoneNumber:
    return PhoneNumber(pbx=pbx, agent=agent, number=number)


def hint(agent: str = "148", pbx: str = "hq") -> ExtensionStatus:
    return ExtensionStatus(pbx=pbx, agent=agent, status="inuse")


def member(agent: str = "148", queue: str = "q1", pbx: str = "hq") -> QueueMemberStatus:
    return QueueMemberStatus(pbx=pbx, agent=agent, queue=queue, status="inuse")


def complete(agent: str = "148", pbx: str = "hq") -> AgentComplete:
    return AgentComplete(
        pbx=pbx,
        agent=agent,
        queue="q1",
        unique_id="1.1",
        talk_time=3,
        hold_time=1,
        recording=None,
        reason="caller",
    )


def parked(pbx: str = "hq") -> ParkedCall:
    return ParkedCall(
        pbx=pbx,
        caller_id="555",
        channel="PJSIP/148-1",
        parked_ext="701",
        parked_by=None,
        timeout=45,
        unique_id="1.1",
        parking_lot="default",
    )

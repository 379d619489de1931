from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import msgspec
import pytest

from services.gateway import key_file
from services.gateway.core.principal import Role
from services.gateway.core.scope import resolve
from services.gateway.core.tickets import Ticket, key_of
from services.gateway.errors import BusAwayError, NoTicketError, NotReadyError
from services.gateway.key_ring import KeyRing
from services.gateway.subscription import End, Subscription
from services.gateway.ticket_desk import TicketDesk
from tests.support.gateway_fakes import FakeClock, FakeLane, FakeTicketStore, NoHub
from tests.support.keys import Keys
from tests.support.waiting import until

TICKET = Ticket(agents=("148",), created=1_000_000)


class Bench:
    def __init__(self, ttl_s: int = 100, ring: KeyRing | None = None, *, keyless: bool = True) -> None:
        self.clock = FakeClock()
        self.store = FakeTicketStore(ttl_s, self.clock)
        self._made = 0
        ring = ring or KeyRing(None, self.clock, required=False)
        self.desk = TicketDesk(
            self.store, self.clock, ring, keyless=keyless, ttl_s=ttl_s, random=self._random
        )

    def _random(self, size: int) -> bytes:
        self._made += 1
        return self._made.to_bytes(size, "big")


def subscription() -> Subscription:
    return Subscription(NoHub(), resolve(TICKET, ("hq",)), FakeLane())


async def test_issued_ticket_is_admitted() -> None:
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)

    assert await bench.desk.admit(ticket_id) == (key_of(ticket_id), TICKET)
    assert ticket_id not in bench.store.tickets


async def test_two_tickets_for_the_same_are_different() -> None:
    bench = Bench()

    assert await bench.desk.issue(TICKET) != await bench.desk.issue(TICKET)


@pytest.mark.parametrize("ticket_id", ["", "A" * 32, "client", "../../x", "A" * 5000])
async def test_anything_else_is_not_admitted(ticket_id: str) -> None:
    bench = Bench()

    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)
    with pytest.raises(NoTicketError):
        await bench.desk.revoke(ticket_id)


async def test_ticket_expires_after_its_last_use() -> None:
    bench = Bench(ttl_s=100)
    ticket_id = await bench.desk.issue(TICKET)
    bench.clock.go(99)
    await bench.desk.admit(ticket_id)
    bench.clock.go(99)
    await bench.desk.admit(ticket_id)
    bench.clock.go(100)

    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)


async def test_ticket_in_steady_use_is_touched_four_times_in_its_time() -> None:
    bench = Bench(ttl_s=100)
    ticket_id = await bench.desk.issue(TICKET)
    for _ in range(100):
        bench.clock.go(1)
        await bench.desk.admit(ticket_id)

    assert bench.store.touches == 4


async def test_ticket_that_is_revoked_while_it_is_touched_is_not_admitted() -> None:
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)
    bench.clock.go(50)

    async def revoked_meanwhile(key: str, now_ms: int) -> bool:
        return False

    bench.store.touch = revoked_meanwhile
    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)


async def test_revocation_that_overtakes_the_reading_of_a_ticket_counts() -> None:
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)
    bench.desk.revoked(key_of(ticket_id))

    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)


async def test_revoked_ticket_ends_its_open_streams() -> None:
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)
    key, _ = await bench.desk.admit(ticket_id)
    open_one, closed_one = subscription(), subscription()
    bench.desk.opened(key, TICKET, open_one)
    bench.desk.opened(key, TICKET, closed_one)
    bench.desk.closed(key, closed_one)
    await bench.desk.revoke(ticket_id)

    assert open_one.ended is End.NO_TICKET
    assert closed_one.ended is None


async def test_only_so_many_revocations_are_remembered() -> None:
    bench = Bench()
    for number in range(10_001):
        bench.desk.revoked(str(number))

    bench.desk.check("0", TICKET)
    with pytest.raises(NoTicketError):
        bench.desk.check("10000", TICKET)


async def test_open_tickets_are_kept_alive_and_lost_ones_ended() -> None:
    bench = Bench(ttl_s=100)
    kept, lost = await bench.desk.issue(TICKET), await bench.desk.issue(TICKET)
    subscriptions = {}
    for ticket_id in (kept, lost):
        subscriptions[ticket_id] = subscription()
        bench.desk.opened(key_of(ticket_id), TICKET, subscriptions[ticket_id])
    del bench.store.tickets[key_of(lost)]
    bench.clock.go(10)
    await bench.desk.look_up()
    assert bench.store.touches == 0
    bench.clock.go(20)
    await bench.desk.look_up()

    assert bench.store.touches == 1
    assert subscriptions[kept].ended is None
    assert subscriptions[lost].ended is End.NO_TICKET


async def test_store_that_is_away_ends_no_stream() -> None:
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)
    open_one = subscription()
    bench.desk.opened(key_of(ticket_id), TICKET, open_one)
    bench.store.away = True
    await bench.desk.look_up()

    assert open_one.ended is None
    with pytest.raises(BusAwayError):
        await bench.desk.issue(TICKET)


async def test_watch_that_begins_anew_looks_up_what_it_may_have_missed() -> None:
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)
    open_one = subscription()
    bench.desk.opened(key_of(ticket_id), TICKET, open_one)
    bench.store.tickets.clear()
    assert bench.desk.not_ready
    running = asyncio.create_task(bench.desk.run())
    try:
        await until(lambda: open_one.ended is End.NO_TICKET)
        assert bench.desk.not_ready == []
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_ticket_never_comes_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench = Bench()
    ticket_id = await bench.desk.issue(TICKET)
    await bench.desk.revoke(ticket_id)
    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)

    assert caplog.text
    assert ticket_id not in caplog.text
    assert key_of(ticket_id) not in caplog.text


class Keyed(Bench):
    """A desk that knows one key, and a stream that is open with it."""

    def __init__(self, folder: Path) -> None:
        self.keys = Keys(folder)
        self.keys.add("wall", "stream", pbxs=["hq"])
        self.ring = KeyRing(self.keys.file, FakeClock(), required=True)
        super().__init__(ring=self.ring, keyless=False)
        self.ticket = msgspec.structs.replace(TICKET, key=self._key_id(), pbx=("hq",))
        self.stream = subscription()

    def _key_id(self) -> str:
        return key_file.load(self.keys.file).entries[0].id

    async def open(self) -> str:
        ticket_id = await self.desk.issue(self.ticket)
        key, ticket = await self.desk.admit(ticket_id)
        self.desk.opened(key, ticket, self.stream)
        return ticket_id


async def test_ticket_of_a_revoked_key_is_refused_and_its_streams_end(tmp_path: Path) -> None:
    bench = Keyed(tmp_path)
    ticket_id = await bench.open()
    bench.keys.add("other", "stream")
    bench.ring.look()
    assert bench.stream.ended is None
    bench.keys.revoke("wall")
    bench.ring.look()

    assert bench.stream.ended is End.NO_TICKET
    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)


@pytest.mark.parametrize(("roles", "pbxs"), [(["call"], ["hq"]), (["stream"], ["lab"])])
async def test_ticket_ends_with_the_right_that_it_was_made_by(
    roles: list[Role], pbxs: list[str], tmp_path: Path
) -> None:
    bench = Keyed(tmp_path)
    await bench.open()
    bench.keys.alter("wall", *roles, pbxs=pbxs)
    bench.ring.look()

    assert bench.stream.ended is End.NO_TICKET


async def test_while_the_keys_cannot_be_read_streams_end_so_that_clients_come_back(tmp_path: Path) -> None:
    bench = Keyed(tmp_path)
    ticket_id = await bench.open()
    good = bench.keys.file.read_bytes()
    bench.keys.file.write_text("garbage")
    bench.ring.look()

    assert bench.stream.ended is End.KEYS_AWAY
    with pytest.raises(NotReadyError):
        await bench.desk.admit(ticket_id)

    bench.keys.file.write_bytes(good)
    bench.ring.look()

    assert await bench.desk.admit(ticket_id) == (key_of(ticket_id), bench.ticket)


async def test_ticket_made_without_a_key_is_good_only_where_none_is_needed(tmp_path: Path) -> None:
    bench = Keyed(tmp_path)
    ticket_id = await bench.desk.issue(TICKET)

    with pytest.raises(NoTicketError):
        await bench.desk.admit(ticket_id)

"""NATS's time, read from its answers: the arithmetic, and what is known when."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, cast

import msgspec
import pytest
from nats import errors

from services.jetstream import server_clock
from services.jetstream.connection import Connection
from services.jetstream.server_clock import Sample, ServerClock, best, parse_ts, sample
from tests.support.waiting import until

SERVER_MS = 1_700_000_000_000.0


def test_the_server_is_taken_to_have_answered_in_the_middle() -> None:
    assert sample(sent_ms=1000, received_ms=1010, server_ms=5005) == Sample(round_trip_ms=10, ahead_ms=4000)


def test_the_quickest_answer_counts() -> None:
    assert best([Sample(30, 1.0), Sample(2, 2.0), Sample(9, 3.0)]) == Sample(2, 2.0)


def test_the_time_is_read_to_the_millisecond() -> None:
    assert parse_ts(b'{"type":"x","ts":"2023-11-14T22:13:20.123456789Z"}') == SERVER_MS + 123.456


@pytest.mark.parametrize(
    "payload",
    [b'{"error":{"code":404}}', b'{"ts":"yesterday"}', b'{"ts":7}', b"", b"\xff", b"[]", b'{"ts":"\xff"}'],
)
def test_an_answer_without_a_time_tells_nothing(payload: bytes) -> None:
    assert parse_ts(payload) is None


class Answer:
    def __init__(self, data: bytes) -> None:
        self.data = data


class Server:
    """A connection, its client, and the clocks of both ends: a round trip takes what ``trips_ms`` says."""

    def __init__(self) -> None:
        self.connected = True
        self.client = self
        self.steady = 5000.0
        self.wall_ahead_ms = 0.0
        self.trips_ms: list[float] = []
        self.asked = 0
        self.missing = False
        self.fails = False
        self.lose_at: int | None = None
        self.listeners: list[Callable[[bool], None]] = []

    def steady_ms(self) -> float:
        return self.steady

    def server_ms(self) -> float:
        return SERVER_MS + self.steady

    def wall_ms(self) -> float:
        return self.server_ms() + self.wall_ahead_ms

    def listen(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, up: bool) -> None:
        self.connected = up
        for listener in list(self.listeners):
            listener(up)

    async def call(self, request: Coroutine[Any, Any, Answer]) -> Answer:
        return await request

    async def request(self, subject: str, payload: bytes, timeout: float) -> Answer:
        assert subject == "$JS.API.STREAM.INFO.PBXIS_LOG"
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise errors.TimeoutError
        if self.asked == self.lose_at:
            self.tell(False)
            self.tell(True)
        if self.missing:
            return Answer(b'{"error":{"code":404,"err_code":10059}}')
        trip = self.trips_ms.pop(0) if self.trips_ms else 2.0
        self.steady += trip / 2
        whole, thousandths = divmod(round(self.server_ms() * 1000), 1_000_000)
        data = msgspec.json.encode(
            {"ts": f"{_utc(whole)}.{thousandths:06d}000Z"},
        )
        self.steady += trip / 2
        return Answer(data)


def _utc(seconds: int) -> str:
    assert 1_700_000_000 <= seconds < 1_700_000_040
    return f"2023-11-14T22:13:{seconds - 1_700_000_000 + 20:02d}"


@contextlib.asynccontextmanager
async def running(server: Server) -> AsyncGenerator[ServerClock]:
    clock = ServerClock(cast("Connection", server), wall_ms=server.wall_ms, steady_ms=server.steady_ms)
    work = asyncio.create_task(clock.run())
    try:
        yield clock
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert server.listeners == []
    assert clock.now_ms() is None


async def measured(clock: ServerClock) -> int:
    await until(lambda: clock.offset_ms is not None, what="NATS's time is known")
    offset_ms = clock.offset_ms
    assert offset_ms is not None
    return offset_ms


async def test_before_it_is_read_the_time_is_not_known() -> None:
    clock = ServerClock(cast("Connection", Server()))

    assert (clock.now_ms(), clock.offset_ms) == (None, None)


async def test_the_time_is_the_servers_whatever_our_own_clock_says() -> None:
    server = Server()
    server.wall_ahead_ms = 700.0

    async with running(server) as clock:
        assert await measured(clock) == -700
        assert clock.now_ms() == round(server.server_ms())
        server.steady += 9000
        server.wall_ahead_ms = 123456.0
        assert clock.now_ms() == round(server.server_ms())


async def test_a_slow_answer_does_not_spoil_a_quick_one() -> None:
    server = Server()
    server.trips_ms = [400.0, 2.0, 900.0, 60.0, 8.0]

    async with running(server) as clock:
        assert abs(await measured(clock)) <= 1


async def test_a_lost_connection_makes_it_unknown_until_it_is_read_again() -> None:
    server = Server()
    async with running(server) as clock:
        await measured(clock)

        server.tell(False)
        assert (clock.now_ms(), clock.offset_ms) == (None, None)
        asked = server.asked
        server.tell(True)

        await measured(clock)
        assert server.asked == asked + 5


async def test_a_connection_lost_while_it_is_read_makes_it_read_again() -> None:
    server = Server()
    server.lose_at = 3

    async with running(server) as clock:
        await measured(clock)
        assert server.asked == 10


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again at once."""
    monkeypatch.setattr(server_clock, "_RETRY_S", 0.001)


@pytest.mark.usefixtures("hasty")
async def test_without_a_stream_to_ask_about_it_is_not_known_and_asked_again() -> None:
    server = Server()
    server.missing = True
    async with running(server) as clock:
        await until(lambda: server.asked >= 2, what="asked again")
        assert clock.now_ms() is None

        server.missing = False

        await measured(clock)


@pytest.mark.usefixtures("hasty")
async def test_a_server_that_does_not_answer_is_asked_again() -> None:
    server = Server()
    server.fails = True
    async with running(server) as clock:
        await until(lambda: server.asked >= 2, what="asked again")

        server.fails = False

        await measured(clock)


async def test_a_clock_that_is_off_is_warned_of_once_and_told_when_it_is_right(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="pbxis.nats")
    server = Server()
    server.wall_ahead_ms = 1500.0
    async with running(server) as clock:
        for ahead_ms in (1500.0, -2500.0, 10.0, 20.0):
            await measured(clock)
            server.wall_ahead_ms = ahead_ms
            server.tell(False)
            server.tell(True)
        await measured(clock)

    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(": ")[0] for text in said] == [
        "the clock of this machine is 1.5 s ahead of NATS's",
        "the clock of this machine agrees with NATS's again",
    ]


async def test_a_clock_that_is_behind_is_said_to_be_behind(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    server.wall_ahead_ms = -2500.0

    async with running(server) as clock:
        await measured(clock)

    assert "2.5 s behind NATS's" in caplog.text

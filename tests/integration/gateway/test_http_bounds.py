"""What a connection may take of the gateway by plain HTTP: bytes, and time. The clock is the test's."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import msgspec
import pytest

from services.gateway.errors import PROBLEM_JSON
from services.gateway.lanes.deadlines import (
    BODY_WITHIN_S,
    FLUSH_WITHIN_S,
    HEAD_WITHIN_S,
    LOOK_EVERY_S,
    Deadlines,
)
from services.gateway.lanes.head_meter import HEAD_BYTES
from services.gateway.lanes.http_protocol import HttpProtocol
from tests.support.gateway_fakes import phone
from tests.support.gateway_rig import LANE, Rig, running
from tests.support.raw_client import raw_client
from tests.support.waiting import until

ALIVE = "GET /health/live"


@pytest.fixture(params=["raw", "asgi", "tls"], autouse=True)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here is run with each kind of connection."""
    monkeypatch.setenv(LANE, request.param)
    return request.param


def connections(rig: Rig) -> list[HttpProtocol]:
    return cast("list[HttpProtocol]", list(rig.server.server_state.connections))


def wait_in_vain(rig: Rig, seconds: float) -> None:
    """Let so much time pass for the server's deadlines, which looks at them as often as it does."""
    now = asyncio.get_running_loop().time()
    for passed in range(0, round(seconds), round(LOOK_EVERY_S)):
        rig.server.end_overdue(now + passed)
    rig.server.end_overdue(now + seconds)


def problem_in(answer: bytes, status: int) -> dict[str, Any]:
    """The problem document of an answer that ends its connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"content-type: " + PROBLEM_JSON.encode() in head
    assert b"connection: close" in head
    return msgspec.json.decode(body)


def fields(size: int) -> list[str]:
    """Header fields of so many bytes together."""
    return ["X-A: " + "a" * (size // 10 - len("X-A: \r\n"))] * 10


async def test_head_below_the_limit_is_answered() -> None:
    async with running() as rig, raw_client(rig) as client:
        await client.send(client.head(ALIVE, "Connection: close", *fields(HEAD_BYTES - 1000)))

        assert (await client.rest()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("what", ["fields", "address"])
async def test_head_beyond_the_limit_is_refused(what: str) -> None:
    async with running() as rig, raw_client(rig) as client:
        if what == "fields":
            head = client.head(ALIVE, *fields(HEAD_BYTES), "X-B: " + "b" * 1000)
        else:
            head = client.head(f"{ALIVE}?{'x' * (HEAD_BYTES + 1000)}")
        await client.send(head[: HEAD_BYTES - 1000])
        await client.send(head[HEAD_BYTES - 1000 :])

        assert problem_in(await client.rest(), 431)["code"] == "head_too_large"


@pytest.mark.parametrize("what", ["fields", "line", "behind the body"])
async def test_head_without_an_end_is_cut_off(what: str) -> None:
    async with running() as rig, raw_client(rig) as client:
        if what == "behind the body":
            await client.send(client.head("POST /ticket", "Transfer-Encoding: chunked") + b"0\r\n")
        else:
            await client.send(client.head(ALIVE)[:-2])
        piece = b"a" * 1000 if what == "line" else b"a: " + b"x" * 1000 + b"\r\n"
        if what == "line":
            await client.send(b"a: ")

        assert await client.flood(piece, 64 * HEAD_BYTES)


async def test_fields_behind_a_body_are_none_of_the_request() -> None:
    async with running(open=False) as rig, raw_client(rig) as client:
        head = client.head("POST /ticket", "Transfer-Encoding: chunked", "Connection: close")
        await client.send(head + b"0\r\nAuthorization: Bearer pbxis_x\r\n\r\n")

        assert problem_in(await client.rest(), 401)["detail"].startswith("This gateway is not open")


async def test_what_is_no_http_is_refused() -> None:
    async with running() as rig, raw_client(rig) as client:
        await client.send(b"\x16\x03\x01 hello\r\n\r\n")

        assert problem_in(await client.rest(), 400)["code"] == "bad_request"


async def test_connection_that_says_nothing_is_closed() -> None:
    async with running() as rig, raw_client(rig) as client:
        await until(lambda: connections(rig))
        wait_in_vain(rig, HEAD_WITHIN_S)

        assert await client.rest() == b""


async def test_half_a_head_is_given_up() -> None:
    async with running() as rig, raw_client(rig) as client:
        await client.send(client.head(ALIVE) + client.head(ALIVE)[:-2])
        await client.until(b"\r\n\r\n")
        await until(lambda: all(one.waits_for() is not None for one in connections(rig)))
        wait_in_vain(rig, HEAD_WITHIN_S)
        answer = await client.rest()

    assert problem_in(answer[answer.index(b"HTTP/1.1") :], 408)["code"] == "request_timeout"


async def test_body_that_does_not_come_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as rig, raw_client(rig) as client:
        await client.send(client.head("POST /ticket", "Content-Length: 10", "Expect: 100-continue"))
        await client.until(b"100 Continue\r\n\r\n")  # so the handler waits for the body
        wait_in_vain(rig, BODY_WITHIN_S)

        assert problem_in(await client.rest(), 408)["code"] == "request_timeout"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_client_that_leaves_in_the_midst_of_its_body_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as rig, raw_client(rig) as client:
        before = len(connections(rig))
        await client.send(client.head("POST /ticket", "Content-Length: 10", "Expect: 100-continue"))
        await client.until(b"100 Continue\r\n\r\n")
        client.leave()
        await until(lambda: len(connections(rig)) == before)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_request_that_is_worked_on_is_given_all_the_time_it_takes() -> None:
    async with running() as rig, raw_client(rig) as client:
        ticket = await rig.ticket(queues=["q1"])
        await rig.poll(ticket)
        await client.send(client.head(f"GET /{ticket}/long-poll", "Connection: close"))
        await until(lambda: rig.gateway.hub.clients)
        wait_in_vain(rig, 1000)
        rig.log.write(phone("148"))
        await rig.gateway.desk.revoke(ticket)

        assert b"no_ticket" in await client.rest()


async def test_answer_that_nobody_takes_is_given_up() -> None:
    async with running() as rig, raw_client(rig) as client:
        agents = [str(number) for number in range(100)]
        rig.log.write(*(phone(agent, "x" * 100_000) for agent in agents))
        ticket = await rig.ticket(agents=agents)
        await client.send(client.head(f"GET /{ticket}/long-poll", "Connection: close"))
        await client.until(b"\r\n\r\n")
        slow = next(one for one in connections(rig) if one.transport.is_closing())
        assert slow.transport.get_write_buffer_size()

        wait_in_vain(rig, FLUSH_WITHIN_S - 1)
        assert slow in connections(rig)
        wait_in_vain(rig, FLUSH_WITHIN_S)
        await until(lambda: slow not in connections(rig))
        assert rig.gateway.hub.counters.closed_too_slow == 1


async def test_answer_that_a_slow_client_takes_comes_whole(lane: str) -> None:
    # TLS has encrypted it all by then, and does not tell how much of it was taken
    step_s = FLUSH_WITHIN_S / (11 if lane == "tls" else 6)
    async with running() as rig, raw_client(rig) as client:
        agents = [str(number) for number in range(100)]
        rig.log.write(*(phone(agent, "x" * 100_000) for agent in agents))
        ticket = await rig.ticket(agents=agents)
        await client.send(client.head(f"GET /{ticket}/long-poll", "Connection: close"))
        now = asyncio.get_running_loop().time()
        for agent in agents[::10]:  # 1 MB a step: the systems in between move so much at once
            now += step_s
            rig.server.end_overdue(now)
            await client.until(b'"agent":"%b"' % agent.encode())

        assert (await client.rest()).endswith(b"]")


def always(_deadlines: Deadlines, _now: float) -> bool:
    return True


async def test_server_looks_at_its_deadlines_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []
    async with running() as rig:
        monkeypatch.setattr(rig.server, "end_overdue", looked.append)
        monkeypatch.setattr(Deadlines, "due", always)
        await rig.server.on_tick(1)

        assert looked

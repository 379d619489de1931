"""What an attacker would try, against a real server."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.gateway_fakes import count, name
from tests.support.gateway_rig import Rig, running

EVIL = "https://evil.example"


async def raw(rig: Rig, request: bytes) -> bytes:
    """Send bytes as they are and read the answer to its end."""
    address = urlsplit(rig.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(65536), 5)
    finally:
        writer.close()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:58615"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": ""},
    ],
)
async def test_rebound_name_gets_no_ticket(headers: dict[str, str]) -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["code"] == "no_key"


@pytest.mark.parametrize("origin", [EVIL, "null", "http://127.0.0.1", "http://localhost:1", "file://"])
async def test_page_of_a_stranger_gets_no_ticket(origin: str) -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket", headers={"Origin": origin}, content=b"{}")

    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Real-IP",
        "CF-Connecting-IP",
        "True-Client-IP",
    ],
)
async def test_request_that_was_forwarded_gets_no_ticket(header: str) -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket", headers={header: "127.0.0.1"})

    assert answer.status_code == 401


async def test_forwarding_header_does_not_make_a_stranger_local() -> None:
    async with running(host="0.0.0.0") as rig:
        answer = await rig.http.post("/ticket", headers={"X-Forwarded-For": "127.0.0.1"})

    assert answer.status_code == 401


async def test_two_hosts_or_two_origins_get_no_ticket() -> None:
    async with running() as rig:
        host = urlsplit(rig.url).netloc.encode()
        for headers in (
            b"Host: " + host + b"\r\nHost: evil.example",
            b"Host: " + host + b"\r\nOrigin: http://" + host + b"\r\nOrigin: " + EVIL.encode(),
        ):
            request = (
                b"POST /ticket HTTP/1.1\r\n" + headers + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            assert status_of(await raw(rig, request)) in (400, 401)


@pytest.mark.usefixtures("each_lane")
async def test_stranger_cannot_use_a_ticket_that_leaked_to_his_page() -> None:
    async with running(origins=("https://board.example",)) as rig:
        ticket = await rig.ticket()
        headers = {"Origin": EVIL}
        poll = await rig.http.get(f"/{ticket}/long-poll", headers=headers)
        sse = await rig.http.get(f"/{ticket}/sse", headers=headers)
        revoke = await rig.http.delete(f"/ticket/{ticket}", headers=headers)
        async with rig.websocket(ticket, origin=EVIL) as websocket:
            code = await websocket.closed()

        assert [poll.status_code, sse.status_code, revoke.status_code] == [403, 403, 403]
        assert poll.json()["code"] == "origin_refused"
        assert code == 1008
        assert await rig.poll(ticket)


@pytest.mark.usefixtures("each_lane")
async def test_configured_page_may_use_tickets_and_read_the_answers() -> None:
    board = "https://board.example"
    async with running(origins=(board,)) as rig:
        preflight = await rig.http.options(
            "/ticket", headers={"Origin": board, "Access-Control-Request-Method": "POST"}
        )
        made = await rig.http.post("/ticket", headers={"Origin": board}, json={})
        poll = await rig.http.get(f"/{made.json()}/long-poll", headers={"Origin": board})
        async with rig.websocket(made.json(), origin=board) as websocket:
            await websocket.until("ready")

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for answer in (preflight, made, poll):
        assert answer.headers["access-control-allow-origin"] == board
        assert answer.headers["vary"] == "Origin"


async def test_preflight_of_a_stranger_is_not_allowed() -> None:
    async with running(origins=("https://board.example",)) as rig:
        answer = await rig.http.options(
            "/ticket", headers={"Origin": EVIL, "Access-Control-Request-Method": "POST"}
        )

    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize(
    "guess", ["A" * 32, "%00", "..%2f..%2fetc", "%0d%0aSet-Cookie:%20a=b", "*", ">", "a.b", "x" * 4000]
)
async def test_guessed_ticket_tells_nothing(guess: str) -> None:
    async with running() as rig:
        answer = await rig.http.get(f"/{guess}/long-poll")

    assert answer.status_code == 404
    assert answer.json()["code"] in ("no_ticket", "not_found")
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("each_lane")
async def test_ticket_gives_nothing_beyond_its_scope() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with rig.websocket(ticket) as websocket:
            await websocket.until("ready")
            rig.log.write(name("148", "secret"), count(9, "q2"), count(1, "q1"))

            assert (await websocket.next())["queue"] == "q1"


async def test_name_that_is_a_wildcard_of_nats_is_only_a_name() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=[">", "q1.*"])
        rig.log.write(count(9, "q2"), count(9, "q1.a"))
        events = await rig.poll(ticket)

    assert [event["count"] for event in events if event["type"] == "queueCount"] == [0, 0]


@pytest.mark.usefixtures("each_lane")
async def test_line_end_in_a_name_makes_no_second_event() -> None:
    forged = "x\n\nevent: close\ndata: {}\n\n"
    async with running() as rig:
        ticket = await rig.ticket(agents=["148"])
        async with rig.sse(ticket) as sse:
            await sse.until("ready")
            rig.log.write(name("148", forged))
            event = await sse.next()

    assert event is not None
    assert (event["type"], event["name"]) == ("agentName", forged)


@pytest.mark.parametrize("character", ["\r", "\n", "\0"])
async def test_line_ends_in_parameters_are_refused(character: str) -> None:
    async with running() as rig:
        body = await rig.http.post("/ticket", json={"agents": [f"148{character}"]})
        query = await rig.http.post("/ticket", params={"queues": f"q1{character}"})

    assert body.status_code == 400
    assert body.json()["parameter"] == "agents"
    assert query.status_code == 400
    assert query.json()["parameter"] == "queues"


async def test_line_end_in_last_event_id_or_after_is_no_position() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        answer = await rig.http.get(f"/{ticket}/long-poll?after=g1-1%0d%0aX-Evil:%201")

    assert answer.status_code == 400
    assert "x-evil" not in answer.headers


async def test_body_beyond_the_limit_is_refused() -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket", content=b" " * (1024 * 1024 + 1))

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


@pytest.mark.usefixtures("each_lane")
async def test_body_of_unknown_length_beyond_the_limit_is_refused() -> None:
    async def chunks() -> object:
        for _ in range(20):
            yield b" " * 100_000

    async with running() as rig:
        answer = await rig.http.post("/ticket", content=chunks())  # pyright: ignore[reportArgumentType]

    assert answer.status_code == 413


@pytest.mark.usefixtures("each_lane")
async def test_large_message_of_a_client_ends_its_stream_and_no_more() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        async with rig.websocket(ticket) as websocket:
            await websocket.until("ready")
            await websocket.connection.send("x" * 100_000)
            assert await websocket.closed() == 1009
        assert await rig.poll(ticket)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static/..%2fsettings.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/.stamp",
        "/static/link.txt",
        "/static/a%00.txt",
        "/static/",
    ],
)
async def test_static_files_lead_nowhere_else(path: str, tmp_path: Path) -> None:
    static = tmp_path / "static"
    static.mkdir()
    (tmp_path / "settings.py").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (static / ".stamp").write_text("secret")
    (static / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with running(static=static) as rig:
        host = urlsplit(rig.url).netloc
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = await raw(rig, request.encode())

    assert status_of(answer) in (400, 404)
    assert b"secret" not in answer
    assert b"root:" not in answer


@pytest.mark.usefixtures("each_lane")
async def test_unknown_websocket_address_is_refused() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        with pytest.raises(InvalidStatus):
            async with rig.websocket(f"{ticket}/x"):
                pass


@pytest.mark.usefixtures("each_lane")
async def test_connections_that_say_nothing_hold_nobody_up() -> None:
    async with running() as rig:
        address = urlsplit(rig.url)
        idle = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
        try:
            assert await rig.ticket()
        finally:
            for connection in idle:
                connection.close()

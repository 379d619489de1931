"""What an attacker would try who has no key, or one that is not for this, against a real server."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from services.gateway.core.forms import FORMS
from services.gateway.core.principal import ROLES, Role
from tests.support.gateway_fakes import FakeTicketStore, count, online
from tests.support.gateway_rig import Rig, running
from tests.support.keys import Keys, bearer
from tests.support.waiting import until

EVIL = "https://evil.example"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def closed(keys: Keys, **more: Any) -> dict[str, Any]:
    """The settings of a gateway that asks everybody for a key."""
    return {"open": False, "keys_file": keys.file, **more}


async def ask(rig: Rig, key: str | None = None, **request: Any) -> httpx.Response:
    """Ask for a ticket."""
    headers = {**(bearer(key) if key else {}), **request.pop("headers", {})}
    return await rig.http.post("/ticket", headers=headers, **request)


async def made(rig: Rig, key: str, **parameters: Any) -> str:
    answer = await ask(rig, key, json=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def raw_status(rig: Rig, *headers: str) -> int:
    """The answer to `POST /ticket` with header lines as they are."""
    address = urlsplit(rig.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = [
        "POST /ticket HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Length: 0",
        "Connection: close",
        *headers,
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    try:
        return int((await asyncio.wait_for(reader.readline(), 5)).split()[1])
    finally:
        writer.close()


@pytest.mark.parametrize("open_too", [False, True])
async def test_key_that_is_not_exactly_right_is_refused_and_not_told_why(keys: Keys, open_too: bool) -> None:
    good, gone = keys.add("wall", "stream"), keys.add("gone", "admin")
    keys.revoke("gone")
    async with running(**closed(keys, open=open_too)) as rig:
        answers = [
            await ask(rig, key)
            for key in (
                gone,
                good[:-1],
                f"{good}A",
                good.upper(),
                good.lower() if good != good.lower() else good.swapcase(),
                good.replace("pbxis_", ""),
                f"{good[:22]}{'A' * 43}",
                f"pbxis_{'0' * 16}_{'A' * 43}",
                "x",
                "x" * 8000,
            )
        ]
        assert (await ask(rig, good)).status_code == 200

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "no_key"
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert good not in answers[0].text


@pytest.mark.parametrize("open_too", [False, True])
async def test_malformed_or_repeated_header_is_refused(keys: Keys, open_too: bool) -> None:
    key = keys.add("wall", "admin")
    async with running(**closed(keys, open=open_too)) as rig:
        for headers in (
            [f"Authorization: Bearer {key}", f"Authorization: Bearer {key}"],
            [f"Authorization: Bearer {key}", "authorization: Basic eDp5"],
            ["Authorization: Basic eDp5", f"Authorization: Bearer {key}"],
            [f"Authorization: Bearer {key}, Bearer {key}"],
            [f"Authorization: {key}"],
            [f"Authorization: Basic {key}"],
            [f"Authorization: Bearer\t{key}"],
            [f'Authorization: Bearer "{key}"'],
            ["Authorization: Bearer"],
            ["Authorization:"],
            [f"Authorization: Bearer {key}\xe9"],
            [f"X-Authorization: Bearer {key}", "Authorization: Bearer x"],
        ):
            assert await raw_status(rig, *headers) == 401, headers
        assert await raw_status(rig, f"aUTHORIZATION: bEARER {key}") == 200


async def test_key_anywhere_else_is_no_key(keys: Keys) -> None:
    key = keys.add("wall", "stream")
    async with running(**closed(keys)) as rig:
        answers = [
            await ask(rig, params={"key": key}),
            await ask(rig, params={"access_token": key}),
            await ask(rig, params={"Authorization": f"Bearer {key}"}),
            await ask(rig, json={"key": key}),
            await ask(rig, headers={"X-Api-Key": key}),
            await ask(rig, headers={"Proxy-Authorization": f"Bearer {key}"}),
            await ask(rig, headers={"Cookie": f"key={key}; Authorization=Bearer {key}"}),
            await rig.http.post("/ticket", auth=(key, "")),
            await rig.http.post("/ticket", auth=("", key)),
        ]

    assert {answer.status_code for answer in answers} == {401}
    assert not any(key in answer.text for answer in answers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1;host=localhost"},
        {"X-Forwarded-Authorization": "Bearer x"},
    ],
)
async def test_without_a_key_nothing_makes_a_stranger_welcome(headers: dict[str, str], keys: Keys) -> None:
    key = keys.add("wall", "stream")
    async with running(**closed(keys)) as rig:
        assert (await ask(rig, headers=headers)).status_code == 401
        # With one it does not matter where a program is, nor over how many proxies it comes.
        expected = 403 if "Origin" in headers else 200
        assert (await ask(rig, key, headers=headers)).status_code == expected


async def test_good_key_in_a_strangers_page_is_refused(keys: Keys) -> None:
    key = keys.add("crm", "admin")
    async with running(**closed(keys, origins=("https://crm.example",))) as rig:
        own = rig.url.rstrip("/")
        for origin, status in ((EVIL, 403), ("null", 403), ("https://crm.example", 200), (own, 200)):
            answer = await ask(rig, key, headers={"Origin": origin})
            assert answer.status_code == status, origin
        answer = await ask(rig, "x", headers={"Origin": EVIL})
        refused = await ask(rig, key, headers={"Origin": EVIL})

    assert answer.status_code == 401
    assert refused.json()["code"] == "origin_refused"
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("role", ["call", "queue"])
async def test_key_without_the_role_makes_no_ticket(role: Any, keys: Keys) -> None:
    key = keys.add("crm", role)
    async with running(**closed(keys, open=True)) as rig:
        answer = await ask(rig, key)

    assert answer.status_code == 403
    assert answer.json()["code"] == "role_missing"
    assert "'crm' has not the role 'stream'" in answer.json()["detail"]


ROUTES: list[tuple[str, str, tuple[Role, ...]]] = [
    ("POST", "/ticket", ("stream",)),
    ("POST", "/stop", ()),
    *((form.method, re.sub(r"{.*?}", "600", form.path), form.roles) for form in FORMS),
]


@pytest.mark.parametrize(("method", "path", "roles"), ROUTES)
async def test_each_route_asks_for_its_role(
    method: str, path: str, roles: tuple[Role, ...], keys: Keys
) -> None:
    of_role = {role: keys.add(f"only-{role}", role) for role in ROLES if role != "admin"}
    async with running(**closed(keys)) as rig:
        for headers in ({}, {"Authorization": "Bearer x"}, {"X-Forwarded-For": "127.0.0.1"}):
            answer = await rig.http.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "no_key")
        for role, key in of_role.items():
            answer = await rig.http.request(method, path, headers=bearer(key))
            if role in roles:
                assert answer.status_code not in (401, 403), (role, answer.text)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "role_missing"), role
            refused = await rig.http.request(method, path, headers={**bearer(key), "Origin": EVIL})
            assert (refused.status_code, refused.json()["code"]) == (403, "origin_refused")


@pytest.mark.parametrize(("method", "path", "roles"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": EVIL},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Authorization": "Bearer x"},
    ],
)
async def test_open_gateway_is_open_to_its_own_machine_alone(
    method: str, path: str, roles: tuple[Role, ...], headers: dict[str, str]
) -> None:
    async with running() as rig:
        answer = await rig.http.request(method, path, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "no_key")
    assert rig.bus.asked == []


async def test_key_sees_its_pbxs_and_no_others(keys: Keys) -> None:
    key = keys.add("wall", "stream", pbxs=["hq"])
    async with running(**closed(keys, pbxs=("hq", "lab"))) as rig:
        for parameters in (
            {"pbx": ["lab"]},
            {"pbx": ["hq", "lab"]},
            {"queues": ["q1@lab"]},
            {"agents": ["*@lab"]},
        ):
            answer = await ask(rig, key, json=parameters)
            assert (answer.status_code, answer.json()["code"]) == (403, "pbx_forbidden"), parameters
        ticket = await made(rig, key, queues=["*"])
        rig.log.write(count(7, "q1", "lab"), count(3, "q1", "hq"))
        events = await rig.poll(ticket)

    assert {event["pbx"] for event in events if "pbx" in event} == {"hq"}


async def test_key_for_no_configured_pbx_gets_no_ticket_for_all(keys: Keys) -> None:
    key = keys.add("wall", "stream", pbxs=["moon"])
    async with running(**closed(keys)) as rig:
        assert (await ask(rig, key, json={"queues": ["*"]})).status_code == 403


async def test_revoked_key_ends_its_open_streams_on_every_gateway(keys: Keys) -> None:
    key = keys.add("wall", "stream")
    keys.add("other", "stream")
    store = FakeTicketStore()
    async with running(store=store, **closed(keys)) as one, running(store=store, **closed(keys)) as two:
        ticket = await made(one, key, queues=["q1"])
        await one.poll(ticket)  # the next one waits
        async with one.sse(ticket) as sse, two.websocket(ticket) as websocket:
            await sse.until("ready")
            await websocket.until("ready")
            waiting = asyncio.create_task(one.http.get(f"/{ticket}/long-poll"))
            keys.revoke("wall")
            # what the websocket tells before it is closed
            assert [event["type"] for event in await websocket.until("close")] == ["closed", "close"]
            assert await websocket.closed() == 4504
            assert [event["type"] for event in await sse.until("close")] == ["closed", "close"]
            assert await sse.next() is None
            assert (await waiting).status_code == 404

        for rig in (one, two):
            assert (await rig.http.get(f"/{ticket}/long-poll")).status_code == 404
            assert (await ask(rig, key)).status_code == 401
            async with rig.websocket(ticket) as websocket:
                assert await websocket.closed() == 4504
            async with rig.sse(ticket) as sse:
                assert [event["type"] for event in await sse.until("close")] == ["closed", "close"]


async def test_name_of_a_revoked_key_given_again_revives_no_ticket(keys: Keys) -> None:
    key = keys.add("wall", "stream")
    async with running(**closed(keys)) as rig:
        ticket = await made(rig, key)
        keys.revoke("wall")
        again = keys.add("wall", "stream")
        rig.gateway.ring.look()

        assert (await ask(rig, again)).status_code == 200
        assert (await ask(rig, key)).status_code == 401
        assert (await rig.http.get(f"/{ticket}/long-poll")).status_code == 404


async def test_key_that_loses_a_pbx_loses_the_tickets_that_see_it(keys: Keys) -> None:
    key = keys.add("wall", "stream")
    async with running(**closed(keys, pbxs=("hq", "lab"))) as rig:
        both, one = await made(rig, key), await made(rig, key, pbx=["hq"])
        keys.alter("wall", "stream", pbxs=["hq"])
        rig.gateway.ring.look()

        assert (await rig.http.get(f"/{both}/long-poll")).status_code == 404
        assert await rig.poll(one)


async def test_ticket_made_without_a_key_is_worth_nothing_where_one_is_needed(keys: Keys) -> None:
    store = FakeTicketStore()
    async with running(store=store) as open_one, running(store=store, **closed(keys)) as closed_one:
        ticket = await open_one.ticket(queues=["*"])
        assert await open_one.poll(ticket)
        answer = await closed_one.http.get(f"/{ticket}/long-poll")
        async with closed_one.websocket(ticket) as websocket:
            assert await websocket.closed() == 4504

    assert answer.status_code == 404


async def test_ticket_of_a_key_is_worth_nothing_where_that_key_is_not_known(
    keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    key, store = keys.add("wall", "stream"), FakeTicketStore()
    other = Keys(tmp_path / "other")
    async with running(store=store, **closed(keys)) as one, running(store=store, **closed(other)) as two:
        ticket = await made(one, key)
        answer = await two.http.get(f"/{ticket}/long-poll")

    assert answer.status_code == 404


def garbage(file: Path) -> None:
    file.write_bytes(b"\0\xff")


def remove(file: Path) -> None:
    file.unlink()


def other_form(file: Path) -> None:
    file.write_text('[keys]\nwall = "stream"\n')


@pytest.mark.parametrize("spoil", [garbage, remove, other_form])
async def test_spoiled_keys_file_shuts_the_door_until_it_is_right_again(
    spoil: Callable[[Path], None], keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pbxis")
    key = keys.add("wall", "stream")
    right = keys.file.read_bytes()
    async with running(**closed(keys)) as rig:
        ticket = await made(rig, key)
        async with rig.websocket(ticket) as websocket, rig.sse(ticket) as sse:
            await websocket.until("ready")
            await sse.until("ready")
            spoil(keys.file)
            # nothing was revoked, so clients are told to come back
            assert await websocket.closed() == 1013
            assert await sse.next() is None
        assert (await ask(rig, key)).status_code == 401
        refused = await rig.http.get(f"/{ticket}/long-poll")
        assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
        async with rig.websocket(ticket) as websocket:
            assert await websocket.closed() == 1013
        async with rig.sse(ticket) as sse:
            assert await sse.next() is None
        health = await rig.http.get("/health/ready")
        assert health.status_code == 503
        assert str(keys.file) not in health.text
        keys.file.write_bytes(right)
        await until(lambda: rig.gateway.ring.problem is None)

        assert (await ask(rig, key)).status_code == 200
        assert await rig.poll(ticket)
        assert (await rig.http.get("/health/ready")).status_code == 200

    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "NO API KEY IS GOOD" in errors[0].getMessage()


async def test_keys_file_that_others_can_read_is_warned_of(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pbxis")
    key = keys.add("wall", "stream")
    async with running(**closed(keys)) as rig:
        keys.file.chmod(0o644)
        await until(lambda: "chmod 600" in caplog.text)

        assert (await ask(rig, key)).status_code == 200


async def test_no_key_is_logged_or_echoed(keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "pbxis")
    good, bad = keys.add("wall", "call"), f"pbxis_{'0' * 16}_{'S' * 43}"
    async with running(**closed(keys)) as rig:
        answers = [
            await ask(rig, good),
            await ask(rig, bad),
            await ask(rig, bad, params={"x": bad}, json={"y": bad}),
            await ask(rig, headers={"Authorization": f"Basic {bad}"}),
            await rig.http.get(f"/{bad}/sse"),
            await rig.http.get(f"/nothing/{bad}", headers=bearer(good)),
        ]
        keys.revoke("wall")
        rig.gateway.ring.look()

    said = "".join([*(answer.text for answer in answers), *(str(answer.headers) for answer in answers)])
    ours = "".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("pbxis", "uvicorn"))
    )
    for key in (good, bad):
        assert key not in said
        assert key not in ours


async def test_streams_ask_for_no_key_and_read_none(keys: Keys) -> None:
    key = keys.add("wall", "stream")
    async with running(**closed(keys)) as rig:
        rig.log.write(online())
        ticket = await made(rig, key)
        answer = await rig.http.get(f"/{ticket}/long-poll", headers={"Authorization": "Bearer x"})
        guess = await rig.http.get(f"/{'A' * 32}/long-poll", headers=bearer(key))
        revoked = await rig.http.delete(f"/ticket/{ticket}")

    assert [answer.status_code, guess.status_code, revoked.status_code] == [200, 404, 200]

"""Actions through gateways that are processes of their own: stopped and killed in the middle."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest

from services.gateway.adapters.audit_reader import NatsAuditReader
from services.gateway.errors import PROBLEM_JSON
from services.jetstream.connection import Connection
from shared import audit
from shared.audit import AuditRecord
from tests.integration.test_gateway_end_to_end import Bridge, GatewayProcess, bridge, gateway_process
from tests.support.action_fakes import FakeBridge
from tests.support.nats import NatsServer, connected
from tests.support.waiting import until

__all__ = ["bridge"]


async def add(gateway: GatewayProcess, key: str | None = "k") -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    parameters = {"queue": "q1", "agent": "148", "pbx": "hq"}
    return await gateway.http.post(f"{gateway.url}queue/add", json=parameters, headers=headers)


async def recorded(server: NatsServer, number: int) -> list[AuditRecord]:
    """All records, once there are so many."""
    found: list[AuditRecord] = []
    async with (
        connected(server, "gateway") as connection,
        NatsAuditReader(connection).read(0, 0) as reading,
        asyncio.timeout(15),
    ):
        while len(found) < number:
            found += [audit.decode(entry.record) for entry in await reading.next(1)]
    return found


async def test_stopping_gateway_waits_for_the_answer_of_what_it_has_sent(
    tmp_path: Path, nats_server: NatsServer, bridge: Bridge, bridge_connection: Connection
) -> None:
    taking = FakeBridge()
    taking.let_go.clear()
    async with taking.serving(bridge_connection), gateway_process(tmp_path, nats_server) as gateway:
        await gateway.ready()
        asking = asyncio.create_task(add(gateway))
        await until(lambda: taking.messages)
        stopping = asyncio.create_task(gateway.stop())
        await until(lambda: _refuses(gateway))
        taking.let_go.set()

        answer = await asking
        assert (answer.status_code, answer.json()["response"]) == (200, "Success")
        assert await stopping == 0

    records = await recorded(nats_server, 2)
    assert [(record.phase, record.result) for record in records] == [("begun", None), ("ended", "done")]


@pytest.mark.parametrize("how", ["signal", "request"])
async def test_stopping_gateway_says_of_what_gets_no_answer_that_nobody_knows(
    tmp_path: Path, nats_server: NatsServer, bridge: Bridge, bridge_connection: Connection, how: str
) -> None:
    silent = FakeBridge()
    silent.let_go.clear()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        silent.serving(bridge_connection),
        gateway_process(tmp_path / "one", nats_server) as one,
        gateway_process(tmp_path / "two", nats_server) as two,
    ):
        await one.ready()
        await two.ready()
        asking = asyncio.create_task(add(one))
        await until(lambda: silent.messages)
        if how == "signal":
            one.process.send_signal(signal.SIGTERM)
        else:
            assert (await one.http.post(f"{one.url}stop")).status_code == 200
        assert await asyncio.wait_for(one.process.wait(), 5) == 0

        answer, again = await asking, await add(two)
        for found in (answer, again):
            assert (found.status_code, found.json()["code"]) == (504, "outcome_unknown")
            assert found.headers["content-type"] == PROBLEM_JSON
        assert "stopped before the answer" in answer.json()["detail"]
        # so it was kept: a key without an end would be told otherwise, and later
        assert again.json() == answer.json()
        assert again.headers["Pbxis-Cmd-Id"] == answer.headers["Pbxis-Cmd-Id"]
        assert "Traceback" not in one.log.read_text()
        assert await two.stop() == 0

    assert len(silent.messages) == 1
    records = await recorded(nats_server, 2 + (how == "request"))
    assert [(record.phase, record.result) for record in records if record.action == "queue-add"] == [
        ("begun", None),
        ("ended", "unknown"),
    ]


def _refuses(gateway: GatewayProcess) -> bool:
    """Whether it takes no more connections."""
    url = httpx.URL(gateway.url)
    with socket.socket() as probe:
        return probe.connect_ex((url.host, url.port or 0)) != 0


async def test_key_of_a_killed_gateway_is_unknown_at_the_next_one_and_the_bridge_got_it_once(
    tmp_path: Path, nats_server: NatsServer, bridge: Bridge, bridge_connection: Connection
) -> None:
    taking = FakeBridge()
    taking.let_go.clear()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        taking.serving(bridge_connection),
        gateway_process(tmp_path / "one", nats_server) as one,
        gateway_process(tmp_path / "two", nats_server) as two,
    ):
        await one.ready()
        await two.ready()
        asking = asyncio.create_task(add(one))
        await until(lambda: taking.messages)
        await one.stop(signal.SIGKILL)
        await asyncio.gather(asking, return_exceptions=True)

        answer = await add(two)
        assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")
        taking.let_go.set()
        assert (await add(two, "another")).status_code == 200
        assert await two.stop() == 0

    assert len(taking.messages) == 2
    # the first one has no end: it was cut off with its gateway
    assert [record.phase for record in await recorded(nats_server, 3)] == ["begun", "begun", "ended"]

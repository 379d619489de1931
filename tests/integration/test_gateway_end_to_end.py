"""A gateway as its own process on a real NATS: what is published comes out of all three transports."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect

from services.configuration import write_private
from services.jetstream.connection import Connection
from services.jetstream.log import LogEnd, ensure_log, read_log
from shared import subjects, wire
from shared.config import Config, GatewaySection, NatsSection, PbxSection
from shared.events import Event, PbxStatus, QueueCount, subject_of
from tests.support.nats import NatsServer
from tests.support.waiting import until

WITHIN_S = 15
Events = list[dict[str, Any]]


class Bridge:
    """Publishes as a bridge does, heartbeat included."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._beating = asyncio.create_task(self._beat())

    async def publish(self, *events: Event) -> None:
        for event in events:
            await self.connection.jetstream.publish(subjects.build(subject_of(event)), wire.encode(event))

    async def count(self, *numbers: int) -> None:
        await self.publish(*(QueueCount(pbx="hq", queue="q1", count=number) for number in numbers))

    async def _beat(self) -> None:
        while True:
            if self.connection.connected:
                await self.connection.client.publish(subjects.alive("hq"))
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)


@pytest.fixture
async def bridge(bridge_connection: Connection) -> AsyncGenerator[Bridge]:
    await ensure_log(bridge_connection, NatsSection())
    found = Bridge(bridge_connection)
    await found.publish(PbxStatus(pbx="hq", status="online", since=1))
    try:
        yield found
    finally:
        await found.stop()


class GatewayProcess:
    """A gateway, and a client of it."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.url = ""
        self.http = httpx.AsyncClient(trust_env=False, timeout=WITHIN_S)

    async def ready(self) -> None:
        assert self.process.stdout is not None
        line = (await asyncio.wait_for(self.process.stdout.readline(), WITHIN_S)).decode()
        assert line.startswith("ready http://127.0.0.1:"), (line, self.log.read_text())
        self.url = line.removeprefix("ready ").strip()

    async def ticket(self, **parameters: Any) -> str:
        answer = await self.http.post(f"{self.url}ticket", json=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def poll(self, ticket: str, after: str | None = None) -> Events:
        params = {} if after is None else {"after": after}
        answer = await self.http.get(f"{self.url}{ticket}/long-poll", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), WITHIN_S)


def write_config(folder: Path, server: NatsServer, port: int = 0) -> Path:
    file = folder / "gateway.toml"
    gateway = GatewaySection(port=port, open=True, poll_timeout_s=5)
    pbx = PbxSection(name="hq", host="127.0.0.1", username="x")
    write_private(Config(nats=server.section("gateway"), gateway=gateway, pbx=(pbx,)), file)
    return file


@contextlib.asynccontextmanager
async def gateway_process(
    folder: Path, server: NatsServer, name: str = "gateway"
) -> AsyncGenerator[GatewayProcess]:
    file = write_config(folder, server)
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "services.gateway", "--config", str(file)]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=out)
    gateway = GatewayProcess(process, log)
    try:
        yield gateway
    finally:
        await gateway.http.aclose()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def websocket_until(connection: Any, kind: str, times: int = 1) -> Events:
    events: Events = []
    while sum(event["type"] == kind for event in events) < times:
        events.append(msgspec.json.decode(await asyncio.wait_for(connection.recv(), WITHIN_S)))
    return events


async def sse_until(lines: Any, kind: str, times: int = 1) -> Events:
    events: Events = []
    line = "first"
    while line or sum(event["type"] == kind for event in events) < times:
        line = await asyncio.wait_for(anext(lines), WITHIN_S)
        name, _, value = line.partition(": ")
        if name == "event":
            events.append({"type": value})
        elif name == "data":
            events[-1].update(msgspec.json.decode(value))
        elif name == "id":
            events[-1]["id"] = value
    return events


def counts(events: Events) -> list[int]:
    return [event["count"] for event in events if event["type"] == "queueCount"]


async def test_published_events_come_out_of_all_three_transports(
    nats_server: NatsServer, bridge: Bridge, tmp_path: Path
) -> None:
    await bridge.count(1)
    async with gateway_process(tmp_path, nats_server) as gateway:
        await gateway.ready()
        ticket = await gateway.ticket(queues=["q1"])
        address = f"{gateway.url.replace('http', 'ws', 1)}{ticket}/websocket"
        async with (
            connect(address, proxy=None) as websocket,
            gateway.http.stream("GET", f"{gateway.url}{ticket}/sse") as answer,
        ):
            lines = answer.aiter_lines()
            openings = [
                await websocket_until(websocket, "ready"),
                await sse_until(lines, "ready"),
                await gateway.poll(ticket),
            ]
            await bridge.count(2, 3)
            after = openings[2][-1]["id"]
            polled: Events = []
            while len(counts(polled)) < 2:
                polled += await gateway.poll(ticket, after)
                after = polled[-1]["id"]
            live = [
                await websocket_until(websocket, "queueCount", 2),
                await sse_until(lines, "queueCount", 2),
                polled,
            ]
        ready = await gateway.http.get(f"{gateway.url}health/ready")
        code = await gateway.stop()
        log = gateway.log.read_text()

    assert [counts(opening) for opening in openings] == [[1], [1], [1]]
    assert [counts(events) for events in live] == [[2, 3], [2, 3], [2, 3]]
    ids = [[event["id"] for event in events if event["type"] == "queueCount"] for events in live]
    assert ids[0] == ids[1] == ids[2]
    assert ready.status_code == 200
    assert code == 0
    assert ticket not in log
    assert "Traceback" not in log


async def test_nothing_is_lost_or_repeated_over_a_crash_of_nats_and_of_the_gateway(
    nats_server: NatsServer, bridge: Bridge, tmp_path: Path
) -> None:
    async with (
        gateway_process(tmp_path, nats_server, "first") as first,
        gateway_process(tmp_path, nats_server, "second") as second,
    ):
        await first.ready()
        await second.ready()
        ticket = await first.ticket(queues=["q1"])
        address = f"{first.url.replace('http', 'ws', 1)}{ticket}/websocket"
        async with connect(address, proxy=None) as websocket:
            await websocket_until(websocket, "ready")
            await bridge.count(*range(10))
            events = await websocket_until(websocket, "queueCount", 10)
            nats_server.kill()
            lost = await websocket_until(websocket, "pbxStatus")
            await asyncio.to_thread(nats_server.start)
            await until(lambda: bridge.connection.connected)
            back = await websocket_until(websocket, "pbxStatus")
            while back[-1]["status"] != "online":
                back += await websocket_until(websocket, "pbxStatus")
            await bridge.count(*range(10, 20))
            events += lost + back + await websocket_until(websocket, "queueCount", 10)
            await first.stop(signal.SIGKILL)
        last = [event["id"] for event in events if "id" in event][-1]
        await bridge.count(*range(20, 30))
        while len(counts(events)) < 30:
            events += await second.poll(ticket, last)
            last = events[-1]["id"]

    assert lost[-1]["status"] == "offline"
    assert counts(events) == list(range(30))
    assert "reset" not in {event["type"] for event in events}


async def test_gateway_waits_for_nats_and_for_the_log_before_it_is_ready(
    nats_server: NatsServer, bridge_connection: Connection, tmp_path: Path
) -> None:
    nats_server.stop()
    async with gateway_process(tmp_path, nats_server) as gateway:
        await asyncio.to_thread(nats_server.start)
        await until(lambda: bridge_connection.connected)
        await ensure_log(bridge_connection, NatsSection())
        await gateway.ready()
        events = await gateway.poll(await gateway.ticket())

    assert events[0]["status"] == "offline"
    assert "no bridge has reported" in events[0]["reason"]


async def test_log_made_anew_resets_the_clients(
    nats_server: NatsServer, bridge: Bridge, tmp_path: Path
) -> None:
    async with gateway_process(tmp_path, nats_server) as gateway:
        await gateway.ready()
        ticket = await gateway.ticket(queues=["q1"])
        address = f"{gateway.url.replace('http', 'ws', 1)}{ticket}/websocket"
        async with connect(address, proxy=None) as websocket:
            await websocket_until(websocket, "ready")
            jetstream = bridge.connection.jetstream
            generation = (await read_log(bridge.connection)).generation
            lost = LogEnd(generation, 10**6)
            await ensure_log(bridge.connection, NatsSection(), known=lost)
            await jetstream.publish(
                "pbxis.v1.state.hq.queueCount.q1._", wire.encode(QueueCount(pbx="hq", queue="q1", count=7))
            )
            nats_server.stop()
            await asyncio.to_thread(nats_server.start)
            events = await websocket_until(websocket, "reset")
            events = await websocket_until(websocket, "ready")

    assert counts(events) == [7]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stops_cleanly_with_streams_open_and_while_nats_is_away(
    number: signal.Signals, nats_server: NatsServer, bridge: Bridge, tmp_path: Path
) -> None:
    async with gateway_process(tmp_path, nats_server) as gateway:
        await gateway.ready()
        ticket = await gateway.ticket()
        address = f"{gateway.url.replace('http', 'ws', 1)}{ticket}/websocket"
        async with connect(address, proxy=None) as websocket:
            await websocket_until(websocket, "ready")
            nats_server.freeze()
            try:
                code = await asyncio.wait_for(gateway.stop(number), 5)
            finally:
                nats_server.thaw()
            await websocket.wait_closed()

    assert code == 0
    assert websocket.close_code == 4001


async def test_taken_port_is_one_clear_line(nats_server: NatsServer, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        file = write_config(tmp_path, nats_server, port)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.gateway", "--config", str(file), stdout=PIPE, stderr=PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)

    assert process.returncode == 2
    assert out == b""
    assert err.count(b"\n") == 1
    assert str(port).encode() in err


async def test_bad_configuration_names_the_key(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[gateway]\nport = 70000\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", "--config", str(file), stdout=PIPE, stderr=PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), WITHIN_S)

    assert process.returncode == 2
    assert b"gateway.port" in err

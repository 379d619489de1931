"""Malformed AMI between good events, sent to a real bridge process that publishes to a real nats-server.

Each kind comes in the middle of good events. All of these must be in the log, once and in order, and
nothing else but what can still be read of the bad message; the bridge lives on with the same session.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.jetstream.connection import Connection
from services.jetstream.log import LOG
from services.jetstream.reading import read_to_end
from shared import wire
from shared.events import AgentComplete, AgentName, Event, PbxStatus
from shared.subjects import is_fence
from tests.support.nats import NatsServer
from tests.support.scripted_ami import END, Action, ScriptedAmi, listing, message, scripted_ami
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("QueueStatus", "QueueSummary", "ExtensionStateList", "Status", "BridgeList")
BAD = 5
"""The number of an event that is itself malformed; 1 to 4 come before it, 6 to 9 after it."""


def complete(number: int) -> dict[str, str]:
    return {
        "Event": "AgentComplete",
        "Queue": "sales",
        "Interface": "PJSIP/148",
        "Uniqueid": f"1795000000.{number}",
        "HoldTime": str(number),
        "TalkTime": "60",
        "Reason": "caller",
    }


def added(name: bytes) -> bytes:
    """148 signs in under this name."""
    headers = {
        "Event": "QueueMemberAdded",
        "Queue": "sales",
        "Interface": "PJSIP/148",
        "StateInterface": "PJSIP/148",
        "Penalty": "0",
        "CallsTaken": "0",
        "LastCall": "0",
        "Status": "1",
        "Paused": "0",
    }
    return message(headers)[:-2] + b"MemberName: " + name + END


def good(numbers: Iterable[int]) -> bytes:
    return b"".join(message(complete(number)) for number in numbers)


@dataclass(frozen=True)
class Bad:
    """What is sent, a write each; whether number ``BAD`` is published; 148's name as it is published."""

    writes: tuple[bytes, ...]
    published: bool = False
    name: str | None = None
    logged: str = ""


def byte_by_byte(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[index : index + 1] for index in range(len(data)))


def lines(count: int) -> bytes:
    return b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(count))


KINDS = {
    "a second Event header, the first is of no interest": Bad(
        (b"Event: UserEvent\r\n" + message(complete(BAD)),)
    ),
    "a second Event header, the first counts": Bad(
        (message(complete(BAD))[:-2] + b"Event: QueueCallerJoin" + END,), published=True
    ),
    "UTF-8 cut between chunks and invalid bytes": Bad(
        byte_by_byte(added("Čačić 客服 ".encode() + b"M\xfcller\xe5\xae")),
        name="Čačić 客服 M\ufffdller\ufffd",
    ),
    "100,000 lines, a good event among them": Bad(
        (message(complete(BAD))[:-2] + lines(100_000) + b"\r\n",), published=True
    ),
    "100,000 lines and no event": Bad((lines(100_000) + b"\r\n",), logged="malformed AMI message"),
    "a bare CR in a value": Bad((added(b"one\rEvent: Shutdown"),), name="one\rEvent: Shutdown"),
    "a bare LF in a value": Bad((added(b"one\n\nEvent: Shutdown"),), name="one\n\nEvent: Shutdown"),
    "no colon anywhere": Bad((b"this is no AMI\r\nnor is this" + END,), logged="malformed AMI message"),
    "a figure that is none": Bad(
        (message({**complete(BAD), "HoldTime": "soon"}),), logged="header HoldTime is not a number"
    ),
    "nothing but ends": Bad((END * 3,)),
    "a 20 MB line": Bad(
        (*([b"Event: AgentComplete\r\nQueue: " + b"x" * 2_000_000] + [b"x" * 2_000_000] * 9), END),
        logged="above the limit",
    ),
}


@dataclass
class Bridge:
    """A bridge process that is in step with the scripted PBX."""

    ami: ScriptedAmi
    process: Process
    connection: Connection
    file: Path

    @property
    def log(self) -> str:
        return self.file.read_text(encoding="utf-8", errors="replace")

    async def published(self) -> list[Event]:
        """All that is in the log."""
        found: list[Event] = []

        def take(subject: str, data: bytes, _at: int) -> None:
            if not is_fence(subject):
                found.append(wire.decode(data))

        await read_to_end(self.connection, LOG, take)
        return found

    async def until_complete(self, number: int) -> None:
        """Wait until the log has the AgentComplete of this number, or a later one."""
        seen: list[Event] = []
        try:
            async with asyncio.timeout(30):
                while max(figures(seen), default=0) < number:
                    seen = await self.published()
                    assert self.process.returncode is None, self.log[-3000:]
        except TimeoutError as error:
            raise AssertionError(f"{figures(seen)} and no {number}: {self.log[-3000:]}") from error


def figures(events: Iterable[Event]) -> list[int]:
    return [event.hold_time for event in events if isinstance(event, AgentComplete)]


def empty(action: Action) -> bytes:
    names = {name.lower(): name for name in LISTS}
    return listing(action, [], names[action.name])


@pytest.fixture
async def bridge(
    nats_server: NatsServer, bridge_connection: Connection, tmp_path: Path
) -> AsyncGenerator[Bridge]:
    async with scripted_ami() as ami:
        ami.answers = dict.fromkeys(map(str.lower, LISTS), empty)
        config = tmp_path / "pbxis.toml"
        config.write_text(
            f"""
            [nats]
            url = "{nats_server.url}"
            username = "bridge"
            password = "bridge"
            [[pbx]]
            name = "hq"
            host = "127.0.0.1"
            port = {ami.port}
            username = "bridge"
            secret = "scripted"
            summary_refresh_s = 3600
            """
        )
        async with running(config) as (process, file):
            running_bridge = Bridge(ami, process, bridge_connection, file)
            await until(lambda: "in step with Asterisk" in running_bridge.log, 30, "the bridge in step")
            yield running_bridge
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0, running_bridge.log[-3000:]


@contextlib.asynccontextmanager
async def running(config: Path) -> AsyncGenerator[tuple[Process, Path]]:
    file = config.with_suffix(".log")
    command = [sys.executable, "-m", "services.ami_bridge", "--config", str(config), "--pbx", "hq"]
    with file.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=errors)
    try:
        yield process, file
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_bad_input_costs_no_good_event_and_not_the_session(bridge: Bridge, kind: str) -> None:
    bad = KINDS[kind]
    bridge.ami.say(good((1, 2)))
    await bridge.until_complete(2)

    bridge.ami.say(good((3, 4)))
    for write in bad.writes:
        bridge.ami.say(write)
        await asyncio.sleep(0)
    bridge.ami.say(good((6, 7)))
    await bridge.until_complete(7)
    bridge.ami.say(good((8, 9)))
    await bridge.until_complete(9)

    events = await bridge.published()
    assert figures(events) == [1, 2, 3, 4, *([BAD] if bad.published else []), 6, 7, 8, 9]
    names = [event.name for event in events if isinstance(event, AgentName)]
    assert names == ([] if bad.name is None else [bad.name])
    statuses = [event.status for event in events if isinstance(event, PbxStatus)]
    assert statuses[-1] == "online"
    assert "offline" not in statuses
    assert (bridge.ami.connections, bridge.ami.open) == (1, 1)
    assert bridge.process.returncode is None
    assert bad.logged in bridge.log
    assert "Traceback" not in bridge.log

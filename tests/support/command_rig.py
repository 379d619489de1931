"""A bridge that acts: scripted AMI, its link, the bridge, and its way to take commands; and who asks it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from services.ami_bridge.acting import act
from services.ami_bridge.adapters.panoramisk_link import PanoramiskLink
from services.ami_bridge.app import Bridge
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.snapshot import LISTS
from services.ami_bridge.settings import WANTED
from services.jetstream.log import ensure_log
from shared import commands, subjects
from shared.commands import Command, Outcome
from shared.config import NatsSection
from shared.events import Event
from tests.support.link_user import QUICK
from tests.support.nats import NatsServer, connected
from tests.support.scripted_ami import Action, ScriptedAmi, listing, scripted_ami
from tests.support.waiting import until

PBX = "hq"
# A hung Asterisk must not be found, and its link cut, before the commands' deadlines.
PATIENT = replace(QUICK, ping_interval_s=30.0, pong_deadline_s=30.0)


class Nowhere:
    """An ``EventPublisher``: these tests look at answers."""

    def put(self, event: Event, moment_id: str) -> None:
        pass


def one_queue(action: Action) -> bytes:
    """A queue `sales` with 148 in it."""
    queue = {
        "Event": "QueueParams",
        "Queue": "sales",
        "Calls": "0",
        "Holdtime": "0",
        "TalkTime": "0",
        "Completed": "0",
        "Abandoned": "0",
        "ServiceLevel": "10",
        "ServicelevelPerf": "0.0",
    }
    member = {
        "Event": "QueueMember",
        "Queue": "sales",
        "Name": "148",
        "Location": "PJSIP/148",
        "StateInterface": "PJSIP/148",
        "Membership": "dynamic",
        "Penalty": "0",
        "CallsTaken": "0",
        "LastCall": "0",
        "LastPause": "0",
        "LoginTime": "0",
        "InCall": "0",
        "Status": "1",
        "Paused": "0",
        "PausedReason": "",
        "Wrapuptime": "0",
    }
    return listing(action, [queue, member], "QueueStatus")


def as_asterisk(ami: ScriptedAmi) -> None:
    """Answers to all lists that a bridge asks for."""
    for each in LISTS:
        ami.answers.setdefault(each.name.lower(), lambda asked: listing(asked, []))
    ami.answers["queuestatus"] = one_queue


class Asker:
    """Sends commands as a gateway does."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._asked = 0

    async def ask(
        self, command: Command, *, left_ms: int = 5000, command_id: str | None = None, within_s: float = 8
    ) -> Outcome:
        """The outcome of a command."""
        self._asked += 1
        headers = {
            commands.HEADER_ID: command_id or f"pbxis-{self._asked}",
            commands.HEADER_DEADLINE: str(time.time_ns() // 1_000_000 + left_ms),
            commands.HEADER_CALLER: "the test",
        }
        answer = await self.send(commands.action_of(command), commands.encode(command), headers, within_s)
        outcome = commands.decode_outcome(answer.data)
        assert answer.data == commands.encode(outcome)
        return outcome

    async def send(
        self, action: str, payload: bytes, headers: dict[str, str] | None, within_s: float = 5
    ) -> Msg:
        """The answer to anything."""
        subject = subjects.command(PBX, action)
        return await self.client.request(subject, payload, timeout=within_s, headers=headers)

    async def until_nobody_takes(self, within_s: float = 5) -> None:
        """Wait until NATS says that no bridge takes commands."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                await self.send("hangup", b"", None, within_s=1)
            except NoRespondersError:
                return
        raise AssertionError(f"somebody still takes commands after {within_s} s")


@dataclass
class Acting:
    """A bridge, and the tasks that it is made of."""

    bridge: Bridge
    link: asyncio.Task[None]
    taking: asyncio.Task[None]

    async def stop_taking(self) -> None:
        """As at SIGTERM: the commands first."""
        self.taking.cancel()
        await asyncio.gather(self.taking, return_exceptions=True)


@contextlib.asynccontextmanager
async def acting(section: NatsSection, ami: ScriptedAmi) -> AsyncGenerator[Acting]:
    """A bridge of `hq` that is in step with the scripted AMI and takes commands."""
    as_asterisk(ami)
    bridge = Bridge(CallCentre(PBX), Nowhere(), lambda: time.time_ns() // 1_000_000, refresh_every_s=3600)
    link = PanoramiskLink(replace(PATIENT, port=ami.port), WANTED)
    rig = Acting(
        bridge,
        asyncio.create_task(link.run(bridge)),
        asyncio.create_task(act(section, PBX, bridge, may_act=lambda: True, left=asyncio.Event())),
    )
    try:
        await until(lambda: bridge.session, what="in step")
        yield rig
    finally:
        await rig.stop_taking()
        rig.link.cancel()
        await asyncio.gather(rig.link, return_exceptions=True)


@contextlib.asynccontextmanager
async def command_rig(server: NatsServer) -> AsyncGenerator[tuple[Asker, ScriptedAmi, Acting]]:
    """All of it: who asks, Asterisk, and the bridge between them, which takes commands."""
    async with (
        connected(server, "bridge") as own,
        connected(server, "gateway") as asking,
        scripted_ami() as ami,
    ):
        await ensure_log(own, server.section())
        async with acting(server.section(), ami) as rig:
            asker = Asker(asking.client)
            await takes_commands(asker)
            yield asker, ami, rig


async def takes_commands(asker: Asker, within_s: float = 10) -> None:
    """Wait until a query is answered: subscribed, in step, and NATS's time known."""
    deadline = time.monotonic() + within_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = await asker.ask(commands.ReadQueues(), within_s=1)
        except Exception as error:  # noqa: BLE001 - not yet, whatever it is; the deadline ends it
            last = error
        else:
            if last.result == "done":
                return
        await asyncio.sleep(0.01)
    raise AssertionError(f"no commands are taken within {within_s} s: {last}")

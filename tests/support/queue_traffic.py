"""A queue where callers come and go and calls are completed, told by a scripted AMI to all bridges alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from services.jetstream.connection import Connection
from services.jetstream.errors import BusUnavailableError
from services.jetstream.log import LOG
from services.jetstream.reading import read_to_end
from shared import wire
from shared.events import AgentComplete, Event, PbxStatus, QueueCount
from shared.subjects import is_fence
from tests.support.scripted_ami import ScriptedAmi

QUEUE = "support"
_STEP_S = 0.005


class Traffic:
    """What was told so far: ``completed`` calls, each a moment; ``waiting`` callers, a state."""

    def __init__(self, ami: ScriptedAmi) -> None:
        self._ami = ami
        self.completed = 0
        self.waiting = 0

    def complete(self) -> None:
        """One more call is completed."""
        self.completed += 1
        self._ami.event(
            "AgentComplete",
            Queue=QUEUE,
            Interface="PJSIP/148",
            MemberName="Agent 148",
            Uniqueid=f"1795404373.{self.completed}",
            DestUniqueid=f"1795404374.{self.completed}",
            HoldTime="1",
            TalkTime="2",
            Reason="caller",
        )

    def step(self) -> None:
        """A caller comes, or the one who waits leaves."""
        self.waiting = 1 - self.waiting
        self._ami.event(
            "QueueCallerJoin" if self.waiting else "QueueCallerLeave",
            Queue=QUEUE,
            Count=str(self.waiting),
            Position="1",
            Uniqueid=f"1795404375.{self.completed}",
            Channel=f"PJSIP/trunk-{self.completed:08x}",
            CallerIDNum="0991234567",
        )

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncGenerator[None]:
        """A few hundred events a second meanwhile."""

        async def flow() -> None:
            while True:
                self.complete()
                self.step()
                await asyncio.sleep(_STEP_S)

        flowing = asyncio.create_task(flow())
        try:
            yield
        finally:
            flowing.cancel()
            await asyncio.gather(flowing, return_exceptions=True)


class Logged:
    """What the log has, in its order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fences = 0

    @property
    def completed(self) -> list[int]:
        """The numbers of the completed calls."""
        found = [event for event in self.events if isinstance(event, AgentComplete)]
        return [int(event.unique_id.partition(".")[2]) for event in found]

    @property
    def waiting(self) -> int | None:
        """How many callers wait, at the end."""
        counts = [event.count for event in self.events if isinstance(event, QueueCount)]
        return counts[-1] if counts else None

    @property
    def statuses(self) -> list[str]:
        """Of the PBX."""
        return [event.status for event in self.events if isinstance(event, PbxStatus)]

    def take(self, subject: str, payload: bytes, _sequence: int) -> None:
        """A message of the log."""
        if is_fence(subject):
            self.fences += 1
        else:
            self.events.append(wire.decode(payload))


async def logged(connection: Connection) -> Logged:
    """All that the log has now."""
    found = Logged()
    await read_to_end(connection, LOG, found.take)
    return found


async def until_logged(connection: Connection, traffic: Traffic, within_s: float = 15) -> Logged:
    """What the log has, once it has all moments and the newest state; fails when that is not in time."""
    deadline = asyncio.get_running_loop().time() + within_s
    found = Logged()
    while asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(BusUnavailableError):
            found = await logged(connection)
            if len(found.completed) >= traffic.completed and found.waiting == traffic.waiting:
                return found
        await asyncio.sleep(_STEP_S * 10)
    missing = set(range(1, traffic.completed + 1)).difference(found.completed)
    raise AssertionError(
        f"not within {within_s} s: {len(missing)} moments are missing, such as {sorted(missing)[:5]}; "
        f"{found.waiting} wait, not {traffic.waiting}"
    )

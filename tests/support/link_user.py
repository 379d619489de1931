"""Someone who uses an AMI link in a test, and writes down what happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from services.ami_bridge.adapters.panoramisk_link import LinkSettings, PanoramiskLink, WantedEvents
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.wanted import WANTED_EVENTS, WANTED_VARIABLES
from services.ami_bridge.ports import AmiSession
from tests.support.scripted_ami import ScriptedAmi
from tests.support.waiting import until

# Faults are found in tenths of a second, so that tests are fast; a test of the real times reads the defaults.
QUICK = LinkSettings(
    host="127.0.0.1",
    username="pbxis",
    secret="very secret",
    connect_timeout_s=0.3,
    login_timeout_s=0.3,
    fully_booted_wait_s=0.1,
    list_timeout_s=5.0,
    ping_interval_s=0.05,
    pong_deadline_s=0.3,
)


class Pauses:
    """Waits between attempts that take no time; after ``most`` of them they last until the test ends."""

    def __init__(self, most: int = 100) -> None:
        self.asked_s: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.asked_s.append(seconds)
        if len(self.asked_s) > self._most:
            await asyncio.Event().wait()
        await asyncio.sleep(0)


class LinkUser:
    """A ``SessionHandler`` that keeps everything."""

    def __init__(self) -> None:
        self.sessions: list[AmiSession] = []
        self.events: list[AmiMessage] = []
        self.downs: list[tuple[str, bool]] = []

    async def on_session(self, session: AmiSession) -> None:
        self.sessions.append(session)
        async for batch in session.batches():
            self.take(batch)

    def take(self, batch: Sequence[AmiMessage]) -> None:
        self.events.extend(batch)

    def on_down(self, reason: str, auth_failed: bool) -> None:
        self.downs.append((reason, auth_failed))

    @property
    def session(self) -> AmiSession:
        """The newest."""
        return self.sessions[-1]

    def named(self, event: str) -> list[AmiMessage]:
        """All events of that name."""
        return [message for message in self.events if message["Event"] == event]

    async def up(self, sessions: int = 1) -> AmiSession:
        """Wait until there was the so-manieth session."""
        await until(lambda: len(self.sessions) >= sessions, what=f"session {sessions}; {self.downs}")
        return self.session

    async def down(self, times: int = 1) -> str:
        """Wait until the link was down so many times; the last reason."""
        await until(lambda: len(self.downs) >= times, what=f"down {times} times")
        return self.downs[times - 1][0]


def link_to(ami: ScriptedAmi, settings: LinkSettings = QUICK, pauses: Pauses | None = None) -> PanoramiskLink:
    """A link to a scripted AMI."""
    wanted = WantedEvents(WANTED_EVENTS, WANTED_VARIABLES)
    return PanoramiskLink(replace(settings, port=ami.port), wanted, pause=pauses or Pauses())


@contextlib.asynccontextmanager
async def running(link: PanoramiskLink, user: LinkUser) -> AsyncGenerator[asyncio.Task[None]]:
    """Run a link; it is cancelled and over at the end."""
    task = asyncio.create_task(link.run(user))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.done()
        if not task.cancelled():
            task.exception()

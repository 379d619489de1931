"""Twenty clients of all transports and many scopes, over all gateways, and the judgement over them.

async with crowd(floor, seed=7) as clients:
    ...                         # whatever may happen to the services
    await clients.until_told()  # everything the log has
    await clients.check()       # exactly that, in order, and nothing else
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from tests.support.chaos.browser import Browser
from tests.support.chaos.log_copy import Connect, LogCopy, copy_log
from tests.support.chaos.oracle import ALL, Listed, check_story, newest_for
from tests.support.chaos.screen import Figures
from tests.support.chaos.transports import TRANSPORTS
from tests.support.waiting import until

CLIENTS = 20
WANDERERS = 2
"""Of these, how many take another transport each time."""
TOLD_WITHIN_S = 20.0
RIGHT_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.1
_PATIENCE_S = (2.0, 6.0)
"""Some give a silent connection up soon, others wait until it speaks again."""


@dataclass(frozen=True)
class Member:
    """A client and what its ticket lists."""

    browser: Browser
    listed: Listed


class Crowd:
    """``members`` are the clients; ``connect`` is how the log is read."""

    def __init__(self, members: Sequence[Member], connect: Connect) -> None:
        self.members = members
        self._connect = connect

    @property
    def resets(self) -> int:
        """How many a client got which had a place to go on from."""
        return sum(member.browser.story.resets for member in self.members)

    @property
    def connections(self) -> int:
        """All that were made, or tried."""
        return sum(member.browser.connections for member in self.members)

    def check_running(self) -> None:
        """Raise what ended a client, if anything did."""
        for member in self.members:
            member.browser.check_running()

    async def until(
        self, condition: Callable[[Browser], bool], what: str, within_s: float = TOLD_WITHIN_S
    ) -> None:
        """Wait until it holds for every client."""

        def holds() -> bool:
            self.check_running()
            return all(condition(member.browser) for member in self.members)

        try:
            await until(holds, within_s)
        except AssertionError:
            lacking = [member.browser for member in self.members if not condition(member.browser)]
            raise AssertionError(f"not within {within_s} s: {what}: {lacking}") from None

    async def until_status(self, *statuses: str, within_s: float = TOLD_WITHIN_S) -> None:
        """Wait until every client shows one of these for every PBX that it sees."""
        await self.until(lambda browser: browser.status in statuses, f"{statuses}", within_s)

    async def until_told(self, within_s: float = TOLD_WITHIN_S) -> LogCopy:
        """Wait until every client was told all that the log holds now and is for it.

        Returns:
            That log.
        """
        log = await copy_log(self._connect)
        newest = {id(member.browser): newest_for(member.listed, log) for member in self.members}
        await self.until(
            lambda browser: browser.sequence >= newest[id(browser)], f"all up to {log.last}", within_s
        )
        return log

    async def until_right(
        self,
        lists: Callable[[], Awaitable[Figures]],
        agents: Sequence[str],
        queues: Sequence[str],
        within_s: float = RIGHT_WITHIN_S,
    ) -> None:
        """Wait until every client shows what Asterisk's lists say, which may change meanwhile.

        Args:
            lists: asks Asterisk.
            agents: those to compare; ``queues`` likewise.
        """
        truth: Figures = {}
        deadline = asyncio.get_running_loop().time() + within_s
        while asyncio.get_running_loop().time() < deadline:
            truth = await lists()
            with contextlib.suppress(AssertionError):
                await until(lambda truth=truth: not self._wrong(truth, agents, queues), _STEADY_S)
                return
        for browser, told, part in self._wrong(truth, agents, queues):
            differing = {key: (told.get(key), part.get(key)) for key in told.keys() | part.keys()}
            wrong = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
            raise AssertionError(
                f"{browser} shows (first) what Asterisk's lists do not say (second): {wrong}"
            )

    async def check(self, log: LogCopy | None = None) -> LogCopy:
        """Compare every client's story with the log."""
        log = log or await copy_log(self._connect)
        for member in self.members:
            try:
                check_story(member.browser.story, member.listed, log)
            except AssertionError as error:
                raise AssertionError(f"{member.browser} with {member.listed}: {error}") from error
        return log

    def _wrong(
        self, truth: Figures, agents: Sequence[str], queues: Sequence[str]
    ) -> list[tuple[Browser, Figures, Figures]]:
        found: list[tuple[Browser, Figures, Figures]] = []
        for member in self.members:
            told = member.browser.story.screen.figures(agents, queues)
            part = part_of(truth, member.listed)
            if told != part or member.browser.story.screen.status() != "online":
                found.append((member.browser, told, part))
        return found


_STEADY_S = 0.7


def part_of(truth: Figures, listed: Listed) -> Figures:
    """What of Asterisk's lists a ticket shows."""

    def agent(name: str) -> bool:
        return ALL in listed.agents or name in listed.agents

    def queue(name: str) -> bool:
        return ALL in listed.queues or name in listed.queues

    def shown(key: tuple[str, ...]) -> bool:
        kind, *names = key
        if kind == "member":
            return queue(names[0]) and agent(names[1])
        if kind == "queueCallers":
            return queue(names[0]) and listed.callers
        return queue(names[0]) if kind == "queueCount" else agent(names[0])

    return {key: value for key, value in truth.items() if shown(key)}


def scopes(agents: Sequence[str], queues: Sequence[str]) -> list[Listed]:
    """One after the other: what differs between tickets."""
    half, first = tuple(agents[::2]), tuple(queues[:2])
    return [
        Listed(tuple(agents), tuple(queues), callers=True),
        Listed((ALL,), (ALL,), callers=True),
        Listed(half, first),
        Listed((), tuple(queues), callers=True),
        Listed((ALL,), ()),
    ]


@contextlib.asynccontextmanager
async def crowd(
    urls: Callable[[], Sequence[str]],
    connect: Connect,
    agents: Sequence[str],
    queues: Sequence[str],
    *,
    seed: int,
    number: int = CLIENTS,
) -> AsyncGenerator[Crowd]:
    """So many clients that show a state.

    Args:
        urls: the gateways there are, asked at each connection; the first makes the tickets.
        connect: makes a connection of a user who may do everything in NATS.
        seed: of all that the clients choose.
    """
    chance = random.Random(seed)
    listed = scopes(agents, queues)
    async with contextlib.AsyncExitStack() as stack:
        members: list[Member] = []
        for index in range(number):
            wanted = listed[index // len(TRANSPORTS) % len(listed)]
            transports = (
                list(TRANSPORTS) if index < WANDERERS else [list(TRANSPORTS)[index % len(TRANSPORTS)]]
            )
            browser = Browser(
                urls,
                await ticket_of(urls()[0], wanted),
                transports,
                chance=random.Random(chance.random()),
                patience_s=_PATIENCE_S[index % len(_PATIENCE_S)],
            )
            members.append(Member(await stack.enter_async_context(browser), wanted))
        found = Crowd(members, connect)
        await found.until_status("online")
        yield found
        found.check_running()


async def ticket_of(url: str, listed: Listed) -> str:
    """A ticket of this gateway that lists so."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            f"{url}/ticket",
            json={
                "agents": listed.agents,
                "queues": listed.queues,
                "callers": listed.callers,
                "summaryEvents": listed.summary_events,
                **({"pbx": listed.pbxs} if listed.pbxs else {}),
            },
        )
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json())

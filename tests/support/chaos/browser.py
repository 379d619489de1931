"""One client: it keeps its place, comes back to any gateway when a connection ends, and goes on there."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self, cast

from tests.support.chaos.story import Event, Story, place_of
from tests.support.chaos.transports import TRANSPORTS, ComeBackError, RefusedError

_PAUSE_S = (0.05, 0.4)
"""Between two attempts, drawn anew each time."""


class Browser:
    """Reads in the background until it is left; see ``story``.

    Args:
        urls: the gateways there are, asked before each connection; some may be dead.
        transports: of which each connection takes one.
        patience_s: a connection that says nothing for so long is given up.
    """

    def __init__(
        self,
        urls: Callable[[], Sequence[str]],
        ticket: str,
        transports: Sequence[str],
        *,
        chance: random.Random,
        patience_s: float,
    ) -> None:
        self.story = Story()
        self.ticket = ticket
        self.transports = tuple(transports)
        self.connections = 0
        self._urls = urls
        self._chance = chance
        self._patience_s = patience_s
        self._left = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended_for: list[str] = []
        self._refused = False

    def __repr__(self) -> str:
        story = self.story
        return (
            f"<{'/'.join(self.transports)}: {self.connections} connections, {story.resets} resets, at "
            f"{story.position}, {story.screen.status() or 'no status'}; ended for {self._ended_for[-3:]}>"
        )

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._left.set()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    @property
    def sequence(self) -> int:
        """Up to where in the log it was told everything of its scope."""
        return place_of(self.story.position).sequence if self.story.position else -1

    @property
    def status(self) -> str | None:
        """Of the PBXs that it sees, or ``offline`` while a gateway tells it that there are no figures."""
        return "offline" if self._refused else self.story.screen.status()

    def check_running(self) -> None:
        """Raise what ended it, if anything did."""
        assert self._task is not None
        if self._task.done():
            self._task.result()

    async def _run(self) -> None:
        while not self._left.is_set():
            url = self._chance.choice(list(self._urls()))
            read = TRANSPORTS[self._chance.choice(self.transports)]
            self.connections += 1
            self.story.connected()
            try:
                reading = read(url, self.ticket, self.story.position, self._patience_s)
                async with aclosing(cast("AsyncGenerator[Event]", reading)) as events:
                    async for event in events:
                        self._refused = False
                        self.story.take(event)
            except ComeBackError as error:
                self._refused = isinstance(error, RefusedError)
                self._ended_for.append(str(error))
            await self._pause(self._chance.uniform(*_PAUSE_S))

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), pause_s)

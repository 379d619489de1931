"""Waiting that can be ended from outside, all of it at once: a gateway that stops waits no longer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator


class GivenUpError(Exception):
    """It was not waited for any longer."""


class Patience:
    """What is waited for inside ``waiting()`` until ``end()``."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()
        self._over = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def end(self) -> None:
        """Wait for nothing any more, from now on."""
        self._over = True
        now = asyncio.get_running_loop().time()
        while self._limits:
            self._limits.pop().reschedule(now)

    @contextlib.asynccontextmanager
    async def waiting(self) -> AsyncGenerator[None]:
        """Wait for what is inside.

        Raises:
            GivenUpError: it has ended; what is inside was cancelled, or had not even begun if it was over.
        """
        if self._over:
            raise GivenUpError
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    yield
                finally:
                    self._limits.discard(limit)
        except TimeoutError as error:
            if limit.expired():
                raise GivenUpError from error
            raise

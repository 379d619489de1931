"""A supervisor's hands on the queues, quick and at random: signs agents in and out, pauses them, goes on.

It is a program of its own at Asterisk's port: it comes back by itself when Asterisk was away.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

from tests.support.asterisk_rig import AmiClient, AmiClosedError, AsteriskRig
from tests.support.waiting import until

_PAUSE_S = 0.02
_AGAIN_S = 0.1
_ACTIONS = ("QueueAdd", "QueueRemove", "QueuePause", "QueuePause", "QueuePause", "QueuePenalty")


class AmiLoad:
    """``done`` counts the actions that Asterisk answered."""

    def __init__(self, pbx: AsteriskRig, agents: Sequence[str], queues: Sequence[str], seed: int) -> None:
        self.done = 0
        self._pbx = pbx
        self._agents = agents
        self._queues = queues
        self._chance = random.Random(seed)
        self._over = asyncio.Event()

    async def until_more(self, number: int, within_s: float = 20.0) -> None:
        """Wait until so many more actions are done: how time is told while Asterisk works."""
        wanted = self.done + number
        await until(lambda: self.done >= wanted, within_s, f"{number} more actions")

    async def run(self) -> None:
        """Act until `stop`."""
        while not self._over.is_set():
            with contextlib.suppress(OSError, AmiClosedError, TimeoutError):
                async with self._pbx.ami() as ami:
                    while not self._over.is_set():
                        await self._act(ami)
                        self.done += 1
                        await self._pause(_PAUSE_S)
            await self._pause(_AGAIN_S)

    def stop(self) -> None:
        """Let `run` end after the action under way."""
        self._over.set()

    async def _act(self, ami: AmiClient) -> None:
        name = self._chance.choice(_ACTIONS)
        headers = {
            "Queue": self._chance.choice(self._queues),
            "Interface": f"PJSIP/{self._chance.choice(self._agents)}",
        }
        if name == "QueueAdd":
            headers["MemberName"] = f"Agent {headers['Interface'].removeprefix('PJSIP/')}"
        elif name == "QueuePause":
            headers["Paused"] = self._chance.choice(("true", "false"))
            headers["Reason"] = self._chance.choice(("lunch", "coffee", "Nachbearbeitung"))
        elif name == "QueuePenalty":
            headers["Penalty"] = str(self._chance.randrange(5))
        await ami.send(name, **headers)  # a refusal (already there, not there) is an answer too

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), pause_s)

"""A scripted Asterisk that says numbered things in a steady stream: what is lost or doubled shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from tests.support.chaos.log_copy import LogCopy
from tests.support.scripted_ami import Action, ScriptedAmi, listing
from tests.support.waiting import until

LISTS = ("QueueStatus", "QueueSummary", "ExtensionStateList", "Status", "BridgeList")
_PAUSE_S = 0.02


def be_empty(ami: ScriptedAmi) -> None:
    """No queue, no phone, no call: all that comes is in what it says."""
    names = {name.lower(): name for name in LISTS}

    def empty(action: Action) -> bytes:
        return listing(action, [], names[action.name])

    ami.answers = dict.fromkeys(names, empty)


class ScriptedLoad:
    """``said`` counts: the end of the n-th call, and the n-th caller, who comes and goes."""

    def __init__(self, ami: ScriptedAmi, agents: Sequence[str], queue: str) -> None:
        self.said = 0
        self._ami = ami
        self._agents = agents
        self._queue = queue
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Speak until `stop`, some fifty numbers a second."""
        while not self._over.is_set():
            self.say_next()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _PAUSE_S)

    def say_next(self) -> None:
        """One number more."""
        self.said += 1
        self._say(self.said)

    def stop(self) -> None:
        """Say no more."""
        self._over.set()

    async def until_more(self, number: int, within_s: float = 20.0) -> None:
        """Wait until so much more was said: how time is told, whatever happens to the services."""
        wanted = self.said + number
        await until(lambda: self.said >= wanted, within_s, f"{number} more said")

    def logged(self, log: LogCopy) -> None:
        """All that was said is in the log, once; what concerns one agent in order."""
        told = log.moments("agentComplete")
        numbers = [event["holdTime"] for event in told]
        missing = set(range(1, self.said + 1)) - set(numbers)
        assert not missing, f"{len(missing)} of {self.said} never stored, such as {sorted(missing)[:5]}"
        assert len(numbers) == self.said, f"{len(numbers) - self.said} stored twice"
        for agent in self._agents:
            own = [event["holdTime"] for event in told if event["agent"] == agent]
            assert own == sorted(own), f"{agent}: out of order"
        assert not log.moments("eventsLost")

    def _say(self, number: int) -> None:
        self._ami.event(
            "AgentComplete",
            Queue=self._queue,
            Interface=f"PJSIP/{self._agents[number % len(self._agents)]}",
            Uniqueid=f"1795000000.{number}",
            HoldTime=str(number),
            TalkTime="60",
            Reason="caller",
        )
        caller = {"Queue": self._queue, "CallerIDNum": "0991", "CallerIDName": "", "Position": "1"}
        self._ami.event("QueueCallerJoin", **caller, Count="1", Uniqueid=f"1796000000.{number}")
        self._ami.event("QueueCallerLeave", **caller, Count="0", Uniqueid=f"1796000000.{number}")

"""Callers and agents who talk for a moment, over and over; and a witness of how many conversations ended.

The agents' phones and the callers' begin again after Asterisk was away. What is there when the load stops
stays as it is: somebody talks, somebody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from tests.support.asterisk_rig import AmiClient, AmiClosedError, AmiRefusedError, AsteriskRig
from tests.support.sip import SipCall, SipPhone
from tests.support.sip.call import CallEndedError

_FAULTS = (TimeoutError, CallEndedError, OSError, RuntimeError, AmiClosedError, AmiRefusedError)
_RINGS_WITHIN_S = 4.0
_TALKS_AT_MOST_S = 8.0
_BETWEEN_CALLS_S = 0.2  # else a machine that is slow to follow gets more and more to do


class Conversation(NamedTuple):
    """One that ended: durations in seconds, ``reason`` is Asterisk's word for who ended it."""

    queue: str
    agent: str
    hold_time: int
    talk_time: int
    reason: str


class CallLoad:
    """Agents, signed in to one queue, whom callers call. ``ended`` counts the conversations."""

    def __init__(self, pbx: AsteriskRig, agents: Sequence[str], queue: str, callers: int) -> None:
        self.ended = 0
        self._pbx = pbx
        self._agents = agents
        self._queue = queue
        self._callers = callers
        self._people: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Sign the agents in, and let everybody begin."""
        for agent in self._agents:
            await self._pbx.sign_in(agent, self._queue)
        self._people = [asyncio.create_task(self._agent(agent)) for agent in self._agents]
        self._people += [
            asyncio.create_task(self._caller(f"09177700{index:02}")) for index in range(self._callers)
        ]

    async def stop(self) -> None:
        """Nobody does anything more; calls that are up stay up, phones that ring go on ringing."""
        for person in self._people:
            person.cancel()
        await asyncio.gather(*self._people, return_exceptions=True)

    async def _agent(self, agent: str) -> None:
        phone: SipPhone | None = None
        while True:
            try:
                if phone is None:
                    phone = await self._pbx.phone(agent)
                await self._talk(await phone.incoming(_RINGS_WITHIN_S))
                self.ended += 1
            except _FAULTS:
                with contextlib.suppress(*_FAULTS):
                    if phone is not None:
                        await phone.register()  # Asterisk may have forgotten it

    async def _caller(self, number: str) -> None:
        while True:
            with contextlib.suppress(*_FAULTS):
                call = await self._pbx.caller(number, queue=self._queue)
                try:
                    await call.up()
                    await call.ended(_TALKS_AT_MOST_S)
                except _FAULTS:
                    await call.hangup()
            await asyncio.sleep(_BETWEEN_CALLS_S)

    @staticmethod
    async def _talk(call: SipCall) -> None:
        try:
            call.answer()
            await call.up()
            await call.hold()
            await call.unhold()
        except _FAULTS:
            with contextlib.suppress(*_FAULTS):
                await call.hangup()  # or he would be busy for ever
            raise
        await call.hangup()


class Witness:
    """Hears at Asterisk itself whose conversations ended.

    Uniqueid is not compared: Asterisk leaves it out when the caller's channel is gone by then.
    """

    def __init__(self, ami: AmiClient) -> None:
        self._ami = ami

    @property
    def conversations(self) -> Counter[Conversation]:
        """Those that ended until now."""
        return Counter(
            Conversation(
                event["Queue"],
                event["Interface"].removeprefix("PJSIP/"),
                int(event["HoldTime"]),
                int(event["TalkTime"]),
                event["Reason"],
            )
            for event in self._ami.events
            if event["Event"] == "AgentComplete"
        )


@contextlib.asynccontextmanager
async def witness(pbx: AsteriskRig) -> AsyncGenerator[Witness]:
    """One who is there from the beginning; not for an Asterisk that is to be killed."""
    async with pbx.ami() as ami:
        yield Witness(ami)

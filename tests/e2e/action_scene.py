"""An agent's phone at a real Asterisk, a bridge and two gateways as processes, and what is asked of them.

Between Asterisk and the bridge stands a proxy, which writes down what was sent and can keep the answer
back: so a bridge dies for certain between what it wrote and what it would have heard. A call is told from
others by the number that the agent's phone shows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from tests.support.ami_proxy import AmiProxy, ami_proxy
from tests.support.asterisk_rig import AsteriskRig
from tests.support.floor_processes import Floor, FloorPbx, GatewayService, Reply, running_floor
from tests.support.sip import Answering, SipPhone
from tests.support.waiting import until

AGENT = "148"
ANYWHERE = "501"

UNKNOWN = (504, "outcome_unknown")
NOT_SENT = (503, "not_sent")
BUS_AWAY = (503, "bus_unavailable")

_LINKS_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.1


@dataclass
class Scene:
    """The floor, the agent's phone, and what went to Asterisk."""

    pbx: AsteriskRig
    proxy: AmiProxy
    floor: Floor
    phone: SipPhone

    @property
    def one(self) -> GatewayService:
        return self.floor.gateways[0]

    @property
    def other(self) -> GatewayService:
        return self.floor.gateways[1]

    @property
    def ordered(self) -> list[str]:
        """The numbers of the calls that Asterisk was told to make, in order."""
        return [action.get("CallerID") for action in self.proxy.sent("Originate")]

    @property
    def rung(self) -> list[str]:
        """The numbers that the phone has shown, one a call."""
        return [call.number for call in self.phone.calls]

    async def settled(self, number: str = "999") -> None:
        """Wait for all that may still come: what was asked before a further call, which rings."""
        await self.floor.until_acting()
        reply = await originate(self.floor.gateways[-1], number)
        assert reply.status == 200, reply
        await until(lambda: number in self.rung, what="the further call rings")

    async def until_links(self, number: int) -> None:
        """Wait until Asterisk has read to their ends all AMI connections of the bridge but so many."""
        async with asyncio.timeout(_LINKS_WITHIN_S):
            # Asterisk tells nobody when it has ended one.
            while (await self.pbx.cli("manager show connected")).count("\nbridge ") > number:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def acting(
    pbx: AsteriskRig, folder: Path, *, timeout_s: int, answering: Answering = Answering.RING
) -> AsyncGenerator[Scene]:
    """A scene in which the bridge takes commands; an action may take ``timeout_s``."""
    phone = await pbx.phone(AGENT, answering=answering)
    settings = f"open = true\naction_timeout_s = {timeout_s}"
    async with (
        ami_proxy(pbx.ami_port) as proxy,
        running_floor(folder, [FloorPbx(proxy.port, pbx.ami_secret)], gateway=settings) as floor,
    ):
        await floor.until_acting()
        yield Scene(pbx, proxy, floor, phone)


async def originate(gateway: GatewayService, number: str, key: str | None = None) -> Reply:
    """Ask for a call that shows this number."""
    return await gateway.post(f"/originate/{AGENT}/{ANYWHERE}", key=key, callerId=number)


def outcome(reply: Reply) -> tuple[int, str | None]:
    """What became of it."""
    return reply.status, reply.code

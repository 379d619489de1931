"""What the tests of actions share: asking a gateway to act, and watching what comes of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import httpx

from tests.support.asterisk_rig import AsteriskRig
from tests.support.asterisk_rig.polling import eventually
from tests.support.sip import Answering, SipCall, SipPhone
from tests.support.streams import Event, StreamClient, make_ticket
from tests.support.watchers import until_online

CALLER = "0991234567"
SECOND_CALLER = "0997654321"


class Answer(NamedTuple):
    """``body`` is the JSON; ``code`` that of a problem, ``""`` of a success."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def code(self) -> str:
        return self.body.get("code", "") if isinstance(self.body, dict) else ""

    @property
    def text(self) -> str:
        """What it says: the message of a success, the detail of a problem."""
        return self.body.get("message") or self.body.get("detail", "")


class Desk:
    """Acts over REST, and sees on one stream what comes of it."""

    def __init__(self, url: str, http: httpx.AsyncClient, stream: StreamClient) -> None:
        self.url = url
        self.stream = stream
        self._http = http

    async def do(self, path: str, *, key: str | None = None, **parameters: Any) -> Answer:
        """POST an action; ``agent_or_channel`` stands for the parameter with hyphens.

        Args:
            key: the Idempotency-Key.
        """
        body = {name.replace("_", "-"): value for name, value in parameters.items()}
        headers = {} if key is None else {"Idempotency-Key": key}
        return _answer(await self._http.post(self.url + path, json=body, headers=headers))

    async def look(self, path: str, **parameters: str) -> Answer:
        """GET a query."""
        return _answer(await self._http.get(self.url + path, params=parameters))

    async def shows(self, kind: str, **properties: Any) -> Event:
        """Wait until the newest event of a type and scope (agent, queue) has these properties."""
        scope = {name: properties[name] for name in ("agent", "queue") if name in properties}

        def newest() -> Event | None:
            event = self.stream.state(kind, **scope)
            return event if event is not None and properties.items() <= event.items() else None

        await self.stream.until(lambda: newest() is not None, f"{kind} {properties}")
        event = newest()
        assert event is not None
        return event

    async def call_shows(self, agent: str, number: str, state: str) -> None:
        """Wait until one of an agent's calls is with that number and in that state."""

        def calls() -> list[tuple[str, str]]:
            event = self.stream.state("phoneNumber", agent=agent) or {"calls": []}
            return [(call["number"], call["state"]) for call in event["calls"]]

        await self.stream.until(lambda: (number, state) in calls(), f"{agent} {state} {number}")

    async def talks(self, agent: str, number: str) -> None:
        """Wait until one of an agent's calls is connected, and the bridge knows both ends.

        Asterisk tells of the two ends one after the other; from the first on the call counts as connected.
        """

        async def both_ends_known() -> bool:
            calls = (await self.look("/bridged-channels", extension=agent)).body
            return number in {call["callerId"] for call in calls}

        await self.call_shows(agent, number, "connected")
        await eventually(both_ends_known, f"{agent} talks to {number}")

    async def happens(self, kind: str, **properties: Any) -> Event:
        """Wait for a moment; it must be the only one of its kind."""
        event = await self.stream.until_event(type=kind, **properties)
        assert self.stream.matching(type=kind) == [event]
        return event


def _answer(response: httpx.Response) -> Answer:
    assert response.headers["content-type"].startswith(
        "application/json" if response.is_success else "application/problem+json"
    )
    return Answer(response.status_code, response.json(), response.headers)


@contextlib.asynccontextmanager
async def desk_at(url: str) -> AsyncGenerator[Desk]:
    """A desk that watches every agent and queue; every PBX is online."""
    await until_online(url)
    ticket = await make_ticket(url, agents=["*"], queues=["*"])
    async with (
        httpx.AsyncClient(timeout=20) as http,
        StreamClient(url, ticket, "websocket") as stream,
    ):
        yield Desk(url, http, stream)


# -------------------------------------------------------------------- calls to act on


class Conversation(NamedTuple):
    """An agent in a call: his phone, his end of it, and the other's."""

    phone: SipPhone
    agent: SipCall
    other: SipCall


async def queue_call(pbx: AsteriskRig, desk: Desk, *, agent: str = "148") -> Conversation:
    """CALLER got to the agent through `support`."""
    phone = await pbx.phone(agent)
    await pbx.sign_in(agent, "support")
    other = await pbx.caller(CALLER)
    return await _taken(desk, phone, other, CALLER)


async def local_member_call(pbx: AsteriskRig, desk: Desk) -> Conversation:
    """CALLER got to 147, a member behind a Local channel."""
    phone = await pbx.phone("147")
    other = await pbx.caller(CALLER, queue="400")
    return await _taken(desk, phone, other, CALLER)


async def direct_call(
    pbx: AsteriskRig, desk: Desk, *, number: str = CALLER, phone: SipPhone | None = None
) -> Conversation:
    """Somebody called the agent's own number."""
    phone = phone or await pbx.phone("148")
    other = await pbx.caller(number, extension=phone.user)
    return await _taken(desk, phone, other, number)


async def placed_call(pbx: AsteriskRig, desk: Desk) -> Conversation:
    """The agent called CALLER."""
    phone = await pbx.phone("148")
    outside = await pbx.outside(answering=Answering.ANSWER)
    agent = await (await phone.dial(CALLER)).up()
    await desk.talks("148", CALLER)
    return Conversation(phone, agent, await outside.incoming())


async def held_call(pbx: AsteriskRig, desk: Desk) -> Conversation:
    """The agent holds CALLER."""
    conversation = await queue_call(pbx, desk)
    await conversation.agent.hold()
    await desk.call_shows("148", CALLER, "held")
    return conversation


async def _taken(desk: Desk, phone: SipPhone, other: SipCall, number: str) -> Conversation:
    agent = await phone.incoming()
    agent.answer()
    await other.up()
    await desk.talks(phone.user, number)
    return Conversation(phone, agent, other)


async def channel_of(pbx: AsteriskRig, endpoint: str) -> str:
    """The one channel of an endpoint: an agent's number, or ``trunk``."""
    (channel,) = await channels_of(pbx, endpoint)
    return channel


async def channels_of(pbx: AsteriskRig, endpoint: str) -> list[str]:
    """The channels of an endpoint."""
    return [
        item["Channel"] for item in await pbx.channels() if item["Channel"].startswith(f"PJSIP/{endpoint}-")
    ]

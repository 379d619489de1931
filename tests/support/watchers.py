"""One ticket watched over all three transports, and a ticket that should see nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from tests.support.streams import TRANSPORTS, Event, StreamClient, make_ticket

Value = Any


class Watchers:
    """``first`` is what a test waits on; ``check`` compares all at the end."""

    def __init__(self, clients: Sequence[StreamClient], outsider: StreamClient) -> None:
        self.clients = clients
        self.first = clients[-1]
        self._outsider = outsider

    async def until_event(self, within_s: float = 20.0, **properties: Any) -> Event:
        """Wait for an event on the first transport."""
        return await self.first.until_event(within_s, **properties)

    async def until_state(self, kind: str, within_s: float = 20.0, **properties: Any) -> None:
        """Wait until the newest event of a type and scope has these properties (scope: agent, queue)."""
        scope = {key: properties[key] for key in ("agent", "queue") if key in properties}

        def reached() -> bool:
            newest = self.first.state(kind, **scope)
            return newest is not None and all(newest.get(key) == value for key, value in properties.items())

        await self.first.until(reached, f"{kind} {properties}", within_s)

    def timeline(self, kind: str, *names: str, **scope: Any) -> list[Value]:
        """The live values of one subject, in order: of each event these properties."""
        found = [
            event for event in self.first.live if event["type"] == kind and scope.items() <= event.items()
        ]
        return [
            event[names[0]] if len(names) == 1 else tuple(event[name] for name in names) for event in found
        ]

    def calls(self, agent: str) -> list[tuple[str, str] | None]:
        """The live values of an agent's phoneNumber: number and state of the call in front."""
        found: list[tuple[str, str] | None] = []
        for event in self.first.live:
            if event["type"] == "phoneNumber" and event["agent"] == agent:
                front = [call for call in event["calls"] if call["uniqueId"] == event["uniqueId"]]
                found.append((event["number"], front[0]["state"]) if front else None)
        return found

    def types(self) -> set[str]:
        """The types of all live events."""
        return {event["type"] for event in self.first.live}

    async def check(self) -> None:
        """All transports told the same, once and in order; the outsider got nothing with a scope."""
        wanted = self.first.live
        ids = [event["id"] for event in wanted]
        assert len(set(ids)) == len(ids)
        positions = [int(position.rpartition("-")[2]) for position in ids]
        assert positions == sorted(positions)
        last = ids[-1]
        for client in self.clients:
            await client.until(lambda c=client: bool(c.matching(id=last)), "the last event")
            told = client.live
            assert told[: told.index(client.matching(id=last)[0]) + 1] == wanted
        for event in self._outsider.live:
            assert "queue" not in event, event
            assert event["type"] not in ("agentName", "extensionStatus", "phoneNumber", "agentComplete"), (
                event
            )


async def until_online(url: str) -> None:
    """Wait until every PBX of a gateway is online."""
    ticket = await make_ticket(url, agents=[], queues=[])
    async with StreamClient(url, ticket, "websocket") as client:

        def online() -> bool:
            newest = {event["pbx"]: event["status"] for event in client.matching(type="pbxStatus")}
            return set(newest.values()) == {"online"}

        await client.until(online, "every PBX online")


@contextlib.asynccontextmanager
async def watching(url: str, agents: Sequence[str], queues: Sequence[str]) -> AsyncGenerator[Watchers]:
    """Watch these agents and queues; every PBX is online and all clients are `ready`."""
    await until_online(url)
    async with contextlib.AsyncExitStack() as stack:
        clients: list[StreamClient] = []
        for transport in TRANSPORTS:
            ticket = await make_ticket(url, agents=agents, queues=queues, callers=True)
            clients.append(await stack.enter_async_context(StreamClient(url, ticket, transport)))
        ticket = await make_ticket(url, agents=["nobody"], queues=["nowhere"])
        outsider = await stack.enter_async_context(StreamClient(url, ticket, "websocket"))
        yield Watchers(clients, outsider)

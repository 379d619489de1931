"""One ticket watched over all three transports, beside tickets that should see a part of it or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.streams import TRANSPORTS, Event, StreamClient, make_ticket

Value = Any

_OF_AGENT = frozenset({"agentName", "extensionStatus", "phoneNumber", "agentComplete"})
_OF_QUEUE = frozenset({"queueCount"})
_CALLERS = frozenset({"queueCallers"})
_OF_BOTH = frozenset({"queueMemberStatus"})
_SCOPED = _OF_AGENT | _OF_QUEUE | _CALLERS | _OF_BOTH


@dataclass(frozen=True)
class Outsider:
    """A client whose ticket lists less; of the scoped events it must get these types and no other."""

    client: StreamClient
    types: frozenset[str]

    def allows(self, event: Event) -> bool:
        return event["type"] in self.types or event["type"] not in _SCOPED


class Watchers:
    """``first`` is what a test waits on; ``check`` compares all at the end."""

    def __init__(self, clients: Sequence[StreamClient], outsiders: Sequence[Outsider]) -> None:
        self.clients = clients
        self.first = clients[-1]
        self._outsiders = outsiders

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
        """All transports told the same, once and in order; each outsider got his part of it and no more."""
        wanted = self.first.live
        ids = [event["id"] for event in wanted]
        assert len(set(ids)) == len(ids)
        positions = [_position(event) for event in wanted]
        assert positions == sorted(positions)
        for client in self.clients:
            await _told_exactly(client, wanted, positions[-1])
        for outsider in self._outsiders:
            part = [event for event in wanted if outsider.allows(event)]
            await _told_exactly(outsider.client, part, positions[-1])


async def _told_exactly(client: StreamClient, wanted: Sequence[Event], last: int) -> None:
    """Up to a position in the log, and no other event in between."""
    if wanted:
        newest = wanted[-1]["id"]
        await client.until(lambda: bool(client.matching(id=newest)), f"event {newest}")
    assert [event for event in client.live if _position(event) <= last] == wanted


def _position(event: Event) -> int:
    return int(event["id"].rpartition("-")[2])


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
        outsiders: list[Outsider] = []
        for listed_agents, listed_queues, callers, types in (
            (["nobody"], ["nowhere"], True, frozenset[str]()),
            (agents, [], True, _OF_AGENT),
            ([], queues, True, _OF_QUEUE | _CALLERS),
            ([], queues, False, _OF_QUEUE),
        ):
            ticket = await make_ticket(url, agents=listed_agents, queues=listed_queues, callers=callers)
            client = await stack.enter_async_context(StreamClient(url, ticket, "websocket"))
            if types:
                states = {event["type"] for event in client.snapshot} & _SCOPED
                assert states == types - {"agentComplete"}
            outsiders.append(Outsider(client, types))
        yield Watchers(clients, outsiders)

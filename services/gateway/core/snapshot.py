"""The whole current state of a scope: what a stream begins with.

How it works: the names of the scope are spread over its PBXs. A name that some PBX knows is looked up
there and nowhere else; a name that none knows is looked up on all of them. ``*`` stands for what a PBX
knows. Then every agent and queue found gives all its states, those never published as their natural
empty value; a queue's members give theirs, and so does each pair of an agent and a queue that are both
listed by name. ``QueueSummary`` and ``MemberSummary`` have no natural value and are given only when known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from services.gateway.core.names import ALL, Name
from services.gateway.core.scope import Scope
from services.gateway.core.state_cache import StateCache
from shared import wire
from shared.events import (
    AgentName,
    ExtensionStatus,
    PhoneNumber,
    QueueCallers,
    QueueCount,
    QueueMemberStatus,
)

Listed = dict[str, bool]
"""Names of one PBX; true: listed by name, false: by ``*``."""


def documents(scope: Scope, cache: StateCache, status_of: Callable[[str], bytes]) -> list[bytes]:
    """The states, as payloads without ids. ``status_of`` gives the ``pbxStatus`` to show for a PBX."""
    agents = _spread(scope.agents, scope, cache.knows_agent, cache.agents)
    queues = _spread(scope.queues, scope, cache.knows_queue, cache.queues)
    found: list[bytes] = []
    for pbx in scope.pbxs:
        found.append(status_of(pbx))
        for agent in agents[pbx]:
            found.extend(_of_agent(cache, pbx, agent))
        for queue in queues[pbx]:
            found.extend(_of_queue(cache, pbx, queue, scope))
        for queue, by_name in queues[pbx].items():
            found.extend(_of_members(cache, pbx, queue, agents[pbx], by_name=by_name))
    return found


def _spread(
    names: Iterable[Name],
    scope: Scope,
    knows: Callable[[str, str], bool],
    known: Callable[[str], Iterable[str]],
) -> dict[str, Listed]:
    spread: dict[str, Listed] = {pbx: {} for pbx in scope.pbxs}
    for name in names:
        candidates = [pbx for pbx in scope.pbxs if name.pbx in (None, pbx)]
        if name.name == ALL:
            for pbx in candidates:
                for one in known(pbx):
                    spread[pbx].setdefault(one, False)
        else:
            for pbx in [pbx for pbx in candidates if knows(pbx, name.name)] or candidates:
                spread[pbx][name.name] = True
    return spread


def _of_agent(cache: StateCache, pbx: str, agent: str) -> Iterator[bytes]:
    yield cache.of_agent(pbx, agent, "agentName") or wire.encode(AgentName(pbx=pbx, agent=agent, name=agent))
    yield cache.of_agent(pbx, agent, "extensionStatus") or wire.encode(
        ExtensionStatus(pbx=pbx, agent=agent, status="unavailable")
    )
    yield cache.of_agent(pbx, agent, "phoneNumber") or wire.encode(
        PhoneNumber(pbx=pbx, agent=agent, number=None)
    )


def _of_queue(cache: StateCache, pbx: str, queue: str, scope: Scope) -> Iterator[bytes]:
    yield cache.of_queue(pbx, queue, "queueCount") or wire.encode(QueueCount(pbx=pbx, queue=queue, count=0))
    if scope.callers:
        yield cache.of_queue(pbx, queue, "queueCallers") or wire.encode(QueueCallers(pbx=pbx, queue=queue))
    if scope.summary_events:
        for event_type in ("QueueSummary", "MemberSummary"):
            payload = cache.of_queue(pbx, queue, event_type)
            if payload is not None:
                yield payload


def _of_members(cache: StateCache, pbx: str, queue: str, agents: Listed, *, by_name: bool) -> Iterator[bytes]:
    members = dict(cache.members(pbx, queue))
    for agent, agent_by_name in agents.items():
        payload = members.get(agent)
        if payload is not None:
            yield payload
        elif by_name and agent_by_name:
            yield wire.encode(QueueMemberStatus(pbx=pbx, agent=agent, queue=queue, status="loggedoff"))

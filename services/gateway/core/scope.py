"""Which events a ticket gets.

A ticket's names are resolved once against the configured PBXs into a :class:`Scope`. A scope is a value:
tickets that ask for the same share one group in the hub. An event is matched by its subject alone; its
payload is never decoded (ADR 0002).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from services.gateway.core.names import ALL, Name, parse_name
from services.gateway.core.tickets import Ticket
from shared.events import CATALOGUE
from shared.subjects import Subject


class Local(NamedTuple):
    """An agent or a queue of one PBX."""

    pbx: str
    name: str


@dataclass(frozen=True)
class Scope:
    """A ticket, resolved.

    ``agents`` and ``queues`` are the names as listed, without repetitions. ``agent_set`` and
    ``queue_set`` hold the same for each PBX; ``Local(pbx, "*")`` is all of that PBX.
    """

    pbxs: tuple[str, ...]
    agents: tuple[Name, ...]
    queues: tuple[Name, ...]
    agent_set: frozenset[Local]
    queue_set: frozenset[Local]
    callers: bool
    summary_events: bool

    def has_agent(self, pbx: str, agent: str) -> bool:
        """Whether it lists the agent, by name or by ``*``."""
        return Local(pbx, agent) in self.agent_set or Local(pbx, ALL) in self.agent_set

    def has_queue(self, pbx: str, queue: str) -> bool:
        """Whether it lists the queue, by name or by ``*``."""
        return Local(pbx, queue) in self.queue_set or Local(pbx, ALL) in self.queue_set

    def wants(self, event_type: str) -> bool:
        """Whether it asked for events of this type; most need not be asked for."""
        entry = CATALOGUE.get(event_type)
        if entry is None or entry.option is None:
            return True
        return self.callers if entry.option == "callers" else self.summary_events


def resolve(ticket: Ticket, pbxs: Sequence[str]) -> Scope:
    """The scope of a ticket; ``pbxs`` are the configured ones. A PBX that no longer is one gives nothing.

    Tickets that ask for the same get the same object: many do, and it is not small.
    """
    return _resolve(
        tuple(pbxs), ticket.pbx, ticket.agents, ticket.queues, ticket.callers, ticket.summary_events
    )


@lru_cache(maxsize=4096)
def _resolve(
    pbxs: tuple[str, ...],
    of: tuple[str, ...],
    agent_names: tuple[str, ...],
    queue_names: tuple[str, ...],
    callers: bool,
    summary_events: bool,
) -> Scope:
    chosen = tuple(pbx for pbx in pbxs if not of or pbx in of)
    agents = _unique(parse_name(text, pbxs) for text in agent_names)
    queues = _unique(parse_name(text, pbxs) for text in queue_names)
    return Scope(
        pbxs=chosen,
        agents=agents,
        queues=queues,
        agent_set=_local(agents, chosen),
        queue_set=_local(queues, chosen),
        callers=callers,
        summary_events=summary_events,
    )


def admits(scope: Scope, subject: Subject) -> bool:
    """Whether the scope gets an event of this subject."""
    return (
        subject.pbx in scope.pbxs
        and (subject.agent is None or scope.has_agent(subject.pbx, subject.agent))
        and (subject.queue is None or scope.has_queue(subject.pbx, subject.queue))
        and scope.wants(subject.type)
    )


def _unique(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(dict.fromkeys(names))


def _local(names: Iterable[Name], pbxs: Sequence[str]) -> frozenset[Local]:
    return frozenset(
        Local(pbx, name.name) for name in names for pbx in pbxs if name.pbx is None or name.pbx == pbx
    )

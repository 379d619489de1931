"""Who is interested in an event: found by its subject, without asking every group.

Each scope is entered under the names it lists; an event looks up its own names (and ``*``) and nothing
else. So the cost of an event grows with those who get it, not with those who are connected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Generic, TypeVar

from services.gateway.core.names import ALL
from services.gateway.core.scope import Local, Scope
from shared.subjects import Subject

M = TypeVar("M", bound=Hashable)


class Interest(Generic[M]):
    """Members with a scope each; a member is entered once."""

    def __init__(self) -> None:
        self._by_pbx: defaultdict[str, dict[M, Scope]] = defaultdict(dict)
        self._by_agent: defaultdict[Local, dict[M, Scope]] = defaultdict(dict)
        self._by_queue: defaultdict[Local, dict[M, Scope]] = defaultdict(dict)

    def add(self, member: M, scope: Scope) -> None:
        """Enter a member."""
        for pbx in scope.pbxs:
            self._by_pbx[pbx][member] = scope
        for agent in scope.agent_set:
            self._by_agent[agent][member] = scope
        for queue in scope.queue_set:
            self._by_queue[queue][member] = scope

    def remove(self, member: M, scope: Scope) -> None:
        """Take a member out; ``scope`` is the one it was entered with."""
        for pbx in scope.pbxs:
            _discard(self._by_pbx, pbx, member)
        for agent in scope.agent_set:
            _discard(self._by_agent, agent, member)
        for queue in scope.queue_set:
            _discard(self._by_queue, queue, member)

    def find(self, subject: Subject) -> list[M]:
        """The members whose scope admits an event of this subject."""
        if subject.agent is not None:
            found = self._listed(self._by_agent, subject.pbx, subject.agent)
            if subject.queue is not None:
                pbx, queue = subject.pbx, subject.queue
                found = {member: scope for member, scope in found.items() if scope.has_queue(pbx, queue)}
        elif subject.queue is not None:
            found = self._listed(self._by_queue, subject.pbx, subject.queue)
        else:
            found = self._by_pbx.get(subject.pbx, {})
        return [member for member, scope in found.items() if scope.wants(subject.type)]

    @staticmethod
    def _listed(index: defaultdict[Local, dict[M, Scope]], pbx: str, name: str) -> dict[M, Scope]:
        return {**index.get(Local(pbx, name), {}), **index.get(Local(pbx, ALL), {})}


K = TypeVar("K", bound=Hashable)


def _discard(index: defaultdict[K, dict[M, Scope]], key: K, member: M) -> None:
    members = index[key]
    members.pop(member, None)
    if not members:
        del index[key]

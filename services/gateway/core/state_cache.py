"""The last value of every state, and which PBX knows which agent and queue.

Filled from the snapshot and then by every live state. A tombstone (``"gone":true``) stays as the last
value but counts as absent: a PBX knows a name as long as some state under it is not gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.gateway.core.scope import Local
from shared.subjects import Subject

_GONE = b'"gone":true'  # in a JSON string the quotes would be escaped


class _Key(NamedTuple):
    type: str
    queue: str | None
    agent: str | None


class StateCache:
    """The last values, found by name.

    Attributes:
        complete: whether a whole snapshot is in it; set by who fills it.
    """

    def __init__(self) -> None:
        self.complete = False
        self._by_agent: defaultdict[Local, dict[_Key, bytes]] = defaultdict(dict)
        self._by_queue: defaultdict[Local, dict[_Key, bytes]] = defaultdict(dict)
        self._agents: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._queues: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def clear(self) -> None:
        """Forget everything."""
        self.complete = False
        for index in (self._by_agent, self._by_queue, self._agents, self._queues):
            index.clear()

    def put(self, subject: Subject, payload: bytes) -> None:
        """Keep the newest value of a state."""
        key = _Key(subject.type, subject.queue, subject.agent)
        present = _GONE not in payload
        if subject.agent is not None:
            at = Local(subject.pbx, subject.agent)
            _set(self._by_agent[at], key, payload, present=present)
            _mark(self._agents[subject.pbx], subject.agent, known=bool(self._by_agent[at]))
        if subject.queue is not None:
            at = Local(subject.pbx, subject.queue)
            _set(self._by_queue[at], key, payload, present=present)
            _mark(self._queues[subject.pbx], subject.queue, known=bool(self._by_queue[at]))

    def of_agent(self, pbx: str, agent: str, event_type: str) -> bytes | None:
        """A state with that agent as its scope; ``None`` when there is none, or it is gone."""
        return self._by_agent.get(Local(pbx, agent), {}).get(_Key(event_type, None, agent))

    def of_queue(self, pbx: str, queue: str, event_type: str) -> bytes | None:
        """A state with that queue as its scope; ``None`` when there is none, or it is gone."""
        return self._by_queue.get(Local(pbx, queue), {}).get(_Key(event_type, queue, None))

    def members(self, pbx: str, queue: str) -> Iterator[tuple[str, bytes]]:
        """The states of a queue's agents, with the agent."""
        for key, payload in self._by_queue.get(Local(pbx, queue), {}).items():
            if key.agent is not None:
                yield key.agent, payload

    def knows_agent(self, pbx: str, agent: str) -> bool:
        """Whether a PBX knows an agent."""
        return agent in self._agents.get(pbx, {})

    def knows_queue(self, pbx: str, queue: str) -> bool:
        """Whether a PBX knows a queue."""
        return queue in self._queues.get(pbx, {})

    def agents(self, pbx: str) -> Iterable[str]:
        """The agents that a PBX knows."""
        return self._agents.get(pbx, {}).keys()

    def queues(self, pbx: str) -> Iterable[str]:
        """The queues that a PBX knows."""
        return self._queues.get(pbx, {}).keys()


def _set(values: dict[_Key, bytes], key: _Key, payload: bytes, *, present: bool) -> None:
    if present:
        values[key] = payload
    else:
        values.pop(key, None)


def _mark(names: dict[str, None], name: str, *, known: bool) -> None:
    if known:
        names[name] = None
    else:
        names.pop(name, None)

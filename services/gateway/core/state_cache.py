"""The last value of every state, and which PBX knows which agent and queue.

Filled from the snapshot and then by every live state. A tombstone (``"gone":true``) takes the value away: a
PBX knows a name as long as there is some state under it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.subjects import Subject

_GONE = b'"gone":true'  # in a JSON string the quotes would be escaped

# Plain tuples: a gateway that starts puts thousands of states, and named ones take three times as long.
_Place = tuple[str, str]  # PBX, agent or queue
_Key = tuple[str, str | None, str | None]  # type, queue, agent


class StateCache:
    """The last values, found by name.

    Attributes:
        complete: whether a whole snapshot is in it; set by who fills it.
    """

    def __init__(self) -> None:
        self.complete = False
        self._by_agent: defaultdict[_Place, dict[_Key, bytes]] = defaultdict(dict)
        self._by_queue: defaultdict[_Place, dict[_Key, bytes]] = defaultdict(dict)
        self._agents: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._queues: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def clear(self) -> None:
        """Forget everything."""
        self.complete = False
        for index in (self._by_agent, self._by_queue, self._agents, self._queues):
            index.clear()

    def put(self, subject: Subject, payload: bytes) -> None:
        """Keep the newest value of a state."""
        _, pbx, event_type, queue, agent = subject
        key = (event_type, queue, agent)
        present = _GONE not in payload
        if agent is not None:
            _put(self._by_agent[pbx, agent], self._agents[pbx], agent, key, payload, present)
        if queue is not None:
            _put(self._by_queue[pbx, queue], self._queues[pbx], queue, key, payload, present)

    def of_agent(self, pbx: str, agent: str, event_type: str) -> bytes | None:
        """A state with that agent as its scope; ``None`` when there is none, or it is gone."""
        return self._by_agent.get((pbx, agent), {}).get((event_type, None, agent))

    def of_queue(self, pbx: str, queue: str, event_type: str) -> bytes | None:
        """A state with that queue as its scope; ``None`` when there is none, or it is gone."""
        return self._by_queue.get((pbx, queue), {}).get((event_type, queue, None))

    def members(self, pbx: str, queue: str) -> Iterator[tuple[str, bytes]]:
        """The states of a queue's agents, with the agent."""
        for (_, _, agent), payload in self._by_queue.get((pbx, queue), {}).items():
            if agent is not None:
                yield agent, payload

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


def _put(
    values: dict[_Key, bytes],
    names: dict[str, None],
    name: str,
    key: _Key,
    payload: bytes,
    present: bool,
) -> None:
    """Keep or drop a value, and with it whether there is anything under the name."""
    if present:
        values[key] = payload
        names[name] = None
    else:
        values.pop(key, None)
        if not values:
            names.pop(name, None)

"""What a page shows: the newest state of each subject that its stream told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

Event = dict[str, Any]
Figures = dict[tuple[str, ...], object]

SCOPE = {
    "agentName": ("agent",),
    "extensionStatus": ("agent",),
    "phoneNumber": ("agent",),
    "queueMemberStatus": ("queue", "agent"),
    "queueCount": ("queue",),
    "queueCallers": ("queue",),
    "QueueSummary": ("queue",),
    "MemberSummary": ("queue",),
    "pbxStatus": (),
}
"""The states, and the properties that make their subjects. Whatever else comes is a moment."""


def key_of(event: Event) -> tuple[str, ...] | None:
    """A state's subject: type, PBX and scope; ``None`` for a moment."""
    scope = SCOPE.get(event["type"])
    return None if scope is None else (event["type"], event["pbx"], *(event[name] for name in scope))


class Screen:
    """A reducer: `reset` clears, every state replaces the one before."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, ...], Event] = {}

    def clear(self) -> None:
        """As at `reset`."""
        self.states.clear()

    def show(self, event: Event) -> None:
        """As at an event."""
        key = key_of(event)
        if key is not None:
            self.states[key] = event

    def status(self, pbx: str = "hq") -> str:
        """Whether its figures are live; empty when it was not told."""
        event = self.states.get(("pbxStatus", pbx))
        return event["status"] if event else ""

    def figures(self, agents: Collection[str], queues: Collection[str], pbx: str = "hq") -> Figures:
        """What Asterisk's lists can say too, of these agents and queues.

        The keys are those of ``tests.e2e.test_failures.lists_of``: logged off, free and nobody have none.
        """
        found: Figures = {}
        for event in self.states.values():
            kind: str = event["type"]
            agent, queue = str(event.get("agent")), str(event.get("queue"))
            if event["pbx"] != pbx:
                continue
            if kind == "queueCount" and queue in queues:
                found[kind, queue] = event["count"]
            elif kind == "queueCallers" and queue in queues and event["callers"]:
                found[kind, queue] = [caller["uniqueId"] for caller in event["callers"]]
            elif kind == "extensionStatus" and agent in agents:
                found[kind, agent] = event["status"]
            elif kind == "queueMemberStatus" and agent in agents and queue in queues:
                if event["status"] != "loggedoff":
                    found["member", queue, agent] = event["status"]
            elif kind == "phoneNumber" and agent in agents and event["calls"]:
                found["calls", agent] = {call["uniqueId"] for call in event["calls"]}
        return found

"""What the clients of the soak test ask for, and which events of the log each must get.

The rule is written here once more, by the documents alone: it is what the gateway is held against.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.subjects import Subject

_CALLERS = frozenset({"queueCallers"})
_SUMMARIES = frozenset({"QueueSummary", "MemberSummary"})


@dataclass(frozen=True)
class Scope:
    """The body of `POST /ticket`."""

    agents: tuple[str, ...]
    queues: tuple[str, ...]
    callers: bool = False
    summaries: bool = False

    def body(self) -> dict[str, object]:
        """As it is sent."""
        return {
            "agents": self.agents,
            "queues": self.queues,
            "callers": self.callers,
            "summaryEvents": self.summaries,
        }

    def gets(self, subject: Subject) -> bool:
        """Whether a client of this scope is told of it."""
        if subject.type in _CALLERS and not self.callers:
            return False
        if subject.type in _SUMMARIES and not self.summaries:
            return False
        return _lists(self.agents, subject.agent) and _lists(self.queues, subject.queue)


def _lists(names: tuple[str, ...], name: str | None) -> bool:
    return name is None or "*" in names or name in names


_EVERYBODY = ("*",)

SCOPES = (
    Scope(_EVERYBODY, _EVERYBODY, callers=True, summaries=True),
    Scope(_EVERYBODY, _EVERYBODY),
    Scope((), _EVERYBODY, callers=True),
    Scope((), ("support",)),
    Scope(("101", "102", "103", "104", "105"), ("support", "sales")),
    Scope(("110",), ("support", "orders"), callers=True),
    Scope(tuple(str(number) for number in range(101, 121)), ("vip.es-en", "billing")),
    Scope(tuple(str(number) for number in range(111, 141)), ()),
)

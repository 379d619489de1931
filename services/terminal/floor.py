"""The floor as a terminal shows it: what the events have told so far. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Floor:
    """The newest states by PBX and name."""

    connected: bool = False
    pbxs: dict[str, Row] = field(default_factory=dict[str, Row])
    queues: dict[tuple[str, str], Row] = field(default_factory=dict[tuple[str, str], Row])
    agents: dict[tuple[str, str], Row] = field(default_factory=dict[tuple[str, str], Row])

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in; what this view does not show is ignored."""
        kind = event["type"]
        if kind == "reset":
            self.pbxs, self.queues, self.agents = {}, {}, {}
        elif kind == "ready":
            self.connected = True
        elif kind == "disconnected":
            self.connected = False
        elif kind == "pbxStatus":
            self.pbxs[event["pbx"]] = dict(event)
        elif kind in ("queueCount", "queueCallers"):
            self._keep(self.queues, (event["pbx"], event["queue"]), event)
        elif kind in ("agentName", "extensionStatus", "phoneNumber"):
            self._keep(self.agents, (event["pbx"], event["agent"]), event)
        elif kind == "queueMemberStatus":
            row = self.agents.setdefault((event["pbx"], event["agent"]), {})
            members: dict[str, str] = row.setdefault("members", {})
            if event["status"] == "loggedoff":
                members.pop(event["queue"], None)
            else:
                members[event["queue"]] = event["status"]

    def live(self, pbx: str) -> bool:
        """Whether the figures of a PBX may be shown as live."""
        return self.connected and self.pbxs.get(pbx, {}).get("status") == "online"

    @staticmethod
    def _keep(rows: dict[tuple[str, str], Row], key: tuple[str, str], event: Mapping[str, Any]) -> None:
        if event.get("gone"):
            rows.pop(key, None)
        else:
            rows.setdefault(key, {})[event["type"]] = dict(event)

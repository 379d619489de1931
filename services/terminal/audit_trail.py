"""What `pbxis tail --audit` shows: the newest actions, each with how it ended. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

Record = dict[str, Any]

_TARGETS = ("src", "agent", "queue", "agent-or-channel", "dest")


class Trail:
    """The newest actions; ``limit`` are kept. A beginning is a row until its end takes its place."""

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._rows: OrderedDict[str, Record] = OrderedDict()
        self.connected = True

    def apply(self, record: Record) -> None:
        """Take one record, or the news that there is no connection."""
        self.connected = record.get("type") != "disconnected"
        if not self.connected:
            return
        known = self._rows.get(record["id"])
        if record["phase"] == "begun" and known is not None:
            return  # the end came first
        begun_at = record["at"] if known is None else known["begunAt"]
        self._rows[record["id"]] = {**record, "begunAt": begun_at}
        while len(self._rows) > self._limit:
            self._rows.popitem(last=False)

    def newest(self, number: int) -> list[Record]:
        """The newest rows, the newest last."""
        return list(self._rows.values())[-number:] if number > 0 else []


def target_of(record: Record) -> str:
    """Whom or what an action was about: ``148 sales @hq``; as it came, so perhaps not fit for a terminal."""
    parameters: dict[str, object] = record.get("parameters") or {}
    about = [str(parameters[name]) for name in _TARGETS if name in parameters]
    where = [f"@{record['pbx']}"] if record.get("pbx") else []
    return " ".join(about + where)


def outcome_of(record: Record) -> str:
    """How it ended, in a word or two."""
    if record["phase"] == "begun":
        return "under way"
    words = [record.get("result") or "", record.get("code") or ""]
    return " ".join(word for word in dict.fromkeys(words) if word)

"""AMI messages: an event with its class, rendered once for all clients."""

from collections.abc import Iterable
from functools import cached_property

from services.demo_pbx.core.channels import Bridge, Channel, Headers

Part = Channel | Bridge | tuple[str, Channel] | Headers

CLASSES: dict[str, str] = {
    **dict.fromkeys(("FullyBooted", "Shutdown"), "system"),
    **dict.fromkeys(
        (
            "AgentCalled",
            "AgentConnect",
            "AgentComplete",
            "AgentRingNoAnswer",
            "QueueCallerAbandon",
            "QueueCallerJoin",
            "QueueCallerLeave",
            "QueueMemberAdded",
            "QueueMemberPause",
            "QueueMemberPenalty",
            "QueueMemberRemoved",
            "QueueMemberRinginuse",
            "QueueMemberStatus",
        ),
        "agent",
    ),
    "VarSet": "dialplan",
}
"""The class of each event; what is not named here is of class `call`."""


class AmiEvent:
    """An event as every client sees it; `encoded` is made at the first use only."""

    def __init__(
        self, name: str, headers: Headers, event_class: str | None = None, *, at: float | None = None
    ) -> None:
        """``at``: when it happened, as `timestampevents = yes` has Asterisk tell it."""
        self.name = name
        self.event_class = event_class or CLASSES.get(name, "call")
        dated: Headers = [] if at is None else [("Timestamp", f"{at:.6f}")]
        self.headers: Headers = [("Event", name), ("Privilege", f"{self.event_class},all"), *dated, *headers]

    @cached_property
    def encoded(self) -> bytes:
        return encode(self.headers)

    def get(self, header: str) -> str | None:
        """The first value of a header, or None; names are compared as Asterisk spells them."""
        return next((value for name, value in self.headers if name == header), None)


def encode(headers: Iterable[tuple[str, str]]) -> bytes:
    """The bytes of one AMI message, its empty line included."""
    return "".join([*(f"{name}: {value}\r\n" for name, value in headers), "\r\n"]).encode()


def render(parts: Iterable[Part]) -> Headers:
    """Headers of channels, bridges, prefixed channels (`Dest`, `Parkee`) and plain headers, in order."""
    headers: Headers = []
    for part in parts:
        if isinstance(part, Channel | Bridge):
            headers += part.headers()
        elif isinstance(part, tuple):
            headers += part[1].headers(part[0])
        else:
            headers += part
    return headers

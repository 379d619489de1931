"""An AMI transcript as tests look at it: events in order, and the lifeline of each channel."""

from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ami"

LIFELINE = frozenset(
    {
        "Newchannel",
        "Newstate",
        "DialEnd",
        "QueueCallerJoin",
        "QueueCallerAbandon",
        "QueueCallerLeave",
        "AgentConnect",
        "BridgeEnter",
        "BridgeLeave",
        "Hold",
        "Unhold",
        "Hangup",
    }
)
"""What makes the life of a channel; these keep their order in every run of the same scenario.

DialBegin is not among them: in the recordings it comes before and after `Newstate` Ringing.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One AMI message; headers in order, as sent."""

    headers: tuple[tuple[str, str], ...]

    @property
    def event(self) -> str:
        return self["Event"]

    def __getitem__(self, name: str) -> str:
        """The first value, or "" if the header is absent."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def shape(self) -> tuple[str, ...]:
        """Header names in order, with the value of the two that never vary.

        Without `Timestamp`: the recorded Asterisk was not told to date its events, the demo PBX does.
        """
        headers = [(k, v) for k, v in self.headers if k != "Timestamp"]
        return tuple(f"{k}: {v}" if k in ("Event", "Privilege") else k for k, v in headers)


def parse(data: bytes) -> list[Message]:
    """Messages of a stream; the banner has no empty line and sticks to the first one."""
    messages: list[Message] = []
    for block in data.split(b"\r\n\r\n"):
        lines = block.decode().strip("\r\n").split("\r\n")
        headers = [line.partition(":") for line in lines if ":" in line]
        if headers:
            messages.append(Message(tuple((name, value.removeprefix(" ")) for name, _, value in headers)))
    return messages


class Transcript:
    """The events of one scenario."""

    def __init__(self, messages: list[Message]) -> None:
        # Items of a list that a client asked for carry its ActionID and are no news.
        self.events = [
            m for m in messages if m.event and (not m["ActionID"] or m.event == "OriginateResponse")
        ]

    def all(self, event: str, **wanted: str) -> list[Message]:
        return [m for m in self.events if m.event == event and all(m[k] == v for k, v in wanted.items())]

    def one(self, event: str, **wanted: str) -> Message:
        found = self.all(event, **wanted)
        assert len(found) == 1, f"{len(found)} events {event} {wanted}"
        return found[0]

    def first(self, event: str, **wanted: str) -> Message:
        return self.all(event, **wanted)[0]

    def at(self, message: Message) -> int:
        return next(i for i, each in enumerate(self.events) if each is message)

    def in_order(self, *messages: Message) -> bool:
        places = [self.at(message) for message in messages]
        return places == sorted(places)

    def lifeline(self, channel: str) -> list[str]:
        """What happened to a channel, without what differs from run to run."""
        line: list[str] = []
        for message in self.events:
            if message.event not in LIFELINE or channel not in (message["Channel"], message["DestChannel"]):
                continue
            detail = {
                "Newstate": message["ChannelStateDesc"],
                "DialEnd": message["DialStatus"],
                "BridgeEnter": message["BridgeType"],
                "BridgeLeave": message["BridgeType"],
                "Hangup": message["Cause"],
            }.get(message.event, "")
            line.append(f"{message.event} {detail}".strip())
        return line

    def channels(self) -> list[str]:
        """Every channel, in the order of birth."""
        return [m["Channel"] for m in self.all("Newchannel")]

    def shapes(self) -> dict[str, set[tuple[str, ...]]]:
        """The header lists of each event type."""
        shapes: dict[str, set[tuple[str, ...]]] = {}
        for message in self.events:
            shapes.setdefault(message.event, set()).add(message.shape)
        return shapes


def recorded(name: str) -> Transcript:
    """A recording of a real Asterisk."""
    return Transcript(parse((FIXTURES / f"{name}.ami").read_bytes()))

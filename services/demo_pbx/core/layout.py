"""What is configured in the PBX: numbers, contexts, parking. Names and numbers are fictional."""

from collections.abc import Mapping
from dataclasses import dataclass

PHONES = "agents"
TRUNK = "from-trunk"
DEFAULT = "default"
CONTEXTS = frozenset({PHONES, TRUNK, DEFAULT})
HINTS = "hint"
TRUNK_DEVICE = "PJSIP/trunk"
PARKING_EXTEN = "700"
OWN_NUMBER_PREFIX = "01632960"
"""What outsiders see of a calling agent: this and his extension."""


@dataclass(frozen=True, slots=True)
class LotSettings:
    """A parking lot; spaces are handed out one after the other, round and round."""

    name: str = "default"
    context: str = "parkedcalls"
    first: int = 701
    last: int = 720
    timeout_s: int = 45
    comeback_dial_s: int = 10


@dataclass(frozen=True, slots=True)
class ToPhone:
    device: str
    exten: str


@dataclass(frozen=True, slots=True)
class ToOutside:
    exten: str


@dataclass(frozen=True, slots=True)
class ToQueue:
    queue: str


@dataclass(frozen=True, slots=True)
class ToParking:
    """The parking extension: whoever is sent there is parked."""


@dataclass(frozen=True, slots=True)
class ToSpace:
    """A parking space: whoever dials it fetches the parked call."""

    space: int


@dataclass(frozen=True, slots=True)
class ToApplication:
    """An application that plays something for so many seconds; then the call ends."""

    name: str
    seconds: int


APPLICATIONS: Mapping[str, ToApplication] = {
    "501": ToApplication("Wait", 3600),
    "503": ToApplication("Busy", 5),
    "504": ToApplication("Congestion", 5),
}

Destination = ToPhone | ToOutside | ToQueue | ToParking | ToSpace | ToApplication

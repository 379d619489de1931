"""The events: what the outside sees of a call centre.

One msgspec struct each, tagged by `type`, camelCase on the wire, `type` first. A **state** is the
full current value of its subject and replaces the one before it; a **moment** happened once.
Instants (`since`, `lastCall`) are milliseconds since the epoch on the service's clock; durations say
their unit in the description. ``None`` is JSON ``null``.

To add an event: write the struct, add it to ``CATALOGUE`` with its kind and scope, describe it with a
sample in ``docs/events.md`` (a test compares the two), and make the core publish it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from shared.subjects import Family, Subject

DeviceWord = Literal["not_inuse", "inuse", "busy", "ringing", "ringinuse", "onhold", "unavailable", "unknown"]
ExtensionWord = Literal["not_inuse", "inuse", "busy", "unavailable", "ringing", "ringinuse", "onhold"]
MemberWord = Literal[
    "loggedoff",
    "paused",
    "not_inuse",
    "inuse",
    "busy",
    "ringing",
    "ringinuse",
    "onhold",
    "unavailable",
    "unknown",
]
CallState = Literal["ringing", "dialing", "connected", "held"]
Direction = Literal["inbound", "outbound"]
PbxWord = Literal["online", "syncing", "offline", "auth_failed"]


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """What all events about a PBX have."""

    pbx: str


class State(Event, frozen=True, kw_only=True, rename="camel"):
    """The newest value of a subject.

    ``gone`` is there, and true, on a tombstone: the queue, member or agent no longer exists, and the
    other properties hold the natural last value.
    """

    gone: bool | UnsetType = UNSET


class AgentName(State, frozen=True, kw_only=True, tag="agentName", rename="camel"):
    """The name that the queues know an agent by; his number when they know none."""

    agent: str
    name: str


class ExtensionStatus(State, frozen=True, kw_only=True, tag="extensionStatus", rename="camel"):
    """The state of an agent's phone, as its hint tells."""

    agent: str
    status: ExtensionWord


class QueueMemberStatus(State, frozen=True, kw_only=True, tag="queueMemberStatus", rename="camel"):
    """An agent in a queue. ``status`` is ``paused`` while paused; ``device_status`` tells the phone then too.

    ``last_call`` is ``None`` before the first call; ``since`` is when ``status`` became what it is.
    """

    agent: str
    queue: str
    status: MemberWord
    device_status: DeviceWord = "unknown"
    paused: bool = False
    paused_reason: str | None = None
    penalty: int = 0
    calls_taken: int = 0
    last_call: int | None = None
    since: int | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One call of an agent. ``number`` is ``"anonymous"`` when withheld."""

    unique_id: str
    number: str
    name: str | None
    queue: str | None
    direction: Direction
    state: CallState
    since: int


class PhoneNumber(State, frozen=True, kw_only=True, tag="phoneNumber", rename="camel"):
    """Whom an agent talks to; ``number`` is ``None`` only when there is no call.

    The properties outside ``calls`` are those of the call in front: the newest connected call, else
    the ringing (or dialled) one, else the held one.
    """

    agent: str
    number: str | None
    name: str | None = None
    queue: str | None = None
    direction: Direction | None = None
    unique_id: str | None = None
    since: int | None = None
    calls: tuple[Call, ...] = ()


class QueueCount(State, frozen=True, kw_only=True, tag="queueCount", rename="camel"):
    """How many callers wait."""

    queue: str
    count: int


class WaitingCaller(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A caller who waits; ``position`` counts from 1."""

    unique_id: str
    number: str
    name: str | None
    position: int
    since: int


class QueueCallers(State, frozen=True, kw_only=True, tag="queueCallers", rename="camel"):
    """Who waits, in order. Only for tickets made with ``callers``."""

    queue: str
    callers: tuple[WaitingCaller, ...] = ()


class QueueSummary(State, frozen=True, kw_only=True, tag="QueueSummary", rename="camel"):
    """Asterisk's own figures of a queue. Only for tickets made with ``summaryEvents``.

    ``hold_time``, ``talk_time`` and ``longest_hold_time`` are seconds; the first two are Asterisk's
    running averages. ``service_level`` is the target in seconds, ``service_level_perf`` per cent.
    """

    queue: str
    available: int
    hold_time: int
    logged_in: int
    longest_hold_time: int
    talk_time: int
    abandoned: int
    completed: int
    service_level: int
    service_level_perf: float
    calls: int


class MemberFigures(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member as QueueStatus lists it; ``last_call`` and ``last_pause`` as in QueueMemberStatus."""

    agent: str
    location: str
    member_name: str
    calls_taken: int
    last_call: int | None
    last_pause: int | None
    login_time: int | None
    incall: bool
    paused: bool
    paused_reason: str | None
    penalty: int
    status: DeviceWord
    membership: str
    wrapup_time: int


class MemberSummary(State, frozen=True, kw_only=True, tag="MemberSummary", rename="camel"):
    """All members of a queue. Only for tickets made with ``summaryEvents``."""

    queue: str
    members: tuple[MemberFigures, ...] = ()


class PbxStatus(State, frozen=True, kw_only=True, tag="pbxStatus", rename="camel"):
    """Whether the figures of a PBX are live: only while ``status`` is ``online``."""

    status: PbxWord
    since: int
    reason: str | None = None


class AgentComplete(Event, frozen=True, kw_only=True, tag="agentComplete", rename="camel"):
    """A queue call ended for the agent who took it. Times are seconds.

    ``reason`` is Asterisk's word: ``caller``, ``agent`` or ``transfer``. ``recording`` is the path of
    the file, ``None`` when nothing told one.
    """

    agent: str
    queue: str
    unique_id: str
    talk_time: int
    hold_time: int
    recording: str | None
    reason: str


class OriginateFailed(Event, frozen=True, kw_only=True, tag="originateFailed", rename="camel"):
    """A call that was asked for did not come about."""

    action_id: str
    agent: str
    reason: str


class _Parking(Event, frozen=True, kw_only=True, rename="camel"):
    """What the four parking events have. ``parked_ext`` is the space; ``timeout`` the seconds left."""

    caller_id: str
    channel: str
    parked_ext: str
    parked_by: str | None
    timeout: int
    unique_id: str
    parking_lot: str


class ParkedCall(_Parking, frozen=True, kw_only=True, tag="parkedCall", rename="camel"):
    """A call was parked."""


class ParkedCallGiveUp(_Parking, frozen=True, kw_only=True, tag="parkedCallGiveUp", rename="camel"):
    """A parked caller hung up, or was taken elsewhere."""


class ParkedCallTimeOut(_Parking, frozen=True, kw_only=True, tag="parkedCallTimeOut", rename="camel"):
    """Nobody fetched a parked call in time."""


class UnParkedCall(_Parking, frozen=True, kw_only=True, tag="unParkedCall", rename="camel"):
    """A parked call was fetched."""

    retrieved_by: str | None = None


class EventsLost(Event, frozen=True, kw_only=True, tag="eventsLost", rename="camel"):
    """The bridge had to drop moments: NATS was away for too long."""

    count: int
    since: int


AnyEvent = (
    AgentName
    | ExtensionStatus
    | QueueMemberStatus
    | PhoneNumber
    | QueueCount
    | QueueCallers
    | QueueSummary
    | MemberSummary
    | PbxStatus
    | AgentComplete
    | OriginateFailed
    | ParkedCall
    | ParkedCallGiveUp
    | ParkedCallTimeOut
    | UnParkedCall
    | EventsLost
)

Option = Literal["callers", "summaryEvents"]


class Entry(NamedTuple):
    """How an event is addressed.

    ``by_queue`` and ``by_agent`` are its scope: the ticket must list that queue, that agent, or both;
    neither means every ticket of the PBX. ``option`` is what the ticket must have asked for.
    """

    event: type[Event]
    family: Family
    by_queue: bool = False
    by_agent: bool = False
    option: Option | None = None


CATALOGUE: dict[str, Entry] = {
    "agentName": Entry(AgentName, "state", by_agent=True),
    "extensionStatus": Entry(ExtensionStatus, "state", by_agent=True),
    "queueMemberStatus": Entry(QueueMemberStatus, "state", by_queue=True, by_agent=True),
    "phoneNumber": Entry(PhoneNumber, "state", by_agent=True),
    "queueCount": Entry(QueueCount, "state", by_queue=True),
    "queueCallers": Entry(QueueCallers, "state", by_queue=True, option="callers"),
    "QueueSummary": Entry(QueueSummary, "state", by_queue=True, option="summaryEvents"),
    "MemberSummary": Entry(MemberSummary, "state", by_queue=True, option="summaryEvents"),
    "pbxStatus": Entry(PbxStatus, "state"),
    "agentComplete": Entry(AgentComplete, "event", by_agent=True),
    "originateFailed": Entry(OriginateFailed, "event"),
    "parkedCall": Entry(ParkedCall, "event"),
    "parkedCallGiveUp": Entry(ParkedCallGiveUp, "event"),
    "parkedCallTimeOut": Entry(ParkedCallTimeOut, "event"),
    "unParkedCall": Entry(UnParkedCall, "event"),
    "eventsLost": Entry(EventsLost, "event"),
}

_NAMES: dict[type[Event], str] = {entry.event: name for name, entry in CATALOGUE.items()}


def type_of(event: Event) -> str:
    """The event's `type`, as on the wire."""
    return _NAMES[type(event)]


def is_state(event: Event) -> bool:
    """Whether it replaces the value before it (else it is a moment)."""
    return isinstance(event, State)


def subject_of(event: Event) -> Subject:
    """Where the event goes: family, PBX, type and scope."""
    name = _NAMES[type(event)]
    entry = CATALOGUE[name]
    return Subject(
        family=entry.family,
        pbx=event.pbx,
        type=name,
        queue=getattr(event, "queue") if entry.by_queue else None,  # noqa: B009 - by the catalogue it has one
        agent=getattr(event, "agent") if entry.by_agent else None,  # noqa: B009 - by the catalogue it has one
    )

"""AMI messages for tests, with the headers that the core reads, as Asterisk 22 spells them."""

from __future__ import annotations

Message = dict[str, "str | list[str]"]


def message(event: str, **headers: str | list[str]) -> Message:
    """An event."""
    return {"Event": event, **headers}


def member(
    event: str = "QueueMemberStatus",
    *,
    queue: str = "support",
    interface: str = "PJSIP/148",
    state_interface: str | None = None,
    name: str = "Agent 148",
    status: int = 1,
    paused: bool = False,
    reason: str = "",
    **headers: str,
) -> Message:
    """A `QueueMember…` event."""
    return {
        "Event": event,
        "Queue": queue,
        "MemberName": name,
        "Interface": interface,
        "StateInterface": interface if state_interface is None else state_interface,
        "Membership": "dynamic",
        "Penalty": "0",
        "CallsTaken": "0",
        "LastCall": "0",
        "LastPause": "0",
        "LoginTime": "1795000000",
        "InCall": "0",
        "Status": str(status),
        "Paused": "1" if paused else "0",
        "PausedReason": reason,
        "Wrapuptime": "0",
        **headers,
    }


def listed_member(**options: object) -> Message:
    """The `QueueMember` of QueueStatus: the same, but for two headers' names."""
    told = member("QueueMember", **options)  # type: ignore[arg-type]
    told["Name"], told["Location"] = told.pop("MemberName"), told.pop("Interface")
    return told


def params(queue: str = "support", calls: int = 0, **headers: str) -> Message:
    """`QueueParams` of QueueStatus."""
    return {
        "Event": "QueueParams",
        "Queue": queue,
        "Calls": str(calls),
        "Completed": "7",
        "Abandoned": "2",
        "ServiceLevel": "10",
        "ServicelevelPerf": "87.5",
        **headers,
    }


def entry(uniqueid: str, queue: str = "support", position: int = 1, wait: int = 0, **headers: str) -> Message:
    """`QueueEntry` of QueueStatus."""
    return {
        "Event": "QueueEntry",
        "Queue": queue,
        "Position": str(position),
        "Uniqueid": uniqueid,
        "CallerIDNum": "0991",
        "CallerIDName": "unknown",
        "Wait": str(wait),
        **headers,
    }


def summary(queue: str = "support", **headers: str) -> Message:
    """An item of QueueSummary."""
    return {
        "Event": "QueueSummary",
        "Queue": queue,
        "LoggedIn": "1",
        "Available": "1",
        "Callers": "0",
        "HoldTime": "3",
        "TalkTime": "60",
        "LongestHoldTime": "0",
        **headers,
    }


def channel(name: str, uniqueid: str, linkedid: str = "", **headers: str) -> Message:
    """The headers of a channel in an event about one, without the event."""
    return {"Channel": name, "Uniqueid": uniqueid, "Linkedid": linkedid or uniqueid, **headers}


def destination(name: str, uniqueid: str, linkedid: str = "", **headers: str) -> Message:
    """The headers of the other channel of an event about two."""
    return {"DestChannel": name, "DestUniqueid": uniqueid, "DestLinkedid": linkedid or uniqueid, **headers}


def enter(bridge: str, who: Message, *, holding: bool = False) -> Message:
    """`BridgeEnter`."""
    technology = "holding_bridge" if holding else "simple_bridge"
    return {"Event": "BridgeEnter", "BridgeUniqueid": bridge, "BridgeTechnology": technology, **who}


def leave(bridge: str, who: Message) -> Message:
    """`BridgeLeave`."""
    return {"Event": "BridgeLeave", "BridgeUniqueid": bridge, **who}


def hangup(uniqueid: str, cause: int = 16) -> Message:
    """`Hangup`."""
    return {"Event": "Hangup", "Uniqueid": uniqueid, "Cause": str(cause)}


def hint(agent: str, status: int, context: str = "hint", device: str | None = None) -> Message:
    """`ExtensionStatus`."""
    watched = f"PJSIP/{agent}" if device is None else device
    return {
        "Event": "ExtensionStatus",
        "Exten": agent,
        "Context": context,
        "Hint": watched,
        "Status": str(status),
    }

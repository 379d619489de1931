"""The last word about what no longer exists: the natural last value, marked ``gone``."""

from __future__ import annotations

from msgspec import structs

from shared.events import (
    ExtensionStatus,
    MemberSummary,
    PhoneNumber,
    QueueCallers,
    QueueCount,
    QueueMemberStatus,
    QueueSummary,
    State,
)


def tombstone(last: State) -> State:
    """The document that follows the last one when its queue, member or agent is gone."""
    match last:
        case ExtensionStatus():
            return structs.replace(last, status="unavailable", gone=True)
        case QueueMemberStatus():
            return QueueMemberStatus(
                pbx=last.pbx, queue=last.queue, agent=last.agent, status="loggedoff", gone=True
            )
        case PhoneNumber():
            return PhoneNumber(pbx=last.pbx, agent=last.agent, number=None, gone=True)
        case QueueCount():
            return structs.replace(last, count=0, gone=True)
        case QueueCallers():
            return structs.replace(last, callers=(), gone=True)
        case QueueSummary():
            return structs.replace(last, available=0, logged_in=0, longest_hold_time=0, calls=0, gone=True)
        case MemberSummary():
            return structs.replace(last, members=(), gone=True)
        case _:
            return structs.replace(last, gone=True)

"""Asterisk's own figures of the queues, as the lists show them. No event tells of these."""

from __future__ import annotations

from collections.abc import Iterator

from services.ami_bridge.core.ami_message import (
    AmiMessage,
    decimal,
    flag,
    name,
    optional,
    whole,
    whole_or_zero,
)
from services.ami_bridge.core.members import Member
from shared.events import MemberFigures, MemberSummary, QueueSummary


def read_figures(message: AmiMessage, member: Member) -> MemberFigures:
    """Read the rest of a member.

    Args:
        message: the `QueueMember` of QueueStatus that ``member`` was read from.

    Raises:
        MalformedMessageError: a header is missing or unreadable.
    """
    return MemberFigures(
        agent=member.agent,
        location=member.interface,
        member_name=optional(message, "Name"),
        calls_taken=member.calls_taken,
        last_call=member.last_call,
        last_pause=whole_or_zero(message, "LastPause") * 1000 or None,
        login_time=whole_or_zero(message, "LoginTime") * 1000 or None,
        incall=flag(message, "InCall"),
        paused=member.paused,
        paused_reason=member.paused_reason,
        penalty=member.penalty,
        status=member.device,
        membership=optional(message, "Membership"),
        wrapup_time=whole_or_zero(message, "Wrapuptime"),
    )


def read_summary(pbx: str, summary: AmiMessage, params: AmiMessage) -> QueueSummary:
    """Read a queue's figures.

    Args:
        summary: the queue's `QueueSummary` item.
        params: its `QueueParams` of QueueStatus.

    Raises:
        MalformedMessageError: a header is missing or unreadable.
    """
    return QueueSummary(
        pbx=pbx,
        queue=name(summary, "Queue"),
        available=whole(summary, "Available"),
        hold_time=whole(summary, "HoldTime"),
        logged_in=whole(summary, "LoggedIn"),
        longest_hold_time=whole(summary, "LongestHoldTime"),
        talk_time=whole(summary, "TalkTime"),
        abandoned=whole(params, "Abandoned"),
        completed=whole(params, "Completed"),
        service_level=whole(params, "ServiceLevel"),
        service_level_perf=decimal(params, "ServicelevelPerf"),
        calls=whole(params, "Calls"),
    )


class Summaries:
    """The newest figures of each queue."""

    def __init__(self) -> None:
        self._queues: dict[str, QueueSummary] = {}
        self._members: dict[str, tuple[MemberFigures, ...]] = {}

    def queues(self) -> Iterator[str]:
        """The queues with a QueueSummary."""
        return iter(self._queues)

    def with_members(self) -> Iterator[str]:
        """The queues with a MemberSummary."""
        return iter(self._members)

    def put(self, summary: QueueSummary) -> None:
        """Take over a queue's figures."""
        self._queues[summary.queue] = summary

    def put_members(self, queue: str, members: list[MemberFigures]) -> None:
        """Take over a queue's members. The list's own order is that of a hash table."""
        self._members[queue] = tuple(sorted(members, key=lambda member: (member.agent, member.location)))

    def adopt(self, queue: str, listed: Summaries) -> None:
        """Take over a queue's figures of another model, if it has any."""
        if queue in listed._queues:
            self._queues[queue] = listed._queues[queue]
        if queue in listed._members:
            self._members[queue] = listed._members[queue]

    def forget(self, queue: str) -> None:
        """Drop a queue that no longer exists."""
        self._queues.pop(queue, None)
        self._members.pop(queue, None)

    def queue(self, queue: str) -> QueueSummary | None:
        """The QueueSummary event."""
        return self._queues.get(queue)

    def members(self, pbx: str, queue: str) -> MemberSummary | None:
        """The MemberSummary event."""
        members = self._members.get(queue)
        return None if members is None else MemberSummary(pbx=pbx, queue=queue, members=members)

"""Repair what no event tells, from the lists that are asked every few seconds anyway.

A list and the events are not one ordered history: while a list was collected, newer events may have been
applied, so a difference is no proof that the model is wrong. But one that a second list shows again, the
model not having changed in between, is real: the second list was asked after the first one was complete, and
every event that is older than it has come. Only such differences are taken over. They are: a member's new
name, figures after QueueReset, queues and members that a reload made or removed.
"""

from __future__ import annotations

from services.ami_bridge.core.members import Member
from services.ami_bridge.core.model import Model

_Subject = tuple[str, "str | None"]  # the queue, and the interface of a member
_Waiting = tuple["int | None", tuple[str, ...]]
_Value = Member | _Waiting | None


class Drift:
    """Differences that one list showed, until the next one confirms them."""

    def __init__(self) -> None:
        self._suspected: dict[_Subject, tuple[_Value, _Value]] = {}

    def repair(self, model: Model, listed: Model, now_ms: int) -> bool:
        """Compare with a model made of the lists alone, and take over what differs for the second time.

        Returns:
            whether that was a change of which Asterisk always tells by an event.
        """
        untold = False
        ours, theirs = _values(model), _values(listed)
        suspected: dict[_Subject, tuple[_Value, _Value]] = {}
        for subject in {**ours, **theirs}:
            difference = (ours.get(subject), theirs.get(subject))
            if difference[0] == difference[1]:
                continue
            if self._suspected.get(subject) == difference:
                _adopt(model, listed, subject, difference, now_ms)
                untold = untold or _has_an_event(*difference)
            else:
                suspected[subject] = difference
        self._suspected = suspected
        return untold


def _values(model: Model) -> dict[_Subject, _Value]:
    values: dict[_Subject, _Value] = {}
    for queue in model.queues:
        count, callers = model.queues.waiting(queue)
        values[queue, None] = (count, tuple(callers))
    for member in model.members:
        values[member.queue, member.interface] = member
    return values


def _has_an_event(ours: _Value, theirs: _Value) -> bool:
    """Unlike a reset, a reload or a new name: the state of a member's phone, or how many callers wait."""
    if isinstance(ours, Member) and isinstance(theirs, Member):
        return ours.device != theirs.device
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return ours[0] is not None and theirs[0] != ours[0]
    return False


def _adopt(
    model: Model, listed: Model, subject: _Subject, difference: tuple[_Value, _Value], now_ms: int
) -> None:
    (queue, interface), (ours, theirs) = subject, difference
    if interface is None:
        if theirs is None:
            model.forget_queue(queue)
            return
        model.queues.adopt(queue, listed.queues)
        model.touch("queueCount", queue, None)
        model.touch("queueCallers", queue, None)
        return
    if queue not in model.queues:
        return  # forgotten a moment ago, with its members
    if isinstance(ours, Member) and not (isinstance(theirs, Member) and theirs.agent == ours.agent):
        model.members.remove(queue, interface, ours.agent, now_ms)
        model.touch("queueMemberStatus", queue, ours.agent)
    if isinstance(theirs, Member):
        model.members.put(theirs, now_ms)
        model.touch("queueMemberStatus", queue, theirs.agent)
        model.touch("agentName", None, theirs.agent)

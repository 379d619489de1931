"""Who waits in the queues.

`Count` of QueueCallerJoin and QueueCallerLeave is absolute and already includes the caller who joined or
left. Every caller who leaves sends QueueCallerLeave, after QueueCallerAbandon too, so that one need not
be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from services.ami_bridge.core.ami_message import AmiMessage, name, optional, whole
from services.ami_bridge.core.caller_id import listed_name_of, name_of, number_of, shown
from shared.events import QueueCallers, QueueCount, WaitingCaller


class Caller(NamedTuple):
    """Someone who waits; ``since`` in ms since the epoch."""

    uniqueid: str
    number: str | None
    name: str | None
    since: int


def read_caller(message: AmiMessage, since: int) -> Caller:
    """Read who waits.

    Args:
        message: AMI `QueueCallerJoin`, or the `QueueEntry` of QueueStatus.

    Raises:
        MalformedMessageError: `Uniqueid` is missing.
    """
    read_name = listed_name_of if message.get("Event") == "QueueEntry" else name_of
    return Caller(
        name(message, "Uniqueid"),
        number_of(optional(message, "CallerIDNum")),
        read_name(optional(message, "CallerIDName")),
        since,
    )


class _Queue:
    """``count`` is ``None`` as long as nothing told it."""

    __slots__ = ("callers", "count")

    def __init__(self) -> None:
        self.count: int | None = None
        self.callers: list[Caller] = []


class Queues:
    """The queues there are, and their callers in order."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def __contains__(self, queue: str) -> bool:
        return queue in self._queues

    def __iter__(self) -> Iterator[str]:
        return iter(self._queues)

    def spelt(self, queue: str) -> str | None:
        """The queue of that name as it is configured. Asterisk itself looks at no case."""
        if queue in self._queues:
            return queue
        wanted = queue.lower()
        return next((each for each in self._queues if each.lower() == wanted), None)

    def ensure(self, queue: str) -> None:
        """Say that there is such a queue."""
        if queue not in self._queues:
            self._queues[queue] = _Queue()

    def put(self, queue: str, count: int | None, callers: Iterable[Caller]) -> None:
        """Take over a queue as a list shows it. Who waited already keeps his ``since``."""
        self.ensure(queue)
        state = self._queues[queue]
        known = {caller.uniqueid: caller.since for caller in state.callers}
        state.count = count
        state.callers = [
            caller._replace(since=known.get(caller.uniqueid, caller.since)) for caller in callers
        ]

    def adopt(self, queue: str, listed: Queues) -> None:
        """Take over a queue of another model."""
        theirs = listed._queues[queue]
        self.put(queue, theirs.count, theirs.callers)

    def recall(self, queue: str, callers: Iterable[WaitingCaller]) -> None:
        """Take over since when those who still wait have waited."""
        state = self._queues[queue]
        known = {caller.unique_id: caller.since for caller in callers}
        state.callers = [
            caller._replace(since=known.get(caller.uniqueid, caller.since)) for caller in state.callers
        ]

    def join(self, message: AmiMessage, now_ms: int) -> str:
        """Apply `QueueCallerJoin`; the queue.

        A caller whom a list showed before his event came only changes his place.

        Raises:
            MalformedMessageError: a header is missing or unreadable.

        Source: Asterisk `apps/app_queue.c`, join_queue().
        """
        queue, count, position = name(message, "Queue"), whole(message, "Count"), whole(message, "Position")
        caller = read_caller(message, now_ms)
        self.ensure(queue)
        state = self._queues[queue]
        for index, present in enumerate(state.callers):
            if present.uniqueid == caller.uniqueid:
                caller = caller._replace(since=present.since)
                del state.callers[index]
                break
        state.callers.insert(max(position - 1, 0), caller)
        state.count = count
        return queue

    def leave(self, message: AmiMessage) -> str:
        """Apply `QueueCallerLeave`; the queue. The count counts even if nothing says who left.

        Raises:
            MalformedMessageError: a header is missing or unreadable.

        Source: Asterisk `apps/app_queue.c`, leave_queue().
        """
        queue, count, uniqueid = (
            name(message, "Queue"),
            whole(message, "Count"),
            optional(message, "Uniqueid"),
        )
        self.ensure(queue)
        state = self._queues[queue]
        state.count = count
        state.callers = [caller for caller in state.callers if caller.uniqueid != uniqueid] if count else []
        return queue

    def forget(self, queue: str) -> None:
        """Drop a queue that no longer exists."""
        self._queues.pop(queue, None)

    def waiting(self, queue: str) -> tuple[int | None, Sequence[str]]:
        """How many wait, and their uniqueids in order."""
        state = self._queues[queue]
        return state.count, [caller.uniqueid for caller in state.callers]

    def count(self, pbx: str, queue: str) -> QueueCount | None:
        """The queueCount event; ``None`` when nothing told it."""
        state = self._queues.get(queue)
        if state is None or state.count is None:
            return None
        return QueueCount(pbx=pbx, queue=queue, count=state.count)

    def callers(self, pbx: str, queue: str) -> QueueCallers | None:
        """The queueCallers event; ``None`` when nothing told it."""
        state = self._queues.get(queue)
        if state is None or state.count is None:
            return None
        return QueueCallers(
            pbx=pbx,
            queue=queue,
            callers=tuple(
                WaitingCaller(
                    unique_id=caller.uniqueid,
                    number=shown(caller.number),
                    name=caller.name,
                    position=position,
                    since=caller.since,
                )
                for position, caller in enumerate(state.callers, start=1)
            ),
        )

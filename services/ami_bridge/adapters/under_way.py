"""The messages that were sent and are not known to be stored.

*Unanswered* ones wait for the log's answer, at most one a subject, each under a fence of its own. *Unsettled*
ones had an error, no answer in time, or lost their connection; they are sent again, the oldest first.
"""

from __future__ import annotations

from collections import deque

from services.ami_bridge.adapters.outbox_message import OutboxMessage


class UnderWay:
    """Of one outbox."""

    def __init__(self, window: int) -> None:
        self._open: dict[int, OutboxMessage] = {}
        self._unanswered: dict[str, OutboxMessage] = {}
        self._unsettled: dict[int, OutboxMessage] = {}
        self._free = deque(range(window))

    def __len__(self) -> int:
        return len(self._open)

    @property
    def room(self) -> bool:
        """Whether one more may be sent."""
        return bool(self._free)

    @property
    def unanswered(self) -> bool:
        """Whether answers are to come."""
        return bool(self._unanswered)

    @property
    def oldest_unsettled(self) -> OutboxMessage | None:
        """What is to be sent again first."""
        return self._unsettled[min(self._unsettled)] if self._unsettled else None

    def is_unanswered(self, subject: str) -> bool:
        """Whether a message of that subject is."""
        return subject in self._unanswered

    def is_unsettled(self, message: OutboxMessage) -> bool:
        """Whether it is to be sent again, or was."""
        return message.number in self._unsettled

    def numbered(self, number: int) -> OutboxMessage | None:
        """A message by its number; ``None`` when nothing is to be done about it any more."""
        return self._open.get(number)

    def send(self, message: OutboxMessage, now_s: float) -> None:
        """It is sent now, perhaps again, under a fence that is free."""
        message.sent_at = now_s
        message.fence = self._free.popleft()
        self._open[message.number] = message
        self._unanswered[message.subject] = message

    def fail(self, message: OutboxMessage) -> bool:
        """It is to be sent again; whether that is so for the second time."""
        again = message.number in self._unsettled
        self._answered(message)
        self._unsettled[message.number] = message
        return again

    def fail_all(self) -> None:
        """No answer will come to any."""
        for message in tuple(self._unanswered.values()):
            self.fail(message)

    def late(self, before_s: float) -> list[OutboxMessage]:
        """Those that were sent before then and are unanswered. They are in the order of their sending."""
        first = next(iter(self._unanswered.values()), None)
        if first is None or first.sent_at >= before_s:
            return []
        return [message for message in self._unanswered.values() if message.sent_at < before_s]

    def forget(self, message: OutboxMessage) -> bool:
        """Nothing more is to be done about it; whether it was unsettled."""
        self._answered(message)
        self._open.pop(message.number, None)
        return self._unsettled.pop(message.number, None) is not None

    def _answered(self, message: OutboxMessage) -> None:
        if self._unanswered.get(message.subject) is message:
            del self._unanswered[message.subject]
            self._free.append(message.fence)

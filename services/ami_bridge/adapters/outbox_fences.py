"""The fences of an outbox: whether it may send under them, or has to put them up anew before."""

from __future__ import annotations

from services.ami_bridge.adapters.fences import Fences
from services.ami_bridge.adapters.known_log import KnownLog
from services.ami_bridge.adapters.outbox_message import MESSAGE_ID, OutboxMessage
from services.ami_bridge.clocks import steady_s
from services.ami_bridge.core.fence_wear import FenceWear
from shared.config import NatsSection


class OutboxFences:
    """Attributes:
    stand: whether they do, as far as is known; without any (no other process can be writing) always.
    """

    def __init__(self, fences: Fences | None, section: NatsSection, known: KnownLog) -> None:
        """``fences`` were put up."""
        self._fences = fences
        self._known = known
        self._wear = FenceWear(section.log_max_bytes, section.log_max_age_s, steady_s())
        self.stand = True
        if fences is not None:
            self._wear.put_up(fences.sequence, steady_s())

    def headers(self, message: OutboxMessage) -> dict[str, str]:
        """With which it is sent now, under its fence."""
        if self._fences is None:
            return message.headers
        size = len(message.subject) + len(message.payload) + len(message.headers[MESSAGE_ID])
        if self._wear.sent(size):
            self.take_down()
        return {**message.headers, **self._fences.headers(message.fence)}

    def take_down(self) -> None:
        """They have to be put up anew before anything else is sent."""
        self.stand = self._fences is None

    def take_down_if_worn(self) -> None:
        """So much came into the log since that the first of them may be gone soon."""
        if self._wear.is_over(self._known.last_sequence, self._known.message_bytes, steady_s()):
            self.take_down()

    async def put_up(self) -> bool:
        """Put them up anew; false when it is not for this bridge to do. Only while nothing is under way.

        Raises:
            BusUnavailableError: NATS does not answer, or refuses.
        """
        if self._fences is not None:
            self.stand = await self._fences.put_up()
            if self.stand:
                self._known.has(*self._fences.newest)
                self._wear.put_up(self._fences.sequence, steady_s())
        return self.stand

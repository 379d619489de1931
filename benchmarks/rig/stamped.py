"""Events with the time at which they were made in a text that comes through unchanged.

The text is the reason of a pause, `@t=` and 16 hex digits: CLOCK_MONOTONIC in nanoseconds, as the load client
reads it. Such an event is as long as a real one.
"""

from __future__ import annotations

import random
import time

from shared import wire
from shared.events import QueueMemberStatus, subject_of
from shared.subjects import build

PBX = "bench"
QUEUE = "support"
_BLANK = "0" * 16

SCATTERED_AGENTS = 100
SCATTERED_OF_EACH = 10
"""Of that many agents a client with a scattered filter lists so many: it gets a tenth of the events."""


def stamp() -> str:
    """The present, as the load client reads it."""
    return f"@t={time.monotonic_ns():016x}"


class Stamped:
    """The state of one agent in one queue, made anew at every :meth:`payload`."""

    def __init__(self, agent: str, queue: str = QUEUE) -> None:
        event = QueueMemberStatus(
            pbx=PBX,
            agent=agent,
            queue=queue,
            status="paused",
            device_status="not_inuse",
            paused=True,
            paused_reason=f"@t={_BLANK}",
            calls_taken=17,
            last_call=1_790_000_000_000,
            since=1_790_000_120_000,
        )
        self.agent = agent
        self.subject = build(subject_of(event))
        self._before, _, self._after = wire.encode(event).partition(_BLANK.encode())

    def payload(self) -> bytes:
        """The event as it is now."""
        return b"%b%016x%b" % (self._before, time.monotonic_ns(), self._after)


def agents(count: int) -> list[str]:
    """Names of agents."""
    return [str(1000 + number) for number in range(count)]


def scattered(client: int) -> tuple[str, ...]:
    """The agents that a client with a scattered filter lists; others for each client."""
    chosen = random.Random(client).sample(agents(SCATTERED_AGENTS), SCATTERED_OF_EACH)
    return tuple(sorted(chosen))

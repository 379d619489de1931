"""The simulation on the real clock: a loop timer runs what is due and hands on the events."""

import asyncio
import time
from collections.abc import Callable, Sequence

from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.pbx import Pbx

Subscriber = Callable[[Sequence[AmiEvent]], None]

TICK_S = 0.01
"""Steps closer together than this are run in one go."""


class LiveCentre:
    """Runs a `Pbx` at `speed`. Built inside the loop that runs it."""

    def __init__(self, pbx: Pbx, speed: float = 1.0) -> None:
        self._pbx = pbx
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._from = pbx.schedule.now
        self._timer: asyncio.TimerHandle | None = None
        self._subscribers: list[Subscriber] = []
        self._events: list[AmiEvent] = []
        self._arm()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Get every event from now on; returns what ends it."""
        self._subscribers.append(subscriber)
        if len(self._subscribers) == 1:
            self._pbx.switch.sinks.append(self._events.append)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)
                if not self._subscribers:
                    self._pbx.switch.sinks.clear()

        return unsubscribe

    def act(self, action: Callable[[Pbx], None]) -> None:
        """Do something to the PBX at its present time.

        What the action writes itself (its answer) is written before the events that it caused.
        """
        self._advance()
        self._flush()
        try:
            action(self._pbx)
        finally:
            self._flush()
            self._arm()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._subscribers.clear()
        self._pbx.switch.sinks.clear()

    def _tick(self) -> None:
        try:
            self._advance()
        finally:
            self._flush()
            self._arm()

    def _advance(self) -> None:
        elapsed = self._loop.time() - self._began
        self._pbx.schedule.run_until(self._from + elapsed * self._speed)

    def _flush(self) -> None:
        if self._events:
            events = self._events.copy()
            self._events.clear()
            for subscriber in self._subscribers.copy():
                subscriber(events)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._pbx.schedule.next_due()
        if due is not None:
            when = self._began + (due - self._from) / self._speed
            self._timer = self._loop.call_at(max(when, self._loop.time() + TICK_S), self._tick)


def wall_clock() -> float:
    """Seconds since the epoch, for the start of a simulation."""
    return time.time()

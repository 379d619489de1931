"""Virtual time: steps wait in a heap until the clock, which is passed in, has reached them."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

Step = Callable[[], None]


@dataclass(slots=True, order=True)
class Timer:
    """One step to come. Equal times run in the order in which they were asked for."""

    due: float
    order: int
    step: Step = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Keep the step from running; harmless after it has run."""
        self.cancelled = True


class Schedule:
    """The simulation's clock (`now`, seconds since the epoch) and what is still to happen."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._heap: list[Timer] = []
        self._count = 0

    def after(self, delay_s: float, step: Step) -> Timer:
        """Run `step` when `delay_s` of simulated time have passed."""
        self._count += 1
        timer = Timer(self.now + max(0.0, delay_s), self._count, step)
        heapq.heappush(self._heap, timer)
        return timer

    def next_due(self) -> float | None:
        """When the next step is due, or None if nothing is planned."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def run_until(self, now: float) -> None:
        """Run everything due up to `now`, each step at its own time, and leave the clock at `now`."""
        while (due := self.next_due()) is not None and due <= now:
            timer = heapq.heappop(self._heap)
            self.now = max(self.now, due)
            timer.step()
        self.now = max(self.now, now)

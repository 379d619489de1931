"""Fan-out: what the log says, to all clients who are live, in as few writes as can be.

How it works. A *group* is the clients of equal scope. A message is put into the pending list of each group
whose scope admits it. At the end of the tick the lists are **sealed**: each becomes a batch for the members
that the group has then, numbered in the order of sealing. Then the batches are written, so many clients a
turn; in between the loop has its turn, for what 5,000 writes take is longer than others should wait. The
next tick begins after as long a pause as the writing took (5 ms at most): with little to do everything goes
out at once, with much to do more events share a write.

Who joins, or comes to be live again, first seals what is pending: its number says from which batch on it
takes part. Nothing here waits for a client: one that cannot take more is no longer live, and one whose
group has more pending than is kept is given it later, from the ring.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from services.gateway.core.batch import Batch, slices
from services.gateway.core.frames import Message
from services.gateway.core.interest import Interest
from services.gateway.core.ring import Ring
from services.gateway.core.scope import Scope
from services.gateway.counters import StreamCounters
from services.gateway.subscription import Subscription
from shared.subjects import Subject

WRITES_A_TURN = 500
LONGEST_PAUSE_S = 0.005
MOST_PENDING = 2000
REFILLING_S = 0.01
_REFILL_COSTS = 10
"""A refill is worth about so many writes; one from far back takes longer, so there is a clock as well."""


class Scheduler(Protocol):
    """An event loop, as far as it is needed here."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Call back in the next turn."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back after so many seconds."""
        ...


class Group:
    """The clients of one scope, and what this tick has for them.

    Attributes:
        told: the batch that last told of a status which is not in the log.
    """

    __slots__ = ("members", "overrun", "pending", "telling", "told")

    def __init__(self) -> None:
        self.members: dict[Subscription, None] = {}
        self.pending: list[Message] = []
        self.overrun = False
        self.telling = False
        self.told = 0


class _Job(NamedTuple):
    """A batch, and who of its group still has to get it."""

    batch: Batch
    group: Group | None
    members: Iterator[Subscription]


class FanOut:
    """Groups, and the writing to them.

    Attributes:
        serial: the number of the newest batch.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        monotonic: Callable[[], float],
        ring: Ring,
        counters: StreamCounters,
        refill: Callable[[Subscription], None],
        fall_behind: Callable[[Subscription], None],
    ) -> None:
        """Args: ``refill`` gives a client what it asked for by :meth:`want`; ``fall_behind`` marks one."""
        self._scheduler = scheduler
        self._monotonic = monotonic
        self._ring = ring
        self._counters = counters
        self._refill = refill
        self._fall_behind = fall_behind
        self._interest: Interest[Group] = Interest()
        self._groups: dict[Scope, Group] = {}
        self._dirty: list[Group] = []
        self._jobs: deque[_Job] = deque()
        self._wanted: dict[Subscription, None] = {}
        self._armed = False
        self._failure: Exception | None = None
        self._busy_s = 0.0
        self._not_before = 0.0
        self.serial = 0

    def add(self, subscription: Subscription) -> None:
        """Enter a client into its group."""
        group = self._groups.get(subscription.scope)
        if group is None:
            group = self._groups[subscription.scope] = Group()
            self._interest.add(group, subscription.scope)
        group.members[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Take it out; twice does no harm."""
        self._wanted.pop(subscription, None)
        group = self._groups.get(subscription.scope)
        if group is None:
            return
        group.members.pop(subscription, None)
        if not group.members:
            del self._groups[subscription.scope]
            self._interest.remove(group, subscription.scope)

    def group_of(self, subscription: Subscription) -> Group:
        """The group that it is in."""
        return self._groups[subscription.scope]

    def send(self, subject: Subject, message: Message) -> None:
        """To all whose scope admits the subject, at the end of the tick."""
        groups = self._interest.find(subject)
        if not groups:
            return
        dirty = self._dirty
        for group in groups:
            pending = group.pending
            if not pending:
                dirty.append(group)
            if len(pending) < MOST_PENDING:
                pending.append(message)
            else:
                group.overrun = True
        if message.id is None:
            for group in groups:
                group.telling = True
        if not self._armed:
            self._arm()

    def send_to(self, members: Sequence[Subscription], message: Message) -> None:
        """To these, whatever their scope, behind what is pending."""
        self.seal()
        self.serial += 1
        self._jobs.append(_Job(Batch((message,), self._ring.last, self.serial), None, iter(members)))
        self._arm()

    def want(self, subscription: Subscription) -> None:
        """Have it refilled, soon."""
        self._wanted[subscription] = None
        self._arm()

    def clear(self) -> None:
        """Forget what is on its way to anybody."""
        for group in self._dirty:
            group.pending = []
            group.overrun = group.telling = False
        self._dirty.clear()
        self._jobs.clear()
        self._wanted.clear()

    def seal(self) -> None:
        """Make batches of what is pending, for those who are members now."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, []
        last = self._ring.last
        for group in dirty:
            pending, group.pending = group.pending, []
            if group.overrun:
                self._overrun(group)
            elif group.members:
                members = tuple(group.members)
                if len(pending) == 1:
                    self._add_job(pending, last, group, members)
                else:
                    self._add_jobs(pending, last, group, members)
            if group.telling:
                group.telling = False
                group.told = self.serial

    def settle(self, subscription: Subscription) -> None:
        """Give a client now what waits for its turn."""
        self.seal()
        group = self._groups.get(subscription.scope)
        for job in self._jobs:
            if job.group is group and subscription.give(job.batch):
                self._count(job.batch, 1)

    def check(self) -> None:
        """See whether it goes on.

        Raises:
            Exception: whatever a turn raised: a bug. There will be no other turn.
        """
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Write everything that waits, now."""
        self.seal()
        while self._jobs:
            self._write(self._jobs.popleft(), None)

    def _overrun(self, group: Group) -> None:
        group.overrun = False
        self.serial += 1  # of a batch that is not made, so that nobody counts as having it
        for subscription in group.members:
            if subscription.live:
                self._fall_behind(subscription)
                self.want(subscription)

    def _add_job(
        self, messages: Sequence[Message], last: int, group: Group, members: Sequence[Subscription]
    ) -> None:
        self.serial += 1
        self._jobs.append(_Job(Batch(messages, last, self.serial), group, iter(members)))

    def _add_jobs(
        self, messages: Sequence[Message], last: int, group: Group, members: Sequence[Subscription]
    ) -> None:
        parts = list(slices(messages, after_events=True))
        for part in parts[:-1]:
            self._add_job(part, part[-1].sequence, group, members)
        self._add_job(parts[-1], last, group, members)

    def _arm(self) -> None:
        if self._armed:
            return
        self._armed = True
        pause = self._not_before - self._monotonic()
        if pause <= 0:
            self._scheduler.call_soon(self._turn)
        else:
            self._scheduler.call_later(pause, self._turn)

    def _turn(self) -> None:
        try:
            self._take_turn()
        except Exception as error:
            self._failure = error
            raise

    def _take_turn(self) -> None:
        begun = self._monotonic()
        if not self._jobs:
            self.seal()
        done = self._work()
        ended = self._monotonic()
        self._busy_s += ended - begun
        self._armed = False
        if not done:
            self._not_before = 0.0
            self._arm()
            return
        self._not_before = ended + min(self._busy_s, LONGEST_PAUSE_S)
        self._busy_s = 0.0
        if self._dirty:
            self._arm()

    def _work(self) -> bool:
        """One turn's writes; whether nothing is left."""
        left = WRITES_A_TURN
        jobs = self._jobs
        while jobs:
            left -= self._write(jobs[0], left)
            if left <= 0:
                return False
            jobs.popleft()
        wanted = self._wanted
        until = self._monotonic() + REFILLING_S
        while wanted:
            subscription = next(iter(wanted))
            del wanted[subscription]
            self._refill(subscription)
            left -= _REFILL_COSTS
            if left <= 0 or self._monotonic() >= until:
                return not wanted and not jobs
        return not jobs

    def _write(self, job: _Job, most: int | None) -> int:
        """Give a batch to so many clients at most; how many were asked."""
        batch = job.batch
        asked = given = 0
        for subscription in islice(job.members, most):
            asked += 1
            if subscription.give(batch):
                given += 1
        self._count(batch, given)
        return asked

    def _count(self, batch: Batch, given: int) -> None:
        self._counters.writes += given
        self._counters.deliveries += given * len(batch.messages)

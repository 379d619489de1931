"""The log as it lies in NATS, read whole and without the project's own readers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.errors import Error
from nats.js import api

from shared import subjects
from tests.support.asterisk_rig import eventually
from tests.support.chaos.screen import key_of
from tests.support.chaos.story import Event

LOG = "PBXIS_LOG"
_ANSWER_WITHIN_S = 2.0
_EVENTS = ("state", "event")

Connect = Callable[[], AbstractAsyncContextManager[Client]]


class HoleError(Exception):
    """The log was not told whole: by the reading, or a hole is in it."""


class Entry(NamedTuple):
    """``subject`` is taken apart; ``event`` is what was published, without an id."""

    sequence: int
    subject: subjects.Subject
    event: Event


@dataclass(frozen=True, eq=False)
class LogCopy:
    """All events that the log holds, in order; ``last`` is the sequence it ends at."""

    generation: str
    first: int
    last: int
    entries: Sequence[Entry]

    def moments(self, kind: str) -> list[Event]:
        """Those of one type, in order."""
        return [entry.event for entry in self.entries if entry.event["type"] == kind]

    def doubled(self, kind: str, *names: str) -> list[tuple[Any, ...]]:
        """What is there more than once: a moment's PBX and the properties named."""
        found = Counter((event["pbx"], *(event[name] for name in names)) for event in self.moments(kind))
        return [key for key, count in found.items() if count > 1]

    def states_at(self, sequence: int) -> dict[tuple[str, ...], Event]:
        """The newest document of each subject up to there."""
        found: dict[tuple[str, ...], Event] = {}
        for entry in self.entries:
            if entry.sequence > sequence:
                break
            key = key_of(entry.event)
            if key is not None:
                found[key] = entry.event
        return found


async def copy_log(connect: Connect, within_s: float = 30.0) -> LogCopy:
    """Read it from its first to its last message; tries again while NATS is not there.

    Args:
        connect: makes a connection of a user who may do everything.

    Raises:
        TimeoutError: it could not be read in time.
    """
    copies: list[LogCopy] = []
    faults: list[str] = []

    async def copied() -> bool:
        try:
            async with connect() as client:
                copies.append(await _read(client))
        except (Error, OSError, TimeoutError, HoleError) as error:
            faults.append(repr(error))
        return bool(copies)

    try:
        await eventually(copied, "the log is read", timeout_s=within_s)
    except TimeoutError as error:
        raise TimeoutError(f"the log was not read within {within_s} s: {faults[-5:]}") from error
    return copies[0]


async def _read(client: Client) -> LogCopy:
    jetstream = client.jetstream(timeout=_ANSWER_WITHIN_S)
    info = await jetstream.stream_info(LOG)
    inbox = client.new_inbox()
    reading = await client.subscribe(inbox, pending_msgs_limit=0, pending_bytes_limit=0)
    consumer = api.ConsumerConfig(
        deliver_subject=inbox,
        ack_policy=api.AckPolicy.NONE,
        deliver_policy=api.DeliverPolicy.ALL,
        mem_storage=True,
        num_replicas=1,
        inactive_threshold=_ANSWER_WITHIN_S,
    )
    await jetstream.add_consumer(LOG, consumer)
    entries: list[Entry] = []
    last = info.state.first_seq - 1
    while last < info.state.last_seq:
        message = await reading.next_msg(_ANSWER_WITHIN_S)
        sequence = message.metadata.sequence.stream
        if sequence != last + 1:
            raise HoleError(last, sequence)
        last = sequence
        if message.subject.split(".")[2] in _EVENTS:
            entries.append(Entry(sequence, subjects.parse(message.subject), json.loads(message.data)))
    generation = (info.config.metadata or {})["pbxis-generation"]
    return LogCopy(generation, info.state.first_seq, last, entries)

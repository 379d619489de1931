"""The log as it lies in NATS, read whole and without the project's own readers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.js import api

from shared import subjects
from tests.support.chaos.screen import key_of
from tests.support.chaos.story import Event

LOG = "PBXIS_LOG"
_AT_ONCE = 1000
_WITHIN_S = 10.0
_EVENTS = ("state", "event")


class Entry(NamedTuple):
    """``subject`` is taken apart; ``event`` is what was published, without an id."""

    sequence: int
    subject: subjects.Subject
    event: Event


@dataclass(frozen=True)
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


async def copy_log(client: Client) -> LogCopy:
    """Read it from its first to its last message; ``client`` may do everything."""
    jetstream = client.jetstream(timeout=_WITHIN_S)
    info = await jetstream.stream_info(LOG)
    reading = await jetstream.pull_subscribe(
        "",
        stream=LOG,
        config=api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE,
            deliver_policy=api.DeliverPolicy.ALL,
            mem_storage=True,
            num_replicas=1,
        ),
    )
    entries: list[Entry] = []
    last = info.state.first_seq - 1
    while last < info.state.last_seq:
        for message in await reading.fetch(_AT_ONCE, timeout=_WITHIN_S):
            sequence = message.metadata.sequence.stream
            assert sequence == last + 1, f"the log has {last} and then {sequence}"
            last = sequence
            if message.subject.split(".")[2] in _EVENTS:
                entries.append(Entry(sequence, subjects.parse(message.subject), json.loads(message.data)))
    await reading.unsubscribe()
    generation = (info.config.metadata or {})["pbxis-generation"]
    return LogCopy(generation, info.state.first_seq, last, entries)

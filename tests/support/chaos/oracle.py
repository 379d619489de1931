"""What must be true of a client's story, given the log: exactly its events, in order, and no other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from shared.subjects import Subject
from tests.support.chaos.log_copy import Entry, LogCopy
from tests.support.chaos.screen import key_of
from tests.support.chaos.story import Chapter, Event, Story, place_of

ALL = "*"
_NATURAL = {
    "extensionStatus": ("status", "unavailable"),
    "phoneNumber": ("number", None),
    "queueMemberStatus": ("status", "loggedoff"),
    "queueCount": ("count", 0),
    "queueCallers": ("callers", []),
}
_SHOWN = 5


@dataclass(frozen=True)
class Listed:
    """A ticket as it was asked for. The rule that a name known to one PBX alone gets that one's follows."""

    agents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    callers: bool = False
    summary_events: bool = False
    pbxs: tuple[str, ...] = ()

    def has(self, subject: Subject) -> bool:
        """Whether such a ticket gets an event of this subject."""
        return (
            (not self.pbxs or subject.pbx in self.pbxs)
            and (subject.agent is None or _lists(self.agents, subject.agent, subject.pbx))
            and (subject.queue is None or _lists(self.queues, subject.queue, subject.pbx))
            and (subject.type != "queueCallers" or self.callers)
            and (subject.type not in ("QueueSummary", "MemberSummary") or self.summary_events)
        )


def _lists(names: Iterable[str], name: str, pbx: str) -> bool:
    return not {ALL, f"{ALL}@{pbx}", name, f"{name}@{pbx}"}.isdisjoint(names)


def newest_for(listed: Listed, log: LogCopy) -> int:
    """The sequence of the last event in the log that such a ticket gets; 0 for none."""
    return max([entry.sequence for entry in _wanted(listed, log)], default=0)


@lru_cache(maxsize=16)
def _wanted(listed: Listed, log: LogCopy) -> list[Entry]:
    """Kept, as several clients have the same ticket."""
    return [entry for entry in log.entries if listed.has(entry.subject)]


def check_story(story: Story, listed: Listed, log: LogCopy) -> None:
    """Compare one client's story with the log, which is whole and which the client was told to its end.

    Raises:
        AssertionError: names the first difference.
    """
    assert not story.faults, story.faults[:_SHOWN]
    wanted = _wanted(listed, log)
    chapters = [chapter for chapter in story.chapters if chapter.begun]
    assert chapters, "no `ready` ever came"
    for chapter in chapters:
        _check_chapter(chapter, wanted, log, listed, to_the_end=chapter is chapters[-1])
    positions = [place_of(event["id"]).sequence for chapter in chapters for event in chapter.live]
    assert all(before < after for before, after in pairwise(positions)), "an event came twice"


def _check_chapter(
    chapter: Chapter, wanted: list[Entry], log: LogCopy, listed: Listed, *, to_the_end: bool
) -> None:
    begun = place_of(chapter.begun)
    generations = {place_of(event["id"]).generation for event in chapter.live} | {begun.generation}
    assert generations == {log.generation}, generations
    _check_state(chapter, begun.sequence, wanted, log, listed)
    positions = [place_of(event["id"]).sequence for event in chapter.live]
    end = log.last if to_the_end else max([begun.sequence, *positions])
    expected = [entry for entry in wanted if begun.sequence < entry.sequence <= end]
    live = chapter.live[: bisect_right(positions, end)]  # the log may have gone on since it was copied
    told = [{name: value for name, value in event.items() if name != "id"} for event in live]
    for index, (entry, position, event) in enumerate(zip(expected, positions, told, strict=False)):
        assert (position, event) == (entry.sequence, entry.event), (
            f"event {index} after {chapter.begun}: told {position} {event}, "
            f"the log has {entry.sequence} {entry.event}"
        )
    assert len(told) == len(expected), (
        f"after {chapter.begun} told {len(told)} events, the log has {len(expected)}: "
        f"missing {expected[len(told) :][:_SHOWN]}, more {live[len(expected) :][:_SHOWN]}"
    )
    for position, count in chapter.resumed:
        promised = sum(entry.sequence <= place_of(position).sequence for entry in expected)
        assert count >= promised, f"`ready` {position} came after {count} of {promised} events"


def _check_state(chapter: Chapter, at: int, wanted: list[Entry], log: LogCopy, listed: Listed) -> None:
    """The state told is that of the log at `ready`; what the log never told has its natural value."""
    keyed = ((key_of(entry.event), entry.event) for entry in wanted if entry.sequence <= at)
    newest = {key: event for key, event in keyed if key is not None}
    for event in chapter.state:
        key = key_of(event)
        assert key is not None, f"a moment in a state: {event}"
        if event["type"] == "pbxStatus":
            continue  # the gateway's own word may stand for the log's
        known = newest.pop(key, None)
        if known is not None and not known.get("gone"):
            assert event == known, f"the state at {chapter.begun} told {event}, the log has {known}"
        elif event["type"] in _NATURAL:
            name, value = _NATURAL[event["type"]]
            assert event[name] == value, f"the state at {chapter.begun} told {event}, the log nothing"
    left_out = [event for event in newest.values() if _must_be_told(event, listed)]
    assert not left_out, f"the state at {chapter.begun} of log {log.generation} lacks {left_out[:_SHOWN]}"


def _must_be_told(event: Event, listed: Listed) -> bool:
    """Whether it is of a state whose agent and queue are listed by name, or of one that is there."""
    if event["type"] == "pbxStatus":
        return False
    by_name = ALL not in {*listed.agents, *listed.queues}
    return not event.get("gone") or (by_name and event["type"] in _NATURAL)

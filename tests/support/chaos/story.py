"""What one client was told, kept as it came: chapter after chapter, each from a state on.

A chapter begins when the client knows nothing: at first, and after each `reset`. It has the state it began
with, up to its `ready`, and then the live events. The clients of tests never forget anything; what a browser
would show is in ``screen``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.support.chaos.screen import Screen

Event = dict[str, Any]

CONTROL = frozenset({"ready", "reset", "ping", "closed", "close"})


class Place(NamedTuple):
    """An id taken apart, as no client may: tests look into it to compare with the log."""

    generation: str
    sequence: int


def place_of(position: str) -> Place:
    """Of an event's or a `ready`'s id."""
    head, _, sequence = position.rpartition("-")
    return Place(head.partition(".")[0], int(sequence))


@dataclass
class Chapter:
    """``state`` has no ids; ``begun`` is the first `ready`'s id, empty until it came.

    ``resumed`` are the later `ready`s: an id, and how many live events had come by then.
    """

    state: list[Event] = field(default_factory=list[Event])
    begun: str = ""
    live: list[Event] = field(default_factory=list[Event])
    resumed: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])


class Story:
    """All chapters of a client. ``resets`` counts those that it did not ask for."""

    def __init__(self) -> None:
        self.chapters: list[Chapter] = []
        self.screen = Screen()
        self.position: str | None = None
        """What to give back as `after`; ``None`` while nothing is known."""
        self.resets = 0
        self.statuses: list[str] = []
        """Of every `pbxStatus`, in order."""
        self.faults: list[str] = []
        """What no gateway may send, whatever the log holds."""

    def connected(self) -> None:
        """A connection begins; one that gives nothing back begins a chapter."""
        if self.position is None:
            self._begin()

    def take(self, event: Event) -> None:
        """An event or a word of control, as it came."""
        kind = event["type"]
        if kind == "reset":
            if self.position is not None:
                self.resets += 1
            self._begin()
        elif kind == "ready":
            self._ready(event)
        elif kind not in CONTROL:
            self._event(event)

    def _begin(self) -> None:
        self.chapters.append(Chapter())
        self.screen.clear()
        # A browser that kept its place here, and lost the connection before `ready`, would never see a state.
        self.position = None

    def _ready(self, event: Event) -> None:
        chapter = self.chapters[-1]
        position = str(event["id"])
        if event["resumed"] != bool(chapter.begun):
            self.faults.append(f"{event} after {len(chapter.state)} states and `ready` {chapter.begun!r}")
        if not chapter.begun:
            chapter.begun = position
        else:
            chapter.resumed.append((position, len(chapter.live)))
        self.position = position

    def _event(self, event: Event) -> None:
        chapter = self.chapters[-1]
        if event["type"] == "pbxStatus":
            self.statuses.append(str(event["status"]))
        if not chapter.begun:
            if "id" in event:
                self.faults.append(f"live before `ready`: {event}")
            chapter.state.append(event)
        elif "id" in event:
            chapter.live.append(event)
            self.position = str(event["id"])
        elif event["type"] != "pbxStatus":
            self.faults.append(f"no id: {event}")
        self.screen.show(event)

"""The judgement that the chaos tests rely on: it sees whatever a gateway could do wrong."""

from __future__ import annotations

from typing import Any

import pytest

from shared.subjects import Subject
from tests.support.chaos.log_copy import Entry, LogCopy
from tests.support.chaos.oracle import Listed, check_story
from tests.support.chaos.story import Story

Event = dict[str, Any]

LISTED = Listed(("148",), ("support",))
BEGUN, LAST = 3, 8


def count(number: int) -> Event:
    return {"type": "queueCount", "pbx": "hq", "queue": "support", "count": number}


LOG = LogCopy(
    "g",
    1,
    LAST,
    [
        Entry(
            sequence, Subject("state", "hq", "queueCount", queue, None), {**count(sequence), "queue": queue}
        )
        for sequence in range(1, LAST + 1)
        for queue in (["sales"] if sequence == 6 else ["support"])
    ],
)
READY = {"type": "ready", "resumed": False, "id": f"g-{BEGUN}"}
RESUMED = {"type": "ready", "resumed": True, "id": "g-5"}
RIGHT: list[Event] = [
    count(BEGUN),
    READY,
    *({**count(sequence), "id": f"g-{sequence}"} for sequence in (4, 5)),
    RESUMED,
    *({**count(sequence), "id": f"g-{sequence}"} for sequence in (7, 8)),
]


def story_of(events: list[Event]) -> Story:
    story = Story()
    story.connected()
    for event in events:
        story.take(event)
    return story


def without(index: int) -> list[Event]:
    return RIGHT[:index] + RIGHT[index + 1 :]


def changed(index: int, **properties: Any) -> list[Event]:
    return [*RIGHT[:index], {**RIGHT[index], **properties}, *RIGHT[index + 1 :]]


def test_what_the_log_has_is_right() -> None:
    story = story_of(RIGHT)
    check_story(story, LISTED, LOG)
    assert story.position == f"g-{LAST}"
    assert story.screen.states["queueCount", "hq", "support"]["count"] == LAST


def test_a_story_that_begins_anew_is_right_and_says_so() -> None:
    again = [count(7), {**READY, "id": "g-7"}, {**count(8), "id": "g-8"}]
    story = story_of([*RIGHT[:4], {"type": "reset"}, *again])
    check_story(story, LISTED, LOG)
    assert story.resets == 1


WRONG: dict[str, list[Event]] = {
    "one is missing": without(2),
    "the last is missing": without(len(RIGHT) - 1),
    "one came twice": [*RIGHT[:4], RIGHT[3], *RIGHT[4:]],
    "two changed places": [*RIGHT[:2], RIGHT[3], RIGHT[2], *RIGHT[4:]],
    "one is another": changed(3, count=99),
    "one of another log": changed(3, id="other-5"),
    "one that is not listed": [*RIGHT[:5], {**count(6), "queue": "sales", "id": "g-6"}, *RIGHT[5:]],
    "an old state": changed(0, count=BEGUN - 1),
    "no state": without(0),
    "a promise too early": [*RIGHT[:3], RESUMED, *RIGHT[3:4], *RIGHT[5:]],
    "one without an id": [*RIGHT[:3], count(5), *RIGHT[4:]],
    "live before ready": [RIGHT[0], RIGHT[2], RIGHT[1], *RIGHT[3:]],
    "ready says resumed at first": changed(1, resumed=True),
    "nothing": [],
}


@pytest.mark.parametrize("what", WRONG)
def test_whatever_else_is_wrong(what: str) -> None:
    with pytest.raises(AssertionError):
        check_story(story_of(WRONG[what]), LISTED, LOG)


@pytest.mark.parametrize(
    ("queue", "pbxs"),
    [("support", "hq branch"), ("support@hq", "hq"), ("*", "hq branch"), ("*@branch", "branch")],
)
def test_scope_is_by_name_and_pbx(queue: str, pbxs: str) -> None:
    def has(pbx: str) -> bool:
        return Listed((), (queue,)).has(Subject("state", pbx, "queueCount", "support", None))

    assert [pbx for pbx in ("hq", "branch") if has(pbx)] == pbxs.split()

"""The repair of what no event tells."""

from __future__ import annotations

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.snapshot import Snapshot
from tests.unit.ami_bridge.core.messages import (
    Message,
    entry,
    listed_member,
    member,
    message,
    params,
    summary,
)
from tests.unit.ami_bridge.core.replay import NOON, replay, story


def _centre(*items: Message) -> CallCentre:
    centre = CallCentre("hq")
    centre.resync(_lists(*items), [], NOON)
    return centre


def _lists(*items: Message, summaries: tuple[Message, ...] = ()) -> Snapshot:
    return Snapshot(queue_status=items, queue_summary=summaries)


def _refresh(centre: CallCentre, *items: Message) -> list[str]:
    """What comes out but for the figures, which have tests of their own."""
    return [line for line in story(centre.refresh(_lists(*items), NOON + 5_000)) if "members" not in line]


def test_the_figures_are_published_when_they_change() -> None:
    centre = _centre(params())
    lists = _lists(params(), summaries=(summary(),))

    assert story(centre.refresh(lists, NOON)) == ["support: 1 logged in, 7 completed"]
    assert story(centre.refresh(lists, NOON)) == []
    changed = _lists(params(Completed="8"), summaries=(summary(),))
    assert story(centre.refresh(changed, NOON)) == ["support: 1 logged in, 8 completed"]


def test_the_members_figures_are_published_when_they_change() -> None:
    centre = _centre(params())

    assert story(centre.refresh(_lists(params(), listed_member()), NOON)) == ["support: members 148"]


def test_a_difference_is_taken_over_when_a_second_list_confirms_it() -> None:
    centre = _centre(params(), listed_member())
    paused = listed_member(paused=True)

    assert _refresh(centre, params(), paused) == []
    assert _refresh(centre, params(), paused) == ["148 in support paused, not_inuse behind"]
    assert _refresh(centre, params(), paused) == []


def test_an_event_that_overtook_the_list_is_not_undone() -> None:
    centre = _centre(params(), listed_member())
    older = listed_member()
    replay([member(paused=True)], centre)

    assert _refresh(centre, params(), older) == []
    replay([member(paused=False)], centre)
    replay([member(paused=True, reason="again")], centre)
    assert _refresh(centre, params(), older) == []
    assert _refresh(centre, params(), listed_member(paused=True, reason="again")) == []


def test_a_new_name_is_taken_over() -> None:
    centre = _centre(params(), listed_member(name="Ana"))
    renamed = listed_member(name="Ana K.")

    assert _refresh(centre, params(), renamed) + _refresh(centre, params(), renamed) == [
        "148 is called Ana K.",
    ]


def test_figures_that_were_reset_are_taken_over_and_since_stays() -> None:
    centre = _centre(params(), listed_member(CallsTaken="9"))
    _refresh(centre, params(), listed_member(CallsTaken="0"))
    outputs = centre.refresh(_lists(params(), listed_member(CallsTaken="0")), NOON + 10_000)

    told = [output.event for output in outputs if "in support" in story([output])[0]]
    assert [(getattr(each, "calls_taken", None), getattr(each, "since", None)) for each in told] == [
        (0, NOON)
    ]


def test_a_new_queue_and_its_members_appear() -> None:
    centre = _centre(params())
    more = (params(), params("sales", calls=1), entry("1", "sales"), listed_member(queue="sales"))

    assert _refresh(centre, *more) == []
    assert set(_refresh(centre, *more)) == {
        "sales: 1 waiting",
        "sales: 0991",
        "148 is called Agent 148",
        "148 in sales not_inuse",
    }


def test_a_queue_that_vanished_leaves_tombstones() -> None:
    stays = (params("sales"), listed_member(queue="sales"))
    centre = _centre(params(), listed_member(), *stays)
    centre.refresh(_lists(params(), listed_member(), *stays, summaries=(summary(),)), NOON)

    assert story(centre.refresh(_lists(*stays), NOON)) == []
    assert set(story(centre.refresh(_lists(*stays), NOON))) == {
        "148 in support loggedoff (gone)",
        "support: 0 waiting (gone)",
        "support: nobody (gone)",
        "support: 0 logged in, 7 completed (gone)",
        "support: members  (gone)",
    }
    assert story(centre.refresh(_lists(*stays), NOON)) == []


def test_a_member_that_vanished_is_logged_off() -> None:
    centre = _centre(params(), listed_member())

    assert _refresh(centre, params()) + _refresh(centre, params()) == ["148 in support loggedoff"]


def test_an_interface_that_came_to_another_agent_moves() -> None:
    centre = _centre(params(), listed_member(interface="Local/9@x", state_interface="hint:148@hint"))
    moved = listed_member(interface="Local/9@x", state_interface="hint:149@hint")

    assert _refresh(centre, params(), moved) + _refresh(centre, params(), moved) == [
        "148 in support loggedoff",
        "149 in support not_inuse",
        "149 is called Agent 148",
    ]


def test_a_count_that_drifted_is_repaired_and_who_waited_keeps_his_time() -> None:
    centre = _centre(params(calls=1), entry("1", wait=60))
    more = (params(calls=2), entry("1", wait=65), entry("2", position=2))
    _refresh(centre, *more)
    outputs = centre.refresh(_lists(*more), NOON + 10_000)

    assert [line for line in story(outputs) if "members" not in line] == [
        "support: 2 waiting",
        "support: 0991, 0991",
    ]
    callers = next(output.event for output in outputs if hasattr(output.event, "callers"))
    assert [one.since for one in getattr(callers, "callers")] == [NOON - 60_000, NOON + 10_000]  # noqa: B009


def test_the_count_of_a_queue_known_by_a_member_alone_is_told_by_the_list() -> None:
    centre = CallCentre("hq")
    replay([member()], centre)

    assert _refresh(centre, params(), listed_member()) == []
    assert _refresh(centre, params(), listed_member()) == ["support: 0 waiting", "support: nobody"]


def test_without_the_list_nothing_is_known_to_have_changed() -> None:
    centre = _centre(params(), listed_member())

    assert centre.refresh(Snapshot(queue_summary=[summary()]), NOON) == []
    assert centre.refresh(Snapshot(), NOON) == []


def test_what_cannot_be_read_is_reported() -> None:
    centre = _centre(params())
    centre.refresh(_lists({**params(), "Calls": "?"}, message("QueueStatusComplete")), NOON)

    assert len(centre.rejected) == 1

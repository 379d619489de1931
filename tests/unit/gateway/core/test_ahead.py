from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.ahead import Ahead


def test_whom_the_log_has_reached_is_taken_out() -> None:
    ahead: Ahead[str] = Ahead()
    ahead.add("a", 7, 0)
    ahead.add("b", 5, 0)
    ahead.add("c", 7, 0)
    assert (ahead.nearest, len(ahead)) == (5, 3)

    assert list(ahead.reached(6)) == ["b"]
    assert (ahead.nearest, len(ahead)) == (7, 2)
    assert list(ahead.reached(7)) == ["a", "c"]
    assert (ahead.nearest, len(ahead)) == (math.inf, 0)


def test_who_waits_already_waits_since_then() -> None:
    ahead: Ahead[str] = Ahead()
    ahead.add("a", 7, 1)
    ahead.add("a", 7, 3)
    ahead.add("b", 7, 3)
    assert ahead.since_before(2) == ["a"]

    ahead.wait_from(4)
    assert ahead.since_before(4) == []
    assert ahead.since_before(5) == ["a", "b"]


def test_who_left_is_not_reached() -> None:
    ahead: Ahead[str] = Ahead()
    ahead.add("a", 5, 0)
    ahead.add("b", 5, 0)
    ahead.add("c", 7, 0)
    for one in ("a", "a", "c", "never came"):
        ahead.remove(one)

    assert list(ahead.reached(9)) == ["b"]
    ahead.add("d", 11, 0)
    ahead.remove("d")
    assert ahead.nearest == math.inf


def test_nobody_waits_after_a_new_beginning() -> None:
    ahead: Ahead[str] = Ahead()
    ahead.add("a", 5, 0)
    ahead.clear()

    assert (ahead.nearest, len(ahead), list(ahead.reached(9))) == (math.inf, 0, [])


def test_places_of_those_who_left_are_forgotten_while_others_wait() -> None:
    ahead: Ahead[int] = Ahead()
    ahead.add(0, 1000, 0)
    for number in range(1, 200):
        ahead.add(number, number, 0)
        ahead.remove(number)

    assert ahead.nearest > 100
    assert list(ahead.reached(1000)) == [0]


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "reached"]), st.integers(0, 5), st.integers(0, 9)),
        max_size=60,
    )
)
def test_nobody_is_forgotten_or_reached_too_early(steps: list[tuple[str, int, int]]) -> None:
    ahead: Ahead[int] = Ahead()
    waiting: dict[int, int] = {}
    for step, one, place in steps:
        if step == "add":
            ahead.add(one, place, 0)
            waiting.setdefault(one, place)
        elif step == "remove":
            ahead.remove(one)
            waiting.pop(one, None)
        else:
            reached = {who for who, at in waiting.items() if at <= place}
            assert set(ahead.reached(place)) == reached
            for who in reached:
                del waiting[who]
        assert len(ahead) == len(waiting)
        assert ahead.nearest <= min(waiting.values(), default=math.inf)

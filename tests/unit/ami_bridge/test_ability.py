"""Whether a bridge can write, as far as it knows."""

from __future__ import annotations

from services.ami_bridge.ability import UNABLE_AFTER_S, Ability


class Clock:
    """And for how long the bridge wrote nothing."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.stalled_s = 0.0
        self.ability = Ability(lambda: self.now_s)


def test_a_bridge_that_never_acted_may_try() -> None:
    assert Clock().ability.is_there


def test_one_that_acts_can_until_it_wrote_nothing_for_a_while() -> None:
    clock = Clock()
    clock.ability.acts(lambda: clock.stalled_s)

    clock.stalled_s = UNABLE_AFTER_S
    assert clock.ability.is_there
    clock.stalled_s += 0.1
    assert not clock.ability.is_there
    clock.stalled_s = 0.0
    assert clock.ability.is_there


def test_one_that_could_not_is_left_alone_for_a_minute() -> None:
    clock = Clock()
    clock.ability.acts(lambda: UNABLE_AFTER_S + 1)
    assert not clock.ability.is_there
    clock.ability.rests()

    clock.now_s += 59
    assert not clock.ability.is_there
    clock.now_s += 1
    assert clock.ability.is_there


def test_one_that_acts_again_is_asked_anew() -> None:
    clock = Clock()
    clock.ability.acts(lambda: UNABLE_AFTER_S + 1)
    assert not clock.ability.is_there

    clock.ability.acts(lambda: 0.0)
    assert clock.ability.is_there

from __future__ import annotations

import random

from services.ami_bridge.core.back_off import BackOff


def highest(_low: float, high: float) -> float:
    return high


def lowest(low: float, _high: float) -> float:
    return low


def test_for_the_first_minutes_of_an_outage_a_try_comes_within_a_second() -> None:
    back_off = BackOff(random.uniform)

    delays = [back_off.next_delay_s(now) for now in range(300)]

    assert min(delays) >= 0.2
    assert max(delays) <= 1.0
    assert len(set(delays)) > 200  # jitter


def test_of_a_long_outage_the_tries_become_seldom() -> None:
    back_off = BackOff(highest)
    back_off.next_delay_s(0)

    assert [back_off.next_delay_s(300) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_jitter_is_full() -> None:
    back_off = BackOff(lowest)
    back_off.next_delay_s(0)

    assert {back_off.next_delay_s(300) for _ in range(8)} == {0.2}


def test_a_session_that_lived_ends_an_outage() -> None:
    back_off = BackOff(highest)
    back_off.next_delay_s(0)
    assert [back_off.next_delay_s(400) for _ in range(3)] == [1, 2, 4]

    back_off.session_ended(lived_s=30)

    assert back_off.next_delay_s(500) == 1.0
    assert back_off.next_delay_s(799) == 1.0
    assert [back_off.next_delay_s(800) for _ in range(2)] == [1, 2]


def test_a_session_that_broke_at_once_does_not() -> None:
    back_off = BackOff(highest)
    back_off.next_delay_s(0)
    back_off.next_delay_s(400)

    back_off.session_ended(lived_s=29)

    assert back_off.next_delay_s(429) == 2


def test_a_refused_login_is_tried_at_most_once_a_minute_then_every_five() -> None:
    assert [BackOff(lowest).next_login_delay_s() for _ in range(1)] == [60]
    back_off = BackOff(lowest)
    assert [back_off.next_login_delay_s() for _ in range(5)] == [60, 120, 240, 300, 300]
    assert BackOff(highest).next_login_delay_s() == 66


def test_a_login_that_succeeded_makes_the_next_refusal_the_first() -> None:
    back_off = BackOff(lowest)
    back_off.next_login_delay_s()

    back_off.session_ended(lived_s=1)

    assert back_off.next_login_delay_s() == 60

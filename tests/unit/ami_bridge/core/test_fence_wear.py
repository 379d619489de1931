"""When fences are to be put up anew."""

from __future__ import annotations

from services.ami_bridge.core.fence_wear import FenceWear


def wear() -> FenceWear:
    """Of a log of a hundred thousand bytes and a thousand seconds."""
    made = FenceWear(100_000, 1000, now_s=50)
    made.put_up(200, now_s=100)
    return made


def test_new_fences_are_good() -> None:
    assert not wear().is_over(200, 0, now_s=100)


def test_half_of_the_age_of_the_log_wears_them() -> None:
    assert not wear().is_over(200, 0, now_s=599)
    assert wear().is_over(200, 0, now_s=600)


def test_half_of_the_log_sent_wears_them() -> None:
    worn = wear()

    assert not worn.sent(40_000)
    assert not worn.is_over(201, 0, now_s=100)
    assert worn.sent(10_000)
    assert worn.is_over(202, 0, now_s=100)


def test_what_others_sent_counts_by_what_a_message_takes() -> None:
    assert not wear().is_over(200 + 99, 500, now_s=100)
    assert wear().is_over(200 + 100, 500, now_s=100)
    assert wear().is_over(200 + 49, 0, now_s=100)  # not known: a KiB


def test_what_was_sent_by_this_bridge_is_not_counted_twice() -> None:
    own = wear()
    for _ in range(50):
        own.sent(0)

    assert not own.is_over(250, 2000, now_s=100)
    assert own.is_over(270, 2000, now_s=100)


def test_putting_them_up_begins_anew() -> None:
    worn = wear()
    worn.sent(60_000)
    worn.put_up(400, now_s=700)

    assert not worn.is_over(400, 2000, now_s=1199)
    assert worn.is_over(400, 2000, now_s=1200)

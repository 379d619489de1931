"""Which moments a bridge keeps, for how long, and what it says of those it had to drop."""

from __future__ import annotations

from services.ami_bridge.core.kept_moments import KEEP_S, Instant, KeptMoments
from services.ami_bridge.core.outgoing import Lost
from shared.events import OriginateFailed

EVENT = OriginateFailed(pbx="hq", action_id="1", agent="148", reason="busy")


def at(second: float) -> Instant:
    return Instant(second, 1_000_000 + round(second * 1000))


def kept_at(*seconds: float, limit: int = 100) -> KeptMoments:
    """With a moment of each second, named for it."""
    kept = KeptMoments(limit)
    for second in seconds:
        kept.keep(EVENT, f"{second:g}", at(second))
    return kept


def names(kept: KeptMoments) -> list[str]:
    return [moment.moment_id for moment in kept]


def test_moments_are_kept_in_order_and_once() -> None:
    kept = kept_at(2, 1, 2)

    assert names(kept) == ["2", "1"]
    assert len(kept) == 2
    assert kept.oldest is not None
    assert kept.oldest.moment_id == "2"


def test_the_acting_bridge_drops_what_the_log_has() -> None:
    kept = kept_at(1, 2, 3)
    kept.settled("2")
    kept.settled("never kept")

    assert names(kept) == ["1", "3"]
    assert kept.stored_until(50) == 1


def test_nothing_is_known_to_be_stored_of_what_has_not_been_read() -> None:
    kept = kept_at(8)
    assert (kept.stored_until(9), kept.stored_until(5)) == (8, 5)
    kept.count_lost(Lost(count=1, since=7), at(6))
    assert (kept.stored_until(9), kept.stored_until(5)) == (6, 5)


def test_nothing_kept_means_that_all_is_stored_by_now() -> None:
    assert kept_at().stored_until(50) == 50
    assert kept_at().oldest is None


def test_a_standby_keeps_what_it_saw_within_half_a_minute_of_what_is_stored() -> None:
    kept = kept_at(0, 1, 2)

    kept.all_stored_until(KEEP_S + 1)
    assert names(kept) == ["1", "2"]
    kept.all_stored_until(KEEP_S + 100)
    assert names(kept) == []


def test_while_nobody_stores_anything_nothing_is_dropped_but_above_the_limit() -> None:
    kept = kept_at(*range(5), limit=3)

    assert names(kept) == ["2", "3", "4"]
    assert kept.stored_until(50) == 1
    assert kept.take_lost() == Lost(count=2, since=1_000_000)
    assert kept.take_lost() is None
    assert kept.stored_until(50) == 2


def test_what_was_dropped_is_not_lost_once_another_bridge_has_stored_it() -> None:
    kept = kept_at(0, 1, 2, limit=2)

    kept.all_stored_until(KEEP_S)
    assert kept.stored_until(50) == 0
    kept.all_stored_until(KEEP_S + 0.5)
    assert kept.take_lost() is None


def test_what_a_term_could_not_tell_is_told_by_the_next_unless_another_bridge_had_it_all() -> None:
    kept = kept_at(0, 1, limit=1)
    kept.count_lost(Lost(count=5, since=999_000), at(20))

    assert kept.stored_until(50) == 20
    assert kept.take_lost() == Lost(count=6, since=999_000)
    kept.count_lost(Lost(count=1, since=7), at(20))
    kept.all_stored_until(KEEP_S + 21)
    assert kept.take_lost() is None


def test_an_age_is_that_of_the_clock_by_which_more_has_passed() -> None:
    seen = Instant(10.0, 50_000)

    assert seen.age_s(Instant(13.0, 51_000)) == 3.0
    assert seen.age_s(Instant(13.0, 99_000)) == 49.0


def test_a_moment_is_told_once_and_not_when_the_log_has_it_though_it_is_read_only_now() -> None:
    kept = KeptMoments(10)
    assert kept.keep(EVENT, "before", at(100), since=at(3))
    assert not kept.keep(EVENT, "before", at(100), since=at(3))
    kept.logged({"before", "late"}, until_s=101)

    assert not kept.keep(EVENT, "late", at(102), since=at(3))
    assert kept.keep(EVENT, "new", at(102), since=at(100.9))
    assert names(kept) == ["new"]


def test_names_of_the_log_count_no_more_once_what_is_read_has_happened_after_them() -> None:
    kept = KeptMoments(10)
    kept.logged({"again"}, until_s=101)

    assert not kept.keep(EVENT, "again", at(102), since=at(100))
    assert kept.keep(EVENT, "again", at(105), since=at(101))


def test_what_is_kept_cannot_have_happened_before_what_was_known_to_be_read() -> None:
    kept = KeptMoments(10)
    kept.keep(EVENT, "thawed", at(200), since=at(50))
    kept.keep(EVENT, "live", at(201))

    assert [(moment.since, moment.seen) for moment in kept] == [(at(50), at(200)), (at(201), at(201))]
    kept.all_stored_until(KEEP_S + 199)
    assert names(kept) == ["thawed", "live"]

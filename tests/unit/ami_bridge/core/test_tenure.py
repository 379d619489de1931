"""When a bridge holds the lease, and when it tries to get it."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.tenure import TTL_S, LeaseValue, Tenure, left_to, read_value


def test_nobody_holds_a_lease_by_merely_being_there() -> None:
    assert not Tenure(100).holds(100)


def test_a_lease_is_held_a_second_less_than_it_lasts_from_before_it_was_asked_for() -> None:
    tenure = Tenure(100)
    tenure.renewed(7, asked_at_s=100)

    assert tenure.revision == 7
    assert tenure.holds(101.9)
    assert tenure.left_s(101.5) == pytest.approx(0.5)
    assert not tenure.holds(100 + TTL_S - 1)


def test_each_renewal_lengthens_it() -> None:
    tenure = Tenure(100)
    tenure.renewed(7, asked_at_s=100)
    tenure.renewed(8, asked_at_s=101)

    assert tenure.holds(102.5)


def test_what_was_lost_is_not_held() -> None:
    tenure = Tenure(100)
    tenure.renewed(7, asked_at_s=100)
    tenure.ended(100.5)

    assert not tenure.holds(100.6)
    assert tenure.revision is None


def test_a_bridge_in_step_tries_at_once_and_another_a_second_later() -> None:
    tenure = Tenure(100)

    assert tenure.may_try(100, fit=True)
    assert not tenure.may_try(100.9, fit=False)
    assert tenure.may_try(101, fit=False)


def test_nobody_tries_while_another_is_heard() -> None:
    tenure = Tenure(100)
    tenure.heard(102)

    assert not tenure.may_try(102 + TTL_S - 0.1, fit=True)
    assert tenure.may_try(102 + TTL_S, fit=True)


def test_a_lease_that_was_given_up_is_tried_at_once() -> None:
    tenure = Tenure(100)
    tenure.heard(102)
    tenure.freed(102.5)

    assert tenure.may_try(102.5, fit=True)


def test_a_lease_that_is_still_there_is_tried_again_soon_and_not_at_once() -> None:
    tenure = Tenure(100)
    tenure.found_held(100)

    assert not tenure.may_try(100.1, fit=True)
    assert tenure.may_try(100.3, fit=True)
    tenure.heard(101)
    tenure.found_held(101)
    assert not tenure.may_try(103, fit=True)


def test_who_gave_it_up_leaves_it_to_others_for_a_moment() -> None:
    tenure = Tenure(100)
    tenure.renewed(7, asked_at_s=100)
    tenure.gave_up(100.5)

    assert not tenure.holds(100.6)
    assert not tenure.may_try(101.4, fit=True)
    assert tenure.may_try(101.6, fit=True)


@pytest.mark.parametrize(
    "value",
    [
        LeaseValue("a1", fit=True, behind_ms=0),
        LeaseValue("b2", False, 31_000, "5f00c0de", 4_000_000_000, "hq:agentComplete:a b.ü"),
    ],
)
def test_what_is_written_is_read_back(value: LeaseValue) -> None:
    assert read_value(value.encode()) == value


def test_what_another_version_wrote_has_a_holder_too() -> None:
    assert read_value(b"a1") == LeaseValue("a1", fit=True, behind_ms=0)
    assert read_value(b"a1 fit 0 5f00c0de 7 a=xx") == LeaseValue("a1", True, 0, "5f00c0de", 7)
    assert read_value(b"a1 fit many") == LeaseValue("a1", fit=True, behind_ms=0)
    assert read_value(b"\xff unfit 5") == LeaseValue("�", fit=False, behind_ms=5)


def test_bridge_that_never_heard_the_holder_lets_those_go_first_who_did() -> None:
    tenure = Tenure(100.0)
    tenure.found_held(100.0)

    assert tenure.must_let_others(103.0)
    assert not tenure.may_try(103.9, fit=True)
    assert tenure.may_try(104.0, fit=True)
    assert not tenure.must_let_others(104.0)


def test_bridge_that_heard_the_holder_or_is_the_first_lets_nobody_go_first() -> None:
    standing_by, first, given = Tenure(100.0), Tenure(100.0), Tenure(100.0)
    given.found_held(100.0)
    given.freed(101.0)
    assert not given.must_let_others(101.0)
    standing_by.found_held(100.0)
    standing_by.heard(101.0)

    assert not standing_by.must_let_others(104.0)
    assert not first.must_let_others(100.0)


def test_lease_that_is_left_to_another_is_free_to_others_a_moment_later() -> None:
    tenure = Tenure(100.0)
    tenure.freed(100.0, to_another=True)

    assert not tenure.may_try(100.9, fit=True)
    assert tenure.may_try(101.0, fit=True)
    assert left_to(b"one two") == "two"
    assert left_to(b"one ") == left_to(b"one") == ""


def test_a_key_that_nobody_writes_and_nats_does_not_forget_is_stuck_after_twice_its_time() -> None:
    tenure = Tenure(100.0)

    assert not tenure.is_stuck(7, asked_at_s=100.0, now_s=100.5)
    assert not tenure.is_stuck(7, asked_at_s=106.4, now_s=106.5)
    assert tenure.is_stuck(7, asked_at_s=106.5, now_s=106.6)
    assert not tenure.is_stuck(8, asked_at_s=106.6, now_s=106.7)
    assert tenure.is_stuck(8, asked_at_s=112.7, now_s=112.8)


def test_a_bridge_that_was_frozen_as_it_read_the_key_does_not_take_it_for_stuck() -> None:
    tenure = Tenure(100.0)

    assert not tenure.is_stuck(7, asked_at_s=100.0, now_s=500.0)
    assert not tenure.is_stuck(7, asked_at_s=505.9, now_s=900.0)
    assert tenure.is_stuck(7, asked_at_s=900.0, now_s=900.1)

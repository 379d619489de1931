"""When a terminal comes back to a gateway, and when it does not."""

from __future__ import annotations

import pytest

from services.terminal.comeback import backoff_s, is_for_good, told_s


@pytest.mark.parametrize("code", [1008, 4500, 4504, 4999])
def test_these_close_codes_are_for_good(code: int) -> None:
    assert is_for_good(code)


@pytest.mark.parametrize("code", [0, 1000, 1001, 1006, 1012, 1013, 4000, 4001, 4008, 4499, 5000])
def test_after_any_other_it_comes_back(code: int) -> None:
    assert not is_for_good(code)


def test_a_gateway_that_stops_says_when_to_come_back() -> None:
    assert told_s(4001, "the gateway stops; retry in 731 ms") == 0.731


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4001, ""), (4001, "retry in ms"), (4001, "retry in 99999999999 ms"), (1012, "retry in 731 ms")],
)
def test_what_does_not_say_when_says_nothing(code: int, reason: str) -> None:
    assert told_s(code, reason) is None


@pytest.mark.parametrize(("ms", "seconds"), [(0, 0.1), (99, 0.1), (30001, 30), (999_999_999, 30)])
def test_a_gateway_is_believed_within_bounds(ms: int, seconds: float) -> None:
    assert told_s(4001, f"retry in {ms} ms") == seconds


def test_the_ceiling_doubles_with_each_failure_up_to_a_limit() -> None:
    almost = [backoff_s(failures, 0.999_999) for failures in (1, 2, 3, 4, 5, 6, 7, 1000)]

    assert almost == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30], rel=1e-4)


@pytest.mark.parametrize("failures", [1, 5, 1000])
def test_the_wait_is_anywhere_below_the_ceiling_but_never_nothing(failures: int) -> None:
    assert backoff_s(failures, 0.0) == 0.5
    assert 0.5 < backoff_s(failures, 0.5) < backoff_s(failures, 0.9)

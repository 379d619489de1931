"""A few cases of each randomised test, so that they stay true between the long runs of `make fuzz`."""

from __future__ import annotations

import pytest

from tests.fuzz import ami_case, hub_case
from tests.fuzz.case import Case, generator


@pytest.mark.parametrize(("part", "case"), [("ami", ami_case.run), ("hub", hub_case.run)])
def test_a_few_cases(part: str, case: Case) -> None:
    for number in range(5):
        assert case(generator(2026, part, number))


def test_a_case_is_the_same_each_time() -> None:
    assert hub_case.run(generator(7, "hub", 7)) == hub_case.run(generator(7, "hub", 7))

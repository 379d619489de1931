"""Caller IDs."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.caller_id import name_of, number_of, shown


@pytest.mark.parametrize("told", ["", "<unknown>", "unknown", "anonymous", "Anonymous", "Restricted"])
def test_an_unknown_or_withheld_number_is_shown_as_anonymous(told: str) -> None:
    assert number_of(told) is None
    assert shown(number_of(told)) == "anonymous"


def test_a_number_and_a_name_stay_as_they_are() -> None:
    assert shown(number_of("0991234567")) == "0991234567"
    assert name_of("Customer") == "Customer"
    assert name_of("<unknown>") is None

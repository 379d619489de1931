"""Caller IDs."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.caller_id import listed_name_of, name_of, number_of, shown


@pytest.mark.parametrize("told", ["", "<unknown>", "unknown", "anonymous", "Anonymous", "Restricted"])
def test_an_unknown_or_withheld_number_is_shown_as_anonymous(told: str) -> None:
    assert number_of(told) is None
    assert shown(number_of(told)) == "anonymous"


def test_a_number_and_a_name_stay_as_they_are() -> None:
    assert shown(number_of("0991234567")) == "0991234567"
    assert name_of("Customer") == "Customer"
    assert name_of("<unknown>") is None


@pytest.mark.parametrize(
    ("told", "name"),
    [(r"O\'Hara\?", "O'Hara?"), (r"a\tb", "a\tb"), (r"\"gold\" \\ x", '"gold" \\ x'), (r"\z", r"\z")],
)
def test_a_name_in_a_channel_snapshot_is_unescaped(told: str, name: str) -> None:
    assert name_of(told) == name


def test_a_name_in_a_queue_entry_is_taken_as_it_is() -> None:
    assert listed_name_of(r"C:\temp") == r"C:\temp"
    assert listed_name_of("unknown") is None

"""Reading headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.ami_bridge.core.ami_message import (
    AmiMessage,
    decimal,
    every,
    flag,
    instant,
    integer,
    name,
    optional,
    text,
    whole,
)
from shared.errors import MalformedMessageError


def test_the_first_of_a_repeated_header_counts() -> None:
    assert text({"Queue": ["a", "b"]}, "Queue") == "a"
    assert optional({"Queue": ["a", "b"]}, "Queue") == "a"


def test_all_of_a_repeated_header_can_be_had() -> None:
    assert every({"V": ["a", "b"]}, "V") == ["a", "b"]
    assert every({"V": "a"}, "V") == ["a"]
    assert every({}, "V") == []


def test_an_empty_header_is_a_text_but_no_name() -> None:
    assert text({"Reason": ""}, "Reason") == ""
    assert text({"Reason": []}, "Reason") == ""
    with pytest.raises(MalformedMessageError, match="empty"):
        name({"Reason": ""}, "Reason")


def test_an_optional_header_is_the_first_one_that_says_something() -> None:
    assert optional({"A": "", "B": "b"}, "A", "B") == "b"
    assert optional({}, "A", "B") == ""


def test_numbers_are_read() -> None:
    assert whole({"N": "7"}, "N") == 7
    assert integer({"N": "-1"}, "N") == -1
    assert decimal({"N": "87.5"}, "N") == 87.5
    assert flag({"N": "1"}, "N") is True
    assert flag({"N": "0"}, "N") is False


def test_an_instant_is_milliseconds_and_never_is_none() -> None:
    assert instant({"LastCall": "1795403968"}, "LastCall") == 1_795_403_968_000
    assert instant({"LastCall": "0"}, "LastCall") is None


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (whole, "-1"),
        (whole, "x"),
        (whole, ""),
        (whole, "9" * 5000),
        (whole, str(10**12)),
        (integer, str(-(10**12))),
        (decimal, "x"),
        (decimal, "nan"),
        (decimal, "inf"),
        (flag, "yes"),
        (flag, ""),
        (instant, "-5"),
    ],
)
def test_what_is_no_sound_value_is_malformed(read: Callable[[AmiMessage, str], object], value: str) -> None:
    with pytest.raises(MalformedMessageError, match="header N"):
        read({"N": value}, "N")


@pytest.mark.parametrize("read", [text, name, whole, integer, decimal, flag, instant])
def test_an_absent_header_is_malformed(read: Callable[[AmiMessage, str], object]) -> None:
    with pytest.raises(MalformedMessageError, match="no header N"):
        read({}, "N")

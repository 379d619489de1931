from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.position import (
    NOWHERE,
    RESET_ID,
    MalformedPositionError,
    Position,
    parse_position,
)


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.integers(0, 10**19 - 1),
    st.none() | st.from_regex(r"[0-9a-f]{1,1024}", fullmatch=True),
)
def test_what_is_written_is_read_back(generation: str, sequence: int, mark: str | None) -> None:
    position = Position(generation, sequence, mark)

    assert parse_position(str(position)) == position


def test_position_without_a_mark_is_generation_and_sequence() -> None:
    assert str(Position("k3f9", 1042)) == "k3f9-1042"
    assert str(Position("k3f9", 1042, "6e")) == "k3f9.6e-1042"
    assert parse_position("k3f9-1042").mark is None


def test_the_id_of_reset_is_a_place_in_no_log() -> None:
    assert parse_position(RESET_ID) == NOWHERE
    with pytest.raises(MalformedPositionError):
        parse_position(str(NOWHERE))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "-1",
        "g-",
        "g",
        "g-1x",
        "g-01",
        "g--1 ",
        "g-1\n",
        "g-٣",
        "g-" + "9" * 20,
        "g" * 65 + "-1",
        "g.-1",
        "g.x-1",
        "reset-",
        "Reset",
        "reset\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedPositionError):
        parse_position(text)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(MalformedPositionError):
        assert str(parse_position(text))


def test_error_shows_only_the_beginning() -> None:
    assert len(str(MalformedPositionError("x" * 5000))) < 100

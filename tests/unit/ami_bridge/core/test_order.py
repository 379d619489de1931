"""The headers of a command's message."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.order import Order, read_order
from shared.commands import HEADER_CALLER, HEADER_DEADLINE, HEADER_ID, MalformedCommandError

GOOD = {HEADER_ID: "pbxis-0123456789abcdef", HEADER_DEADLINE: "1700000005000", HEADER_CALLER: "Wall board 7"}


def test_the_three_headers_are_an_order() -> None:
    order = Order("pbxis-0123456789abcdef", 1_700_000_005_000, "Wall board 7")

    assert read_order("hangup", {**GOOD, "content-type": "application/json"}) == order


@pytest.mark.parametrize("name", [HEADER_ID, HEADER_DEADLINE, HEADER_CALLER])
def test_a_missing_header_is_named(name: str) -> None:
    headers = {header: value for header, value in GOOD.items() if header != name}

    with pytest.raises(MalformedCommandError, match=f"hangup command: the header {name} is missing"):
        read_order("hangup", headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (HEADER_ID, ""),
        (HEADER_ID, "a b"),
        (HEADER_ID, "a\n"),
        (HEADER_ID, "x" * 65),
        (HEADER_DEADLINE, ""),
        (HEADER_DEADLINE, "soon"),
        (HEADER_DEADLINE, "-1"),
        (HEADER_DEADLINE, "1e3"),
        (HEADER_DEADLINE, "1700000005000.5"),
        (HEADER_DEADLINE, "\u0661\u0662"),
        (HEADER_DEADLINE, "9" * 17),
        (HEADER_CALLER, ""),
        (HEADER_CALLER, " "),
        (HEADER_CALLER, "a\r\nid=forged"),
        (HEADER_CALLER, "x" * 201),
    ],
)
def test_a_malformed_header_is_named(name: str, value: str) -> None:
    with pytest.raises(MalformedCommandError, match=f"the header {name} is malformed"):
        read_order("hangup", {**GOOD, name: value})

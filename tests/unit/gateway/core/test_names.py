from __future__ import annotations

import pytest

from services.gateway.core.names import Name, parse_name

PBXS = ("hq", "branch")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("148", Name("148", None)),
        ("148@hq", Name("148", "hq")),
        ("desk@4", Name("desk@4", None)),
        ("desk@4@branch", Name("desk@4", "branch")),
        ("*@hq", Name("*", "hq")),
        ("@hq", Name("@hq", None)),
        ("148@HQ", Name("148@HQ", None)),
        ("148@", Name("148@", None)),
    ],
)
def test_suffix_counts_only_if_it_is_a_configured_pbx(text: str, expected: Name) -> None:
    assert parse_name(text, PBXS) == expected

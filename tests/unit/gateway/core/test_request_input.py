from __future__ import annotations

import pytest

from services.gateway.core.request_input import read_body, read_query, read_strings
from services.gateway.errors import BadJsonError, BadParameterError


def test_query_is_percent_encoded_utf8() -> None:
    assert read_query(b"queue=q%C5%BE+1&&agent=148&empty=&bare") == [
        ("queue", "qž 1"),
        ("agent", "148"),
        ("empty", ""),
        ("bare", ""),
    ]


def test_query_may_be_raw_utf8() -> None:
    assert read_query("queue=ž".encode()) == [("queue", "ž")]


@pytest.mark.parametrize("query", [b"queue=%FF", b"%ff=1", b"queue=\xff"])
def test_query_that_is_not_utf8_is_refused(query: bytes) -> None:
    with pytest.raises(BadParameterError):
        read_query(query)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}"])
def test_empty_body_says_nothing(body: bytes) -> None:
    assert read_body(body) == {}


def test_body_is_a_json_object() -> None:
    assert read_body(b'{"a": {"b": "\\u017e"}, "c": 1}') == {"a": {"b": "ž"}, "c": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(BadJsonError):
        read_body(body)


def test_object_in_the_query_is_refused_by_its_name() -> None:
    assert read_strings("variables", '{"A": "1"}') == {"A": "1"}
    with pytest.raises(BadParameterError, match="variables"):
        read_strings("variables", "A=1")

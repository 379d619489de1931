from __future__ import annotations

import pytest

from services.gateway.errors import HeadTooLargeError
from services.gateway.lanes.head_meter import HEAD_BYTES, HeadMeter


def test_address_and_fields_count_together() -> None:
    meter = HeadMeter()
    meter.begin()
    meter.address(b"/" * (HEAD_BYTES - 100))
    meter.field(b"a", b"x" * 95)

    with pytest.raises(HeadTooLargeError) as error:
        meter.field(b"a", b"")
    assert meter.wrong is error.value


def test_each_request_is_counted_anew() -> None:
    meter = HeadMeter()
    for _ in range(3):
        meter.begin()
        meter.address(b"/" * HEAD_BYTES)


def test_line_without_an_end_counts_though_the_parser_says_nothing() -> None:
    meter = HeadMeter()
    meter.begin()
    meter.address(b"/")
    meter.read(200_000)  # of which the parser has told
    meter.read(HEAD_BYTES)

    with pytest.raises(HeadTooLargeError):
        meter.read(1)


def test_body_of_any_size_is_no_head() -> None:
    meter = HeadMeter()
    meter.begin()
    for _ in range(100):
        meter.body()
        meter.read(HEAD_BYTES)

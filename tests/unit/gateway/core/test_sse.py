from __future__ import annotations

from services.gateway.core import sse


def test_event_with_and_without_an_id() -> None:
    assert sse.event(b"ping", b"{}", None) == b"event: ping\ndata: {}\n\n"
    assert sse.event(b"ping", b"{}", b"g-1") == b"event: ping\ndata: {}\nid: g-1\n\n"


def test_prelude_tells_when_to_come_back() -> None:
    assert sse.PRELUDE == b"retry: 2000\n\n"


def test_retry_is_in_milliseconds() -> None:
    assert sse.retry(250) == b"retry: 250\n\n"

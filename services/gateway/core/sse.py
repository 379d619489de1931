"""Server-sent events, as WHATWG HTML section 9.2 frames them."""

from __future__ import annotations

RETRY_MS = 2000


def retry(milliseconds: int) -> bytes:
    """How long a browser is to wait before it comes back, from now on."""
    return b"retry: %d\n\n" % milliseconds


PRELUDE = retry(RETRY_MS)
"""First in every stream."""


def event(name: bytes, data: bytes, event_id: bytes | None) -> bytes:
    """One event; ``data`` is one line. ``event_id`` becomes the browser's Last-Event-ID."""
    if event_id is None:
        return b"event: %b\ndata: %b\n\n" % (name, data)
    return b"event: %b\ndata: %b\nid: %b\n\n" % (name, data, event_id)

"""Server-sent events, as WHATWG HTML section 9.2 frames them."""

from __future__ import annotations

RETRY_MS = 2000
PRELUDE = b"retry: %d\n\n" % RETRY_MS
"""First in every stream: how long a browser waits before it comes back."""


def event(name: bytes, data: bytes, event_id: bytes | None) -> bytes:
    """One event; ``data`` is one line. ``event_id`` becomes the browser's Last-Event-ID."""
    if event_id is None:
        return b"event: %b\ndata: %b\n\n" % (name, data)
    return b"event: %b\ndata: %b\nid: %b\n\n" % (name, data, event_id)

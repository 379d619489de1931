"""WebSocket messages, as RFC 6455 section 5.2 frames them."""

from __future__ import annotations

_FINAL_TEXT = 0x81
_SHORT, _MEDIUM = 126, 1 << 16


def text_frame(payload: bytes) -> bytes:
    """One text message in one frame, as a server sends it: not masked."""
    size = len(payload)
    if size < _SHORT:
        return bytes((_FINAL_TEXT, size)) + payload
    if size < _MEDIUM:
        return bytes((_FINAL_TEXT, 126, size >> 8, size & 0xFF)) + payload
    return bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big") + payload

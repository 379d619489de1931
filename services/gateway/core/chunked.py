"""The chunked transfer coding of HTTP/1.1, RFC 9112 section 7.1."""

from __future__ import annotations


def chunk(data: bytes) -> bytes:
    """One chunk; ``data`` is not empty, for an empty one ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)

from __future__ import annotations

from services.gateway.core.chunked import chunk


def test_chunk_is_its_size_in_hexadecimal_and_the_data() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"

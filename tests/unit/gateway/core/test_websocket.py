from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from services.gateway.core.websocket import text_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_client_reads_the_frame_as_one_text_message(size: int) -> None:
    payload = b"x" * size
    client = Protocol(Side.CLIENT, state=OPEN, max_size=None)
    client.receive_data(text_frame(payload) + text_frame(b"next"))
    first, second = client.events_received()

    assert isinstance(first, Frame)
    assert isinstance(second, Frame)
    assert (first.opcode, first.data, first.fin) == (Opcode.TEXT, payload, True)
    assert second.data == b"next"

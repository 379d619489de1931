from __future__ import annotations

from services.gateway.core.batch import SLICE_BYTES, Batch, slices
from services.gateway.core.chunked import chunk
from services.gateway.core.frames import CLOSE, RESET, Message

LARGE = Message(b'{"type":"x","text":"%b"}' % (b"x" * SLICE_BYTES), "g-1", 1)


def test_forms_join_those_of_the_messages() -> None:
    batch = Batch([RESET, CLOSE], 7)

    assert batch.frames == RESET.frame + CLOSE.frame
    assert batch.events == RESET.sse + CLOSE.sse
    assert batch.chunk == chunk(batch.events)
    assert batch.size > len(RESET.payload) + len(CLOSE.payload)


def test_forms_are_made_once() -> None:
    batch = Batch([RESET, CLOSE], 7)

    assert batch.frames is batch.frames
    assert batch.chunk is batch.chunk
    assert Batch([RESET], 7).frames is RESET.frame


def test_slices_are_bounded_and_hold_everything_in_order() -> None:
    messages = [RESET, LARGE, CLOSE, LARGE, RESET]

    assert list(slices(messages)) == [[RESET, LARGE], [CLOSE, LARGE], [RESET]]
    assert list(slices([])) == []


def test_slices_can_end_with_events_of_the_log_alone() -> None:
    word = Message(LARGE.payload)

    assert list(slices([word, RESET, LARGE, CLOSE], after_events=True)) == [[word, RESET, LARGE], [CLOSE]]

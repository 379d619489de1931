"""What JetStream answers to a published message."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.ami_bridge.adapters.outbox_message import read_answer


def answer(payload: bytes, headers: dict[str, str] | None = None) -> Msg:
    return Msg(_client=Client(), data=payload, headers=headers)


@pytest.mark.parametrize(
    "payload", [b'{"stream":"PBXIS_LOG","seq":7}', b'{"stream":"L","domain":"d","seq":7,"duplicate":true}']
)
def test_stored_now_or_before_it_has_its_sequence(payload: bytes) -> None:
    read = read_answer(answer(payload))
    assert (read.seq, read.error) == (7, None)


def test_no_stream_is_told_from_a_log_without_room() -> None:
    none = read_answer(answer(b"", {"Status": "503"})).error
    full = read_answer(
        answer(b'{"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"seq":0}')
    ).error
    assert none is not None
    assert full is not None
    assert (none.no_stream, full.no_stream) == (True, False)
    assert full.description == "insufficient resources"
    assert (none.for_good, full.for_good) == (False, False)


def test_a_message_that_is_too_large_for_the_stream_is_refused_for_good() -> None:
    read = read_answer(answer(b'{"error":{"code":400,"err_code":10054,"description":"too large"}}'))
    assert read.error is not None
    assert read.error.for_good


def test_a_fence_that_fell_is_told_from_one_that_is_busy() -> None:
    fell = read_answer(answer(b'{"error":{"code":400,"err_code":10071,"description":"wrong"}}')).error
    busy = read_answer(answer(b'{"error":{"code":400,"err_code":10164,"description":"wrong"}}')).error
    assert fell is not None
    assert busy is not None
    assert (fell.fenced_off, busy.fenced_off) == (True, False)
    assert (fell.in_process, busy.in_process) == (False, True)


@pytest.mark.parametrize("payload", [b"", b"no JSON", b"[]", b'{"stream":"L"}', b'{"seq":"x"}'])
def test_whatever_is_no_answer_is_a_refusal(payload: bytes) -> None:
    assert read_answer(answer(payload)).error is not None

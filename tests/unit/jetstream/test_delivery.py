"""Where a delivered message stands."""

from __future__ import annotations

import pytest

from services.jetstream.delivery import Delivery, read_delivery
from services.jetstream.errors import ReadInterruptedError


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.PBXIS_LOG.cons.1.120.7.1700000000000000000.3",
        "$JS.ACK.hub.ACCHASH.PBXIS_LOG.cons.1.120.7.1700000000000000000.3",
        "$JS.ACK.hub.ACCHASH.PBXIS_LOG.cons.1.120.7.1700000000000000000.3.random",
    ],
)
def test_every_form_of_the_reply_subject_is_read(reply: str) -> None:
    assert read_delivery("PBXIS_LOG", reply) == Delivery(sequence=120, consumer_sequence=7, pending=3)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "_INBOX.x",
        "$JS.ACK.a.b",
        "$JS.ACK.PBXIS_LOG.cons.1.x.7.1.3",
        "$JS.ACK.a.b.c.d.e.f.g.h",
        "$JS.FC.a.b.c.d.e.f.g",
    ],
)
def test_another_reply_subject_is_an_error(reply: str) -> None:
    with pytest.raises(ReadInterruptedError, match="reply subject"):
        read_delivery("PBXIS_LOG", reply)

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ami_bridge.core.ami_splitter import MessageSplitter, NotAmiError

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


class Oversized:
    """Keeps the heads of the messages that were passed over."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []

    def __call__(self, head: bytes) -> None:
        self.heads.append(head)


def splitter(limit: int = 1000) -> tuple[MessageSplitter, Oversized]:
    oversized = Oversized()
    return MessageSplitter(limit, oversized), oversized


def fed(chunks: list[bytes], limit: int = 1000) -> list[bytes]:
    """All messages of the chunks that are not empty."""
    made, _ = splitter(limit)
    return [message for chunk in chunks for message in made.feed(chunk) if message.strip(b"\r\n")]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[a:b] for a, b in pairwise(bounds)]


def test_the_banner_is_a_line_of_its_own_and_tells_the_version() -> None:
    made, _ = splitter()

    assert made.feed(BANNER + b"Event: A\r\n\r\nEvent: B\r\n\r\n") == [b"Event: A", b"Event: B"]
    assert made.version == "11.0.0"


def test_a_banner_may_come_byte_by_byte_after_line_ends() -> None:
    made, _ = splitter()

    for byte in b"\r\n" + BANNER[:-1]:
        assert made.feed(bytes([byte])) == []
        assert made.version is None
    made.feed(b"\n")

    assert made.version == "11.0.0"


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"S",
        b"Asterisk Call\r\n",
        b"Asterisk Call\n",
        b"Asterisk Call Manager/" + b"9" * 2000,
    ],
)
def test_what_does_not_greet_like_ami_is_refused(greeting: bytes) -> None:
    made, _ = splitter()

    with pytest.raises(NotAmiError, match="not a Manager Interface"):
        made.feed(greeting)


def test_a_bare_line_feed_before_the_end_does_not_end_a_message() -> None:
    park = b"Response: Success\r\nMessage: Park successful\n"

    assert fed([BANNER + park + b"\r\n\r\nEvent: B\r\n\r\n"]) == [park, b"Event: B"]


def test_a_bare_carriage_return_stays_in_its_value() -> None:
    paused = b"Event: QueueMemberPause\r\nPausedReason: x\rQueue: sales"

    assert fed([BANNER + paused + b"\r\r\n\r\n"]) == [paused + b"\r"]


def test_a_second_empty_line_makes_no_message() -> None:
    assert fed([BANNER + b"Rule: x\r\n\r\n\r\nEvent: B\r\n\r\n"]) == [b"Rule: x", b"\r\nEvent: B"]


@given(st.lists(st.integers(min_value=0)))
def test_chunks_do_not_matter(places: list[int]) -> None:
    stream = BANNER + b"Event: A\r\nX: \xc4\x8d\n\r\n\r\nB: \r\r\n\r\n\r\n\r\n\r\nEvent: C\r\n\r\nrest"

    assert fed(cut(stream, places)) == fed([stream])


@given(st.lists(st.integers(min_value=0)))
def test_chunks_do_not_matter_to_the_message_after_an_oversized_one(places: list[int]) -> None:
    stream = b"Event: Big\r\nX: " + b"y" * 500 + b"\r\n\r\nEvent: A\r\n\r\nEvent: B\r\n\r\n"

    # Whether the big one is passed over depends on whether it came in one piece; the others never do.
    assert fed([BANNER, *cut(stream, places)], limit=100)[-2:] == [b"Event: A", b"Event: B"]


def test_a_message_above_the_limit_is_passed_over_once() -> None:
    made, oversized = splitter(limit=10)
    made.feed(BANNER)

    got = [made.feed(chunk) for chunk in [b"Event: Big\r\n"] + [b"X: yyyyyyyy\r\n"] * 9]

    assert got == [[]] * 10
    assert oversized.heads == [b"Event: Big\r\n"]
    assert made.feed(b"\r\nEvent: B\r\n\r\n") == [b"Event: B"]
    assert made.feed(b"Event: C\r\n\r\n") == [b"Event: C"]


def test_the_end_of_an_oversized_message_may_be_cut_anywhere() -> None:
    for place in range(5):
        made, oversized = splitter(limit=10)
        stream = b"Event: Bigger than ten\r\n\r\n"
        at = len(stream) - place
        made.feed(BANNER)
        first = made.feed(stream[:at])
        second = made.feed(stream[at:] + b"Event: B\r\n\r\n")
        assert [each for each in first + second if each == b"Event: B"] == [b"Event: B"]
        assert len(oversized.heads) == (1 if place else 0)


def test_a_huge_message_in_small_chunks_costs_linear_time() -> None:
    made, _ = splitter(limit=64 * 1024 * 1024)
    made.feed(BANNER)
    chunk = b"Output: " + b"x" * 1000 + b"\r\n"

    # Quadratic scanning would read 100 GB here.
    for _ in range(15_000):
        assert made.feed(chunk) == []
    (message,) = made.feed(b"\r\n")

    assert len(message) == 15_000 * len(chunk) - 2

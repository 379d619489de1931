from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ami_bridge.core.ami_parser import MessageParser
from tests.support.transcripts import read

Headers = dict[str, "str | list[str]"]


class Unreadable:
    """Keeps how many lines of which message were unreadable."""

    def __init__(self) -> None:
        self.told: list[tuple[bytes, int]] = []

    def __call__(self, raw: bytes, lines: int) -> None:
        self.told.append((raw, lines))


def parsed(raw: bytes, times: int = 2) -> Headers:
    """Parse it more than once: the second time the names are known, which is another path."""
    unreadable = Unreadable()
    parser = MessageParser(unreadable)
    results = [parser.parse(raw) for _ in range(times)]
    assert all(result == results[0] for result in results)
    assert unreadable.told == []
    return results[0]


def test_headers_keep_their_spelling_and_values_their_colons() -> None:
    message = parsed(b'Event: Hangup\r\nCause-txt: Normal: "Clearing"\r\nTime: 12:30: x')

    assert message == {"Event": "Hangup", "Cause-txt": 'Normal: "Clearing"', "Time": "12:30: x"}


def test_an_empty_value_is_kept_with_and_without_its_space() -> None:
    assert parsed(b"Event: X\r\nPausedReason: \r\nQueue:") == {"Event": "X", "PausedReason": "", "Queue": ""}


def test_exactly_one_leading_space_is_taken_off() -> None:
    assert parsed(b"A:  two \r\nB:none\r\nC:x: y") == {"A": " two ", "B": "none", "C": "x: y"}


def test_a_repeated_header_is_a_list() -> None:
    assert parsed(b"Output: a\r\nOutput: \r\nOutput: c\r\nX: 1") == {"Output": ["a", "", "c"], "X": "1"}


def test_of_several_event_response_or_action_id_headers_the_first_counts() -> None:
    message = parsed(
        b"Event: UserEvent\r\nActionID: 1\r\nEvent: Hangup\r\nActionID: 2\r\nResponse: a\r\nResponse: b"
    )

    assert message == {"Event": "UserEvent", "ActionID": "1", "Response": "a"}


def test_names_that_differ_in_case_are_kept_apart() -> None:
    assert parsed(b"BridgeId: 1\r\nBridgeID: 2") == {"BridgeId": "1", "BridgeID": "2"}


def test_bytes_that_are_not_utf8_become_the_replacement_character() -> None:
    assert parsed("Name: Čačić".encode() + b" M\xfcller") == {"Name": "Čačić M\ufffdller"}


def test_bare_line_ends_make_no_header() -> None:
    assert parsed(b"PausedReason: x\rQueue: sales\nQueue: b") == {"PausedReason": "x\rQueue: sales\nQueue: b"}


@pytest.mark.parametrize("line", [b"Queue", b": no name", b"", b"Event"])
def test_a_line_that_is_no_header_is_told_of_and_left_out(line: bytes) -> None:
    unreadable = Unreadable()
    parser = MessageParser(unreadable)
    parser.parse(b"Event: A\r\nQueue: known")
    raw = b"Event: A\r\n" + line + b"\r\nX: 1"

    assert parser.parse(raw) == {"Event": "A", "X": "1"}
    assert parser.parse(raw) == {"Event": "A", "X": "1"}
    assert unreadable.told == [(raw, 1), (raw, 1)]


def test_many_lines_with_one_name_cost_linear_time() -> None:
    message = parsed(b"\r\n".join(b"Output: %d" % number for number in range(100_000)), times=1)

    assert len(message["Output"]) == 100_000


def test_hostile_names_do_not_fill_the_memory() -> None:
    unreadable = Unreadable()
    parser = MessageParser(unreadable)
    for start in range(0, 20_000, 100):
        names = [f"Name{number}" for number in range(start, start + 100)]
        raw = "\r\n".join(f"{name}: 1" for name in names).encode()
        assert parser.parse(raw) == dict.fromkeys(names, "1")

    assert len(vars(parser)["_known"]) < 5_000


_LINES = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "b", "Cause-txt", "Variable"]),
        st.sampled_from([":", ": ", ":  "]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda text: "\r\n" not in text),
    ).map("".join),
    min_size=1,
    max_size=8,
)


@given(st.lists(_LINES, min_size=1, max_size=6))
def test_it_reads_as_the_plainest_reader_does(messages: list[list[str]]) -> None:
    parser = MessageParser(Unreadable())

    for lines in messages:
        text = "\r\n".join(lines)
        # The plain reader takes whole transcripts, so a value must not end one.
        if "\r\n\r\n" not in text + "\r" and not text.endswith("\r"):
            assert [parser.parse(text.encode())] == read(f"banner\r\n{text}\r\n\r\n".encode())

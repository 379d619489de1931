from services.demo_pbx.core.actions.request import Request
from services.demo_pbx.core.ami_input import LONGEST_LINE, MOST_LINES, ActionReader, BadInput


def actions(reader: ActionReader, data: bytes) -> list[str]:
    return [r.message if isinstance(r, BadInput) else r.action for r in reader.feed(data)]


def test_an_action_may_come_in_any_pieces() -> None:
    reader = ActionReader()
    whole = b"Action: Ping\r\nActionID: \xc5\xbd\r\n\r\n"
    done = [request for byte in whole for request in reader.feed(bytes([byte]))]

    assert [(r.action, r.action_id) for r in done if isinstance(r, Request)] == [("Ping", "Ž")]


def test_several_actions_come_at_once_and_a_bare_lf_ends_a_line_too() -> None:
    assert actions(ActionReader(), b"\r\nAction: A\n\nAction: B\r\n\r\n") == ["A", "B"]


def test_the_first_of_two_equal_headers_wins_and_names_match_without_case() -> None:
    (request,) = ActionReader().feed(b"action: Ping\r\nACTION: Logoff\r\nVariable: a\r\nvariable: b\r\n\r\n")

    assert isinstance(request, Request)
    assert (request.action, request.all("VARIABLE")) == ("Ping", ["a", "b"])


def test_a_line_without_a_colon_is_ignored() -> None:
    assert actions(ActionReader(), b"nonsense\r\nAction: Ping\r\n\r\n") == ["Ping"]


def test_the_longest_line_is_taken_and_a_longer_one_spoils_its_action_only() -> None:
    reader = ActionReader()
    fits = b"X: " + b"a" * (LONGEST_LINE - 3)

    assert actions(reader, b"Action: A\r\n" + fits + b"\r\n\r\n") == ["A"]
    assert actions(reader, b"Action: B\r\n" + fits + b"a\r\n\r\n") == [
        "Failed to parse message: line too long"
    ]
    assert actions(reader, b"Action: C\r\n\r\n") == ["C"]


def test_an_endless_line_is_not_kept_in_memory() -> None:
    reader = ActionReader()
    for _ in range(100):
        assert reader.feed(b"a" * 10_000) == []

    assert actions(reader, b"\r\n\r\nAction: A\r\n\r\n") == ["Failed to parse message: line too long", "A"]


def test_too_many_lines_are_refused_and_the_rest_is_read_as_another_action() -> None:
    lines = b"".join(b"V: x\r\n" for _ in range(MOST_LINES + 1))

    assert actions(ActionReader(), lines + b"Action: Ping\r\n\r\n") == [
        "Too many lines in message or allocation failure",
        "Ping",
    ]

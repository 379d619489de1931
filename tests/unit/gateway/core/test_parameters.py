from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.gateway.core.parameters import MAX_AGENTS, MAX_NAME, MAX_QUEUES, Parameters, ticket_from
from services.gateway.core.tickets import Ticket
from services.gateway.errors import BadJsonError, BadParameterError

PBXS = ("hq", "branch")
Query = list[tuple[str, str]]


def make(body: Any = None, query: Query | None = None) -> Ticket:
    raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    return ticket_from(query or [], raw, pbxs=PBXS, now_ms=5)


def refused(body: Any = None, query: Query | None = None) -> BadParameterError:
    with pytest.raises(BadParameterError) as caught:
        make(body, query)
    return caught.value


def test_body_has_it_all() -> None:
    body = {
        "agents": ["148", "149@hq"],
        "queues": ["*"],
        "summaryEvents": True,
        "callers": False,
        "pbx": ["hq"],
    }

    assert make(body) == Ticket(
        agents=("148", "149@hq"), queues=("*",), summary_events=True, pbx=("hq",), created=5
    )


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}"])
def test_empty_body_is_no_parameters(body: bytes) -> None:
    assert make(body) == Ticket(created=5)


def test_query_has_lists_with_commas_or_repeated() -> None:
    query = [("agents", "148,149"), ("agents", "150"), ("queues", "q1"), ("callers", "true"), ("pbx", "")]

    assert make(None, query) == Ticket(agents=("148", "149", "150"), queues=("q1",), callers=True, created=5)


def test_empty_strings_are_absent() -> None:
    body = {"agents": ["148", ""], "queues": "", "callers": "", "summaryEvents": None, "pbx": None}

    assert make(body) == Ticket(agents=("148",), created=5)


def test_booleans_may_be_strings() -> None:
    assert make({"callers": "true", "summaryEvents": "false"}).callers


def test_same_value_twice_is_no_contradiction() -> None:
    assert make({"agents": ["148"], "callers": True}, [("agents", "148"), ("callers", "true")]).callers


@pytest.mark.parametrize(
    ("body", "query", "parameter"),
    [
        ({"callers": True}, [("callers", "false")], "callers"),
        ({"agents": ["148"]}, [("agents", "149")], "agents"),
        ({"callers": 1}, [], "callers"),
        ({"callers": "yes"}, [], "callers"),
        ({"agents": "148"}, [], "agents"),
        ({"agents": [148]}, [], "agents"),
        ({"agents": {"148": 1}}, [], "agents"),
        ({"agents": ["x" * (MAX_NAME + 1)]}, [], "agents"),
        ({"agents": ["14\r8"]}, [], "agents"),
        ({"agents": ["14\n8"]}, [], "agents"),
        ({"agents": ["14\x008"]}, [], "agents"),
        ({"agents": [" "]}, [], "agents"),
        ({"queues": [" @hq"]}, [], "queues"),
        ({"agents": [str(number) for number in range(MAX_AGENTS + 1)]}, [], "agents"),
        ({"queues": [str(number) for number in range(MAX_QUEUES + 1)]}, [], "queues"),
        ({"pbx": ["elsewhere"]}, [], "pbx"),
        ({"agent": ["148"]}, [], "agent"),
        ({}, [("agent", "148")], "agent"),
        (
            {
                "agents": [str(number) for number in range(2_000)],
                "queues": [str(number) for number in range(500)],
            },
            [],
            "agents",
        ),
    ],
)
def test_refusal_names_the_parameter(body: Any, query: Query, parameter: str) -> None:
    error = refused(body, query)

    assert error.parameter == parameter
    assert parameter in str(error)


def test_lone_surrogate_is_refused() -> None:
    assert refused(None, [("agents", "14\ud8008")]).parameter == "agents"


def test_unknown_parameter_that_cannot_be_printed_is_told_escaped() -> None:
    assert refused({"\x1b[2J": 1}).parameter == "'\\x1b[2J'"
    assert len(refused({"x" * 5000: 1}).parameter) <= MAX_NAME


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"1", b"\xff", b'{"a":"\xff"}', b"[" * 100_000])
def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadJsonError):
        make(body)


def test_unconfigured_gateway_says_that_there_is_no_pbx() -> None:
    with pytest.raises(BadParameterError, match="none"):
        ticket_from([("pbx", "hq")], b"", pbxs=(), now_ms=5)


def of(value: Any, *query: str) -> Parameters:
    return Parameters([("it", text) for text in query], {"it": value}, ["it"])


def test_text() -> None:
    assert of("148").text("it") == "148"
    assert of("", "").text("it") is None
    assert of("148", "148").text("it") == "148"
    for bad in (of(148), of(["148"]), of("1\r\n"), of("1\x85"), of("148", "149"), of(None, "148", "149")):
        with pytest.raises(BadParameterError, match="it: "):
            bad.text("it")


def test_flag() -> None:
    assert of("true").flag("it") is True
    assert of(None).flag("it") is None


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), (5.0, 5), ("0", 0), ("", None)])
def test_whole_number(value: Any, number: int | None) -> None:
    assert of(value).whole_number("it") == number


@pytest.mark.parametrize(
    "value", [-1, 1.5, True, "05", "+5", " 5", "5.0", "٥", "1" * 5000, float("inf"), [5]]
)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(BadParameterError, match="whole number"):
        of(value).whole_number("it")


def test_object_of_strings() -> None:
    assert of({"A": "1"}).strings("it") == {"A": "1"}
    assert of({"A": "1"}, '{"A": "1"}').strings("it") == {"A": "1"}
    assert of("").strings("it") == {}
    assert of(None).strings("it") == {}
    for bad in (
        of({"A": 1}),
        of({"A\n": "1"}),
        of({"A": "\r"}),
        of([]),
        of('{"A": "1"}'),
        of({}, '{"A": "1"}'),
    ):
        with pytest.raises(BadParameterError, match="it: "):
            bad.strings("it")


def test_what_is_ignored_is_still_a_line() -> None:
    of({"A": 1}, "x").ignore("it")
    with pytest.raises(BadParameterError, match="control"):
        of(None, "x\n").ignore("it")

"""Why a call that was asked for did not come about."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from shared.events import OriginateFailed
from tests.unit.ami_bridge.core.messages import Message, destination, hangup, message
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay

LEG = destination("PJSIP/148-00000001", "10.1")
BEGIN: Message = {**message("DialBegin"), **LEG}


def _end(status: str) -> Message:
    return {**message("DialEnd", DialStatus=status), **LEG}


def _failure(code: int = 0, action_id: str = "a1", dialled: str = "PJSIP/148") -> Message:
    return message(
        "OriginateResponse",
        ActionID=action_id,
        Response="Failure",
        Channel=dialled,
        Reason=str(code),
        Exten="141",
        Uniqueid="<unknown>",
    )


def _reasons(*messages: Message, centre: CallCentre | None = None, since: int = NOON) -> list[str]:
    outputs = replay(messages, centre, since)
    return [event.reason for event in events_of(outputs) if isinstance(event, OriginateFailed)]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([_failure(0)], "unavailable"),
        ([_failure(3)], "no_answer"),
        ([_failure(5)], "busy"),
        ([BEGIN, _failure(8)], "failed"),
        ([BEGIN, _failure(0), _end("BUSY"), hangup("10.1")], "busy"),
        ([BEGIN, _failure(0), hangup("10.1", 21)], "declined"),
        ([BEGIN, _failure(3), _end("NOANSWER"), hangup("10.1")], "no_answer"),
        ([BEGIN, _end("BUSY"), _failure(0)], "busy"),
        ([BEGIN, _end("NOANSWER"), _failure(0)], "no_answer"),
        ([BEGIN, _end("CANCEL"), _failure(0)], "no_answer"),
        ([BEGIN, _end("CHANUNAVAIL"), _failure(0)], "unavailable"),
        ([BEGIN, _end("CONGESTION"), _failure(0)], "failed"),
        ([BEGIN, _end("CONGESTION"), hangup("10.1", 21), _failure(0)], "declined"),
        ([BEGIN, _end("BUSY"), hangup("10.1", 21), _failure(0)], "busy"),
        ([BEGIN, hangup("10.1", 21), _failure(0)], "declined"),
        ([BEGIN, hangup("10.1", 17), _failure(0)], "busy"),
        ([BEGIN, hangup("10.1", 19), _failure(0)], "no_answer"),
        ([BEGIN, hangup("10.1", 20), _failure(0)], "unavailable"),
        ([BEGIN, hangup("10.1", 127), _failure(0)], "failed"),
    ],
)
def test_the_reason_is_the_true_one(messages: list[Message], reason: str) -> None:
    assert _reasons(*messages) == [reason]


def test_the_agent_is_in_the_dial_string() -> None:
    outputs = replay([_failure(0, dialled="PJSIP/148"), _failure(0, dialled="DAHDI/g1", action_id="a2")])
    failed = [event for event in events_of(outputs) if isinstance(event, OriginateFailed)]

    assert [(event.agent, event.action_id) for event in failed] == [("148", "a1"), ("DAHDI/g1", "a2")]


def test_an_answer_that_overtakes_its_cause_waits_for_it() -> None:
    late = [BEGIN, _failure(0), hangup("10.1", 17), _failure(0, "a2")]

    assert _reasons(*late[:2]) == []
    assert _reasons(*late) == ["busy", "unavailable"]


def test_a_cause_is_told_once() -> None:
    assert _reasons(BEGIN, _end("BUSY"), _failure(0), _failure(0, "a2")) == ["busy", "unavailable"]


def test_an_old_cause_belongs_to_another_call() -> None:
    centre = CallCentre("hq")
    _reasons(BEGIN, _end("BUSY"), hangup("10.1"), centre=centre)

    assert _reasons(_failure(0), centre=centre, since=NOON + 60_000) == ["unavailable"]


def test_a_leg_that_was_answered_has_not_failed() -> None:
    messages = [BEGIN, _end("ANSWER"), hangup("10.1"), _failure(0)]

    assert _reasons(*messages) == ["unavailable"]


def test_the_causes_of_two_legs_are_told_apart() -> None:
    other = destination("PJSIP/149-00000002", "10.2")
    messages = [BEGIN, {**BEGIN, **other}, _end("BUSY"), {**_end("NOANSWER"), **other}]

    assert _reasons(*messages, _failure(0), _failure(0, "a2", "PJSIP/149")) == ["busy", "no_answer"]


def test_a_request_that_nobody_can_recognise_is_no_event() -> None:
    nameless = _failure(0)
    del nameless["ActionID"]

    assert _reasons(nameless) == []


def test_a_success_tells_the_dialled_number_if_nothing_else_did() -> None:
    done = message(
        "OriginateResponse",
        ActionID="a1",
        Response="Success",
        Channel="PJSIP/148-00000001",
        Uniqueid="10.1",
        Reason="4",
        Exten="0995",
    )
    outputs = replay([BEGIN, done, done, {**done, "Uniqueid": "10.9"}])

    assert [getattr(event, "number", None) for event in events_of(outputs)] == ["anonymous", "0995"]


def _names(*messages: Message, session: str = "") -> list[str]:
    return [
        output.moment_id for output in replay(messages, CallCentre("hq", session=session)) if output.moment_id
    ]


def test_failures_of_one_action_id_are_different_moments() -> None:
    other = destination("PJSIP/148-00000002", "10.2")
    names = _names(
        *(BEGIN, _end("BUSY"), _failure(0), hangup("10.1", 17)),
        *({**BEGIN, **other}, _failure(0), {**_end("BUSY"), **other}, hangup("10.2", 17)),
        *(_failure(0), _failure(0), _failure(0, dialled="PJSIP/149")),
        *({**_failure(0), "Uniqueid": "10.3"}, {**_failure(0), "Uniqueid": "10.4"}),
    )

    assert len(set(names)) == len(names) == 7


def test_a_failure_that_only_a_count_names_is_another_moment_in_another_process() -> None:
    assert _names(_failure(0), session="a") != _names(_failure(0), session="b")


@pytest.mark.parametrize(
    "messages",
    [
        [BEGIN, _failure(0)],
        [BEGIN, _end("BUSY"), _failure(0)],
        [{**_failure(0), "Uniqueid": "10.3"}],
        [{**_failure(0), "Timestamp": "1795404373.123456"}],
    ],
)
def test_a_failure_with_a_leg_or_a_date_is_named_alike_by_every_process(messages: list[Message]) -> None:
    assert _names(*messages, session="a") == _names(*messages, session="b")


def test_failures_of_different_dates_are_different_moments() -> None:
    dated = ({**_failure(0), "Timestamp": f"1795404373.{fraction}"} for fraction in ("100000", "200000"))

    assert len(set(_names(*dated))) == 2

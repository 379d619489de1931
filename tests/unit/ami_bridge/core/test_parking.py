"""Parking moments."""

from __future__ import annotations

from shared.events import ParkedCall, UnParkedCall
from tests.unit.ami_bridge.core.messages import Message, hangup, message
from tests.unit.ami_bridge.core.replay import events_of, replay


def _parked(event: str = "ParkedCall", **headers: str) -> Message:
    return message(
        event,
        **{
            "ParkeeChannel": "PJSIP/trunk-00000001",
            "ParkeeUniqueid": "10.1",
            "ParkeeCallerIDNum": "0991",
            "ParkerDialString": "PJSIP/148",
            "Parkinglot": "default",
            "ParkingSpace": "701",
            "ParkingTimeout": "45",
            **headers,
        },
    )


def test_a_parked_call_is_told_in_full() -> None:
    assert events_of(replay([_parked()])) == [
        ParkedCall(
            pbx="hq",
            caller_id="0991",
            channel="PJSIP/trunk-00000001",
            parked_ext="701",
            parked_by="148",
            timeout=45,
            unique_id="10.1",
            parking_lot="default",
        )
    ]


def test_an_item_of_the_list_is_no_moment() -> None:
    assert replay([_parked(ActionID="a1")]) == []


def test_a_trunk_that_parks_itself_is_nobody() -> None:
    assert [
        getattr(each, "parked_by", "?")
        for each in events_of(replay([_parked(ParkerDialString="PJSIP/trunk")]))
    ] == [None]


def test_who_fetched_the_call_is_told() -> None:
    outputs = replay(
        [_parked("UnParkedCall", RetrieverChannel="PJSIP/144-00000002"), _parked("UnParkedCall")]
    )

    assert [each.retrieved_by for each in events_of(outputs) if isinstance(each, UnParkedCall)] == [
        "144",
        None,
    ]


def test_a_withheld_caller_is_anonymous() -> None:
    assert [
        getattr(each, "caller_id", "?")
        for each in events_of(replay([_parked(ParkeeCallerIDNum="<unknown>")]))
    ] == ["anonymous"]


def test_parking_again_in_the_same_space_is_another_moment() -> None:
    outputs = replay([_parked(), _parked("UnParkedCall"), _parked(), _parked("UnParkedCall"), hangup("10.1")])

    assert len({output.moment_id for output in outputs}) == 4


def test_giving_up_is_told_after_the_hangup_too() -> None:
    outputs = replay([_parked(), hangup("10.1"), _parked("ParkedCallGiveUp"), _parked()])

    assert len(outputs) == 3

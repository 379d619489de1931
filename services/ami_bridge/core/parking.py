"""Parked calls: one moment when a call is parked and exactly one when that ends."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from services.ami_bridge.core.ami_message import AmiMessage, name, optional, whole
from services.ami_bridge.core.caller_id import number_of, shown
from shared.events import ParkedCall, ParkedCallGiveUp, ParkedCallTimeOut, UnParkedCall

Parking = TypeVar("Parking", ParkedCall, ParkedCallGiveUp, ParkedCallTimeOut, UnParkedCall)


def read_parking(kind: type[Parking], pbx: str, message: AmiMessage, parked_by: str | None) -> Parking:
    """Read what the four parking events have in common.

    Args:
        parked_by: the agent in `ParkerDialString`; ``None`` when that is none (a call that was redirected to
            the parking extension has its own trunk there).

    Raises:
        MalformedMessageError: a header is missing or unreadable.
    """
    return kind(
        pbx=pbx,
        caller_id=shown(number_of(optional(message, "ParkeeCallerIDNum"))),
        channel=name(message, "ParkeeChannel"),
        parked_ext=name(message, "ParkingSpace"),
        parked_by=parked_by,
        timeout=whole(message, "ParkingTimeout"),
        unique_id=name(message, "ParkeeUniqueid"),
        parking_lot=name(message, "Parkinglot"),
    )


def read_unparking(
    pbx: str, message: AmiMessage, parked_by: str | None, retrieved_by: str | None
) -> UnParkedCall:
    """Read `UnParkedCall`; ``retrieved_by`` is the agent of `RetrieverChannel`.

    Raises:
        MalformedMessageError: a header is missing or unreadable.
    """
    return replace(read_parking(UnParkedCall, pbx, message, parked_by), retrieved_by=retrieved_by)

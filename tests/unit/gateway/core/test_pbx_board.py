from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.gateway.core.liveness import SILENT, WAITING, Doubt
from services.gateway.core.pbx_board import UNREPORTED, PbxBoard
from services.gateway.core.position import Position
from shared import wire
from shared.errors import MalformedEventError
from shared.events import PbxStatus, PbxWord
from tests.support.gateway_fakes import count, online

AT = 10
"""A place behind what the boards here begin with."""


def board_with(*statuses: PbxStatus, pbxs: Sequence[str] = ("hq", "branch")) -> PbxBoard:
    board = PbxBoard(pbxs, now_ms=5)
    for sequence, status in enumerate(statuses, 1):
        board.log(status.pbx, wire.encode(status), sequence)
    return board


def place(board: PbxBoard, at: int = AT) -> Position:
    """Of who was told what is shown."""
    return Position("g1", at, board.mark)


def shown(board: PbxBoard, pbx: str = "hq") -> PbxStatus:
    event = wire.decode(board.shown(pbx))
    assert isinstance(event, PbxStatus)
    return event


def test_pbx_of_which_nobody_told_is_offline() -> None:
    assert shown(board_with()) == PbxStatus(pbx="hq", status="offline", since=5, reason=UNREPORTED)


def test_logged_status_is_shown_as_it_was_published() -> None:
    assert board_with(online()).shown("hq") == wire.encode(online())


def test_doubt_is_shown_in_place_of_online() -> None:
    board = board_with(online())

    assert board.judge("hq", SILENT, now_ms=9) == board.shown("hq")
    assert shown(board) == PbxStatus(pbx="hq", status="offline", since=9, reason=SILENT.reason)


def test_logged_status_is_shown_again_when_the_doubt_has_passed() -> None:
    board = board_with(online())
    board.judge("hq", SILENT, now_ms=9)

    assert board.judge("hq", None, now_ms=10) == wire.encode(online())
    assert board.judge("hq", None, now_ms=11) is None


def test_same_doubt_is_told_once() -> None:
    board = board_with(online())
    board.judge("hq", SILENT, now_ms=9)

    assert board.judge("hq", SILENT, now_ms=10) is None


def test_another_doubt_takes_its_place() -> None:
    board = board_with(online())
    board.judge("hq", WAITING, now_ms=9)

    assert board.judge("hq", SILENT, now_ms=10) is not None
    assert shown(board).reason == SILENT.reason


@pytest.mark.parametrize("status", ["offline", "auth_failed"])
def test_reason_of_the_bridge_itself_stands(status: PbxWord) -> None:
    board = board_with(PbxStatus(pbx="hq", status=status, since=1, reason="its own"))

    assert board.judge("hq", SILENT, now_ms=9) is None
    assert shown(board).reason == "its own"


def test_doubt_that_says_the_same_is_not_told() -> None:
    board = board_with(PbxStatus(pbx="hq", status="syncing", since=1))

    assert board.judge("hq", WAITING, now_ms=9) is None
    assert board.judge("hq", SILENT, now_ms=9) is not None


def test_newly_logged_status_lifts_the_doubt_until_it_is_judged_again() -> None:
    board = board_with(online())
    board.judge("hq", SILENT, now_ms=9)
    board.log("hq", wire.encode(online()), 3)

    assert shown(board).status == "online"
    assert board.judge("hq", SILENT, now_ms=10) is not None


def test_unreported_pbx_is_not_doubted() -> None:
    assert board_with().judge("hq", SILENT, now_ms=9) is None


def test_mark_tells_what_was_told_of_which_pbx() -> None:
    board = board_with(online("hq"), online("branch"))
    without_doubt = place(board)
    board.judge("hq", WAITING, now_ms=9)
    waiting = place(board)
    assert not board.differs("hq", waiting)

    board.judge("hq", SILENT, now_ms=9)

    assert board.differs("hq", waiting)
    assert board.differs("hq", without_doubt)
    assert not board.differs("hq", place(board))
    assert not board.differs("branch", without_doubt)


def test_doubts_of_all_kinds_fit_into_the_mark() -> None:
    board = board_with(online("hq"), online("branch"))
    before = place(board)
    board.judge("branch", Doubt(3, "offline", "lost"), now_ms=9)

    assert not board.differs("hq", before)
    assert board.differs("branch", before)
    assert not board.differs("branch", place(board))


def test_who_was_told_a_doubt_and_then_by_the_log_that_it_is_online_is_told_the_doubt_again() -> None:
    board = board_with(online("hq"), online("branch"))
    board.judge("hq", SILENT, now_ms=9)
    board.judge("branch", SILENT, now_ms=9)
    told = place(board)
    board.log("hq", wire.encode(online()), AT + 1)
    board.judge("hq", SILENT, now_ms=11)

    assert board.differs("hq", told)
    assert not board.differs("branch", told)
    assert not board.differs("hq", place(board, AT + 1))


def test_who_was_told_a_doubt_and_then_by_the_log_how_it_is_need_not_be_told_again() -> None:
    board = board_with(online("hq"))
    board.judge("hq", SILENT, now_ms=9)
    told = place(board)
    board.log("hq", wire.encode(online()), AT + 1)

    assert not board.differs("hq", told)


def test_who_has_got_a_part_of_the_log_keeps_his_mark_only_if_no_status_can_have_been_in_it() -> None:
    board = board_with(online("hq"))
    told = place(board)
    assert board.mark_behind(told, AT + 5) == told.mark

    board.log("hq", wire.encode(online()), AT + 9)

    assert board.mark_behind(told, AT) == told.mark
    assert board.mark_behind(told, AT + 5) is None


@pytest.mark.parametrize("pbxs", [("hq",), ("hq", "branch", "lab"), ("head", "branch"), ("hq", "branches")])
def test_mark_of_a_gateway_with_other_pbxs_says_nothing(pbxs: Sequence[str]) -> None:
    board, other = board_with(online("hq")), board_with(online("hq"), pbxs=pbxs)

    assert not board.differs("hq", place(board))
    assert board.differs("hq", place(other))


def test_order_in_which_pbxs_are_configured_is_nothing_to_the_mark() -> None:
    board, other = board_with(online("hq")), board_with(online("hq"), pbxs=("branch", "hq"))
    for one in (board, other):
        one.judge("hq", SILENT, now_ms=9)

    assert not board.differs("hq", place(other))


@pytest.mark.parametrize("cut", [1, 8])
def test_half_a_mark_says_nothing(cut: int) -> None:
    board = board_with(online("hq"))

    assert board.differs("hq", Position("g1", AT, board.mark[:cut]))


def test_state_that_is_read_anew_is_syncing() -> None:
    event = wire.decode(PbxBoard.unread("hq", 9))

    assert isinstance(event, PbxStatus)
    assert event.status == "syncing"


def test_clear_forgets_what_was_logged() -> None:
    board = board_with(online())
    fresh = board.mark
    board.judge("hq", SILENT, now_ms=9)
    told = place(board, 0)
    board.clear()

    assert shown(board).reason == UNREPORTED
    assert board.mark == fresh
    assert board.differs("hq", told)


def test_payload_of_another_type_is_refused() -> None:
    with pytest.raises(MalformedEventError):
        board_with().log("hq", wire.encode(count(1)), 1)
    with pytest.raises(MalformedEventError):
        board_with().log("hq", b"{", 1)


def test_the_word_of_each_pbx_is_that_which_is_shown() -> None:
    board = board_with(online())
    assert board.statuses() == {"hq": "online", "branch": "offline"}

    board.judge("hq", WAITING, now_ms=9)
    assert board.statuses() == {"hq": "syncing", "branch": "offline"}


@pytest.mark.parametrize("doubt", [None, WAITING, SILENT])
def test_who_was_told_nothing_that_is_known_is_told_of_every_pbx(doubt: Doubt | None) -> None:
    board = board_with(online(), online("branch"))
    board.judge("hq", doubt, now_ms=9)

    for after in (None, Position("g1", AT)):
        assert board.differs("hq", after)
        assert board.differs("branch", after)

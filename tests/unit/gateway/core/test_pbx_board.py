from __future__ import annotations

import pytest

from services.gateway.core.liveness import SILENT, WAITING, Doubt
from services.gateway.core.pbx_board import UNREPORTED, PbxBoard
from shared import wire
from shared.errors import MalformedEventError
from shared.events import PbxStatus, PbxWord
from tests.support.gateway_fakes import count, online


def board_with(*statuses: PbxStatus) -> PbxBoard:
    board = PbxBoard(["hq", "branch"], now_ms=5)
    for status in statuses:
        board.log(status.pbx, wire.encode(status))
    return board


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
    board.log("hq", wire.encode(online()))

    assert shown(board).status == "online"
    assert board.judge("hq", SILENT, now_ms=10) is not None


def test_unreported_pbx_is_not_doubted() -> None:
    assert board_with().judge("hq", SILENT, now_ms=9) is None


def test_mark_tells_what_was_told_of_which_pbx() -> None:
    board = board_with(online("hq"), online("branch"))
    assert board.mark == 0

    board.judge("hq", WAITING, now_ms=9)
    first = board.mark
    board.judge("hq", SILENT, now_ms=9)

    assert first not in (0, board.mark)
    assert board.differs("hq", first)
    assert board.differs("hq", 0)
    assert not board.differs("hq", board.mark)
    assert not board.differs("branch", 0)


def test_doubts_of_all_kinds_fit_into_the_mark() -> None:
    board = board_with(online("hq"), online("branch"))
    board.judge("branch", Doubt(3, "offline", "lost"), now_ms=9)

    assert not board.differs("hq", 0)
    assert board.differs("branch", 0)


def test_state_that_is_read_anew_is_syncing() -> None:
    event = wire.decode(PbxBoard.unread("hq", 9))

    assert isinstance(event, PbxStatus)
    assert event.status == "syncing"


def test_clear_forgets_what_was_logged() -> None:
    board = board_with(online())
    board.judge("hq", SILENT, now_ms=9)
    board.clear()

    assert shown(board).reason == UNREPORTED
    assert board.mark == 0


def test_payload_of_another_type_is_refused() -> None:
    with pytest.raises(MalformedEventError):
        board_with().log("hq", wire.encode(count(1)))
    with pytest.raises(MalformedEventError):
        board_with().log("hq", b"{")


def test_the_word_of_each_pbx_is_that_which_is_shown() -> None:
    board = board_with(online())
    assert board.statuses() == {"hq": "online", "branch": "offline"}

    board.judge("hq", WAITING, now_ms=9)
    assert board.statuses() == {"hq": "syncing", "branch": "offline"}


@pytest.mark.parametrize("doubt", [None, WAITING, SILENT])
def test_who_was_told_nothing_that_is_known_is_told_of_every_pbx(doubt: Doubt | None) -> None:
    board = board_with(online(), online("branch"))
    board.judge("hq", doubt, now_ms=9)

    assert board.differs("hq", None)
    assert board.differs("branch", None)

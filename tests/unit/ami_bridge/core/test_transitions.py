"""The dispatch table."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.transitions import TRANSITIONS
from services.ami_bridge.core.wanted import WANTED_EVENTS
from tests.unit.ami_bridge.core.messages import message
from tests.unit.ami_bridge.core.replay import replay


def test_the_link_lets_through_what_the_table_reads() -> None:
    assert set(TRANSITIONS) - {"VarSet"} <= WANTED_EVENTS


def test_a_message_of_no_interest_gives_nothing() -> None:
    assert replay([message("Newexten", Channel="x"), {"Response": "Success"}]) == []


@pytest.mark.parametrize(
    ("module", "status", "wanted"),
    [
        ("All", "0", True),
        ("app_queue.so", "0", True),
        ("app_queue.so", "2", False),
        ("res_pjsip.so", "0", False),
    ],
)
def test_a_reload_that_may_change_queues_unsaid_wants_a_resync(
    module: str, status: str, wanted: bool
) -> None:
    centre = CallCentre("hq")
    replay([message("Reload", Module=module, Status=status)], centre)

    assert centre.wants_resync is wanted


@pytest.mark.parametrize(("uptime", "wanted"), [("0", True), ("124", False), (None, True)])
def test_lists_from_before_asterisk_was_loaded_are_wanted_again(uptime: str | None, wanted: bool) -> None:
    centre = CallCentre("hq")
    replay([message("FullyBooted", **({} if uptime is None else {"Uptime": uptime}))], centre)

    assert centre.wants_resync is wanted

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from services.terminal.floor import Floor
from services.terminal.tail import render

ONLINE = {"type": "pbxStatus", "pbx": "hq", "status": "online", "since": 0, "reason": None}
READY = {"type": "ready", "resumed": False, "now": 0, "id": "g-1"}
COUNT = {"type": "queueCount", "pbx": "hq", "queue": "sales", "count": 3}


def shown(floor: Floor) -> str:
    out = io.StringIO()
    Console(width=140, file=out).print(render(floor, "http://gateway"))
    return out.getvalue()


def floor_of(*events: dict[str, Any]) -> Floor:
    floor = Floor()
    for event in events:
        floor.apply(event)
    return floor


def test_queues_agents_and_their_calls_are_shown() -> None:
    text = shown(
        floor_of(
            ONLINE,
            COUNT,
            {"type": "queueCallers", "pbx": "hq", "queue": "sales", "callers": [{"number": "0911"}]},
            {"type": "agentName", "pbx": "hq", "agent": "148", "name": "Agent [red]148"},
            {"type": "extensionStatus", "pbx": "hq", "agent": "148", "status": "inuse"},
            {"type": "queueMemberStatus", "pbx": "hq", "agent": "148", "queue": "sales", "status": "inuse"},
            {"type": "phoneNumber", "pbx": "hq", "agent": "148", "number": "0912", "name": "Ana"},
            READY,
        )
    )

    for part in ("hq: online", "sales", "3", "0911", "Agent [red]148", "inuse", "0912 Ana"):
        assert part in text


def test_what_comes_from_outside_cannot_steer_the_terminal() -> None:
    nasty = "\x1b]0;pwned\x07\x1b[31m\x9b2J\u202e\n"
    of = {"pbx": nasty, "agent": nasty, "queue": nasty}
    floor = floor_of(
        ONLINE | {"pbx": nasty, "reason": nasty, "status": nasty},
        {"type": "queueCount", "count": nasty, **of},
        {"type": "queueCallers", "callers": [{"number": nasty}], **of},
        {"type": "agentName", "name": nasty, **of},
        {"type": "extensionStatus", "status": nasty, **of},
        {"type": "queueMemberStatus", "status": nasty, **of},
        {"type": "phoneNumber", "number": nasty, "name": nasty, **of},
        READY,
    )

    out = io.StringIO()
    Console(width=600, file=out).print(render(floor, f"http://{nasty}"))
    assert out.getvalue().count("␛]0;pwned␇␛[31m\ufffd2J\ufffd") == 15
    assert all(line.isprintable() for line in out.getvalue().split("\n"))


def test_a_queue_whose_first_caller_hides_his_number_is_shown() -> None:
    callers = {"type": "queueCallers", "pbx": "hq", "queue": "sales", "callers": [{"number": None}]}

    assert "None" not in shown(floor_of(ONLINE, COUNT, callers, READY))


def test_without_a_connection_nothing_is_said_to_be_live() -> None:
    floor = floor_of(ONLINE, READY, COUNT, {"type": "disconnected", "reason": "gone"})

    assert not floor.live("hq")
    assert "NOT CONNECTED" in shown(floor)


def test_the_figures_of_a_pbx_that_is_offline_are_not_live() -> None:
    offline = ONLINE | {"status": "offline", "reason": "no answer"}

    floor = floor_of(ONLINE, READY, offline)

    assert not floor.live("hq")
    assert "hq: offline (no answer)" in shown(floor)


def test_what_is_gone_or_logged_off_is_taken_away_and_a_reset_forgets_all() -> None:
    member = {"type": "queueMemberStatus", "pbx": "hq", "agent": "148", "queue": "sales", "status": "busy"}

    floor = floor_of(COUNT, COUNT | {"gone": True}, member, member | {"status": "loggedoff"})

    assert floor.queues == {}
    assert floor.agents == {("hq", "148"): {"members": {}}}
    floor.apply({"type": "reset"})
    assert floor.agents == {}


def test_an_event_that_this_view_does_not_know_changes_nothing() -> None:
    assert floor_of({"type": "newThing"}) == Floor()

"""What `pbxis tail --audit` shows."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from services.terminal.audit import render
from services.terminal.audit_trail import Trail, outcome_of, target_of


def record(number: int, phase: str = "ended", **changed: Any) -> dict[str, Any]:
    values = {"id": f"pbxis-{number}", "at": 1_000 * number, "phase": phase, "caller": "crm"}
    return {**values, "action": "hangup", "pbx": "hq", "parameters": {"agent-or-channel": "148"}, **changed}


def text_of(trail: Trail, height: int = 40) -> str:
    out = StringIO()
    Console(width=120, file=out).print(render(trail, "http://127.0.0.1:1", height))
    return out.getvalue()


def test_an_end_takes_the_place_of_its_beginning() -> None:
    trail = Trail()
    trail.apply(record(1, "begun"))
    trail.apply(record(2, "begun"))
    trail.apply(record(1, result="done", durationMs=12, at=9_000))

    rows = trail.newest(10)
    assert [(row["id"], row["begunAt"], outcome_of(row)) for row in rows] == [
        ("pbxis-1", 1_000, "done"),
        ("pbxis-2", 2_000, "under way"),
    ]


def test_a_beginning_that_comes_late_changes_nothing() -> None:
    trail = Trail()
    trail.apply(record(1, result="refused", code="no_call"))
    trail.apply(record(1, "begun"))

    assert outcome_of(trail.newest(1)[0]) == "refused no_call"


def test_an_outcome_is_not_said_twice() -> None:
    assert outcome_of(record(1, result="not_sent", code="not_sent")) == "not_sent"


def test_the_newest_are_kept_and_as_many_shown_as_fit() -> None:
    trail = Trail(limit=5)
    for number in range(9):
        trail.apply(record(number))

    assert [row["id"] for row in trail.newest(10)] == [f"pbxis-{number}" for number in range(4, 9)]
    assert trail.newest(0) == trail.newest(-3) == []
    assert len(trail.newest(2)) == 2


def test_the_target_is_all_that_an_action_was_about() -> None:
    parameters = {"agent": "148", "queue": "sales", "dest": "149", "timeout": 30}

    assert target_of(record(1, parameters=parameters)) == "148 sales 149 @hq"
    assert target_of({"id": "pbxis-1"}) == ""


def test_the_table_shows_who_did_what_and_no_markup_of_theirs() -> None:
    trail = Trail()
    trail.apply(record(1, result="done", durationMs=12, caller="[red]crm[/red]"))

    text = text_of(trail)
    assert "[red]crm[/red]" in text
    for word in ("hangup", "148 @hq", "done", "12"):
        assert word in text


def test_what_comes_from_outside_cannot_steer_the_terminal() -> None:
    nasty = "\x1b]0;pwned\x07\x1b[31m\x9b2J\u202e\n"
    trail = Trail()
    names = ("src", "agent", "queue", "agent-or-channel", "dest")
    trail.apply(
        record(
            1,
            caller=nasty,
            action=nasty,
            pbx=nasty,
            parameters=dict.fromkeys(names, nasty),
            result=nasty,
            code=nasty + "x",
            durationMs=nasty,
        )
    )

    out = StringIO()
    Console(width=600, file=out).print(render(trail, f"http://{nasty}", 40))
    assert out.getvalue().count("␛]0;pwned␇␛[31m\ufffd2J\ufffd␊") == 12
    assert all(line.isprintable() for line in out.getvalue().split("\n"))


def test_a_lost_connection_is_said() -> None:
    trail = Trail()
    trail.apply({"type": "disconnected", "reason": "away"})
    assert "NOT CONNECTED" in text_of(trail)

    trail.apply(record(1, result="unknown"))
    assert "NOT CONNECTED" not in text_of(trail)

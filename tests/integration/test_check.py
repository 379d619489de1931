"""What `pbxis check` says of a PBX that is there."""

from __future__ import annotations

import pytest

from services.terminal import check
from shared.config import PbxSection
from tests.support.scripted_ami import Action, ScriptedAmi, message, scripted_ami
from tests.support.scripted_pbx import play


async def report_of(ami: ScriptedAmi) -> str:
    """All that is said."""
    report = check.Report()
    pbx = PbxSection(name="hq", host="127.0.0.1", port=ami.port, username="bridge", secret="scripted")
    await check._check_pbx(pbx, report)  # pyright: ignore[reportPrivateUsage] - `check` runs a loop of its own
    return "\n".join(f"{mark} {text}" for mark, text in report.lines)


@pytest.mark.parametrize(
    ("headers", "mark"),
    [(None, "· hq: no event came"), ({}, "! hq: events carry no Timestamp"), ({"Timestamp": "1.5"}, None)],
)
async def test_two_bridges_need_events_that_say_when_they_happened(
    headers: dict[str, str] | None, mark: str | None
) -> None:
    async with scripted_ami() as ami:
        play(ami, queues=["support"])

        listed = ami.answers["queuestatus"]
        assert callable(listed)

        def with_an_event(action: Action) -> bytes:
            event = b"" if headers is None else message({"Event": "Hangup", "Uniqueid": "1.1", **headers})
            return event + listed(action)

        ami.answers["queuestatus"] = with_an_event

        told = await report_of(ami)

    assert ("timestampevents" in told) == (mark is not None)
    if mark is not None:
        assert mark in told

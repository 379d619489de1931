"""A stranger reads the OpenAPI document and tries everything that it says, and what it does not say."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import cast

from services.gateway.core.form import Form
from services.gateway.core.forms import FORMS
from shared.commands import Candidate, Code, Command, Outcome, QueueMember, QueueStatus, Redirect, action_of
from tests.support.action_fakes import FakeBus
from tests.support.gateway_rig import running

CASES = "25"
WITHIN_S = 60
ROOT = Path(__file__).resolve().parents[3]
HOOKS = "tests.support.schemathesis_hooks"
# 502, 503 and 504 tell of others: Asterisk refused, nothing was sent, nobody knows. 422 is for an
# Idempotency-Key that was used before, which no schema can say of a value.
CONFIG = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "4xx", "502", "503", "504"]
positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422", "5xx"]
"""
_MEMBER = QueueMember(
    agent="148",
    location="PJSIP/148",
    member_name="Viktor",
    status="paused",
    device_status="inuse",
    paused=True,
    paused_reason=None,
    penalty=0,
    calls_taken=3,
    last_call=None,
)
_QUEUE = QueueStatus(queue="q1", members=(_MEMBER,), calls=0, service_level_perf=91.7)
_CALL = Candidate(agent_channel="PJSIP/148-1", bridged_channel="PJSIP/trunk-2")
_DONE = Outcome(result="done", message="Done.", queues=(_QUEUE,))
_OUTCOMES = (
    Outcome(result="refused", code="permission", message="Permission denied"),
    Outcome(result="not_sent", code="offline", message="The PBX is not connected."),
    Outcome(result="unknown", code="no_answer", message="No answer."),
)


def outcomes_of(form: Form) -> Iterator[Outcome]:
    """All that a bridge may answer to an action, over and over."""
    found = [_DONE, *_OUTCOMES]
    if "candidates" in form.answers:
        found.append(replace(_DONE, candidates=(_CALL, _CALL)))
    found += [Outcome(result="refused", code=cast("Code", code), message="No.") for code in form.problems]
    return cycle(found)


class AnyOutcome(FakeBus):
    """Answers one outcome after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._next = {form.action: outcomes_of(form) for form in FORMS}

    async def ask(
        self, pbx: str, command: Command, *, command_id: str, caller: str, within_s: float
    ) -> Outcome:
        self.outcome = next(self._next[action_of(command)])
        return await super().ask(pbx, command, command_id=command_id, caller=caller, within_s=within_s)


async def test_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    async with running(bus=AnyOutcome(), poll_timeout_s=0.2) as rig:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "st"),
            "--config-file",
            str(tmp_path / "schemathesis.toml"),
            "run",
            f"{rig.url}schema",
            *("--generation-deterministic", "--max-examples", CASES),
            *("--checks", "all", "--exclude-path", "/stop", "--exclude-path", "/audit"),
            *("--no-color", "--continue-on-failure"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": HOOKS},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    print(said.decode())
    assert process.returncode == 0, said.decode()
    assert any(isinstance(asked.command, Redirect) for asked in rig.bus.asked)

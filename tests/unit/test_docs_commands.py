"""The documents of commands and audit tell the truth: actions, codes, properties, and samples that decode."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import get_args

import msgspec
import pytest

from services.command_routes import read_command
from shared import audit, commands
from shared.audit import AuditRecord
from shared.commands import ACTIONS, Code, Result
from tests.unit.gateway.test_async_api import check
from tests.unit.test_docs import DOCS, code_blocks

COMMANDS = (DOCS / "commands.md").read_text(encoding="utf-8")
SAMPLES = [line.split(" ", 1) for block in code_blocks("commands.md", "json") for line in block.splitlines()]
RECORDS = [line for block in code_blocks("audit.md", "json") for line in block.splitlines()]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_each_sample_of_a_command_or_an_outcome_is_one_with_all_its_properties(
    kind: str, sample: str
) -> None:
    if kind == "outcome":
        found = commands.decode_outcome(sample.encode())
        check("Outcome", json.loads(sample))
    else:
        found = read_command(kind, sample.encode())
        check(ACTIONS[kind].__name__, json.loads(sample))
    assert json.loads(commands.encode(found)) == json.loads(sample)


def test_every_action_and_every_result_has_a_sample() -> None:
    outcomes = [json.loads(sample)["result"] for kind, sample in SAMPLES if kind == "outcome"]

    assert {kind for kind, _ in SAMPLES} - {"outcome"} == set(ACTIONS)
    assert set(outcomes) | {"unknown"} == set(get_args(Result))


def test_every_action_is_described_with_exactly_its_properties() -> None:
    described = dict(re.findall(r"^\| `([a-z-]+)` \| ((?:optional )?`[^|]*) \|$", COMMANDS, re.MULTILINE))

    for action, kind in ACTIONS.items():
        assert set(re.findall(r"`([a-z_]+)`", described[action])) == {field.name for field in fields(kind)}


def test_every_code_and_every_header_is_described() -> None:
    for code in get_args(Code):
        assert not code or f"`{code}`" in COMMANDS, code
    for header in (commands.HEADER_ID, commands.HEADER_DEADLINE, commands.HEADER_CALLER):
        assert f"| `{header}` |" in COMMANDS


@pytest.mark.parametrize("sample", RECORDS)
def test_each_sample_of_a_record_is_one(sample: str) -> None:
    assert json.loads(audit.encode(audit.decode(sample.encode()))) == json.loads(sample)


def test_every_property_of_a_record_is_described() -> None:
    text = (DOCS / "audit.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(AuditRecord):
        assert field.name == "phase" or f"`{field.encode_name}`" in text, field.encode_name

"""The documents tell the truth: samples decode, every event and setting is described."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from shared import config, events, wire

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def code_blocks(file: str, language: str) -> list[str]:
    text = (DOCS / file).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def event_samples() -> list[str]:
    return [line for block in code_blocks("events.md", "json") for line in block.splitlines()]


@pytest.mark.parametrize("sample", event_samples())
def test_each_sample_is_an_event_with_exactly_its_properties(sample: str) -> None:
    event = wire.decode(sample)

    assert json.loads(wire.encode(event)) == json.loads(sample)


def test_every_event_has_a_heading_a_sample_and_its_kind_and_scope() -> None:
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    sampled = {json.loads(sample)["type"] for sample in event_samples()}

    assert sampled == set(events.CATALOGUE)
    for name, entry in events.CATALOGUE.items():
        section = re.search(
            rf"^### [^\n]*\b{name}\b[^\n]*\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL
        )
        assert section, name
        assert ("State" if entry.family == "state" else "Moment") in section[1].split(".")[0], name
        scope = {
            (True, True): "*agent and queue*",
            (True, False): "*queue*",
            (False, True): "*agent*",
            (False, False): "*none*",
        }[entry.by_queue, entry.by_agent]
        assert scope in section[1].split(".")[0], name


def test_every_setting_is_described_with_its_default_and_no_other_is() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", text, re.MULTILINE))

    assert set(described) == set(config.keys())
    defaults = {
        f"{name}.{field.name}": field
        for name, section in (
            ("nats", config.NatsSection),
            ("gateway", config.GatewaySection),
            ("pbx", config.PbxSection),
        )
        for field in msgspec.structs.fields(section)
    }
    for key, field in defaults.items():
        if isinstance(field.default, str | int | bool):
            assert described[key].strip("`") == json.dumps(field.default), key


@pytest.mark.parametrize("file", ["configuration.md", "growing.md"])
def test_the_sample_configuration_is_valid(file: str) -> None:
    (sample,) = code_blocks(file, "toml")

    assert config.parse(sample, lambda _: "secret").pbx[0].secret == "secret"


@pytest.mark.parametrize(
    "file", [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"], ids=lambda file: file.name
)
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), target

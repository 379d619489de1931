"""The figures for Prometheus: all of them, all documented, and read when asked for."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from services.gateway.core.position import Position
from services.gateway.counters import StreamCounters
from services.gateway.metrics import Figures, Metrics
from services.gateway.version import version

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| (gauge|counter) \|([^|]*)\|", re.MULTILINE)


class FakeRing:
    """A ring with something in it."""

    def __init__(self) -> None:
        self.messages = 0
        self.size = 0

    def __len__(self) -> int:
        return self.messages


class FakeStreams:
    """A hub that says what the test wants."""

    def __init__(self) -> None:
        self.counters = StreamCounters()
        self.ring = FakeRing()
        self.lagging = 0
        self.log_contact = True
        self.clients: dict[tuple[str, str], int] = {("websocket", "raw"): 2, ("long-poll", "asgi"): 1}
        self.at: Position | None = Position("g1", 42, "3")
        self.statuses = {"hq": "online", "branch": "auth_failed"}

    def clients_by(self) -> Mapping[tuple[str, str], int]:
        return self.clients

    def position(self) -> Position | None:
        return self.at

    def pbx_statuses(self) -> Mapping[str, str]:
        return self.statuses


def metrics(streams: FakeStreams, *reasons: str) -> Metrics:
    figures = Figures(streams, version="1.2.3", not_ready=lambda: list(reasons), actions_under_way=lambda: 4)
    return Metrics(figures)


def families(of: Metrics) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(of.text().decode())}


def samples(of: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Values by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(of).values()
        for sample in family.samples
    }


def exported(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


async def test_the_document_names_every_metric_with_its_type_and_labels_and_no_other() -> None:
    described = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    }

    found = {
        exported(family): (family.type, {label for sample in family.samples for label in sample.labels})
        for family in metrics(FakeStreams()).families()
    }

    assert found == described


async def test_every_counter_of_the_streams_is_exported() -> None:
    streams = FakeStreams()
    for number, field in enumerate(dataclasses.fields(StreamCounters), start=1):
        setattr(streams.counters, field.name, number * 1000)

    values = [value for (name, _), value in samples(metrics(streams)).items() if name.endswith("_total")]

    for number, field in enumerate(dataclasses.fields(StreamCounters), start=1):
        assert values.count(number * 1000) == 1, field.name


async def test_figures_are_those_of_the_moment_they_are_asked_for() -> None:
    streams = FakeStreams()
    of = metrics(streams)
    before = samples(of)

    streams.counters.deliveries += 5
    streams.clients[("websocket", "raw")] = 7
    streams.lagging = 1
    streams.ring.messages, streams.ring.size = 1, 5
    streams.at = Position("g2", 43)
    after = samples(of)

    raw = (("lane", "raw"), ("transport", "websocket"))
    assert before["pbxis_gateway_deliveries_total", ()] == 0
    assert after["pbxis_gateway_deliveries_total", ()] == 5
    assert (before["pbxis_gateway_clients", raw], after["pbxis_gateway_clients", raw]) == (2, 7)
    assert after["pbxis_gateway_clients_lagging", ()] == 1
    assert (after["pbxis_gateway_ring_messages", ()], after["pbxis_gateway_ring_bytes", ()]) == (1, 5)
    assert (before["pbxis_gateway_log_sequence", ()], after["pbxis_gateway_log_sequence", ()]) == (42, 43)
    assert before["pbxis_gateway_log_info", (("generation", "g1"),)] == 1
    assert ("pbxis_gateway_log_info", (("generation", "g1"),)) not in after
    assert after["pbxis_gateway_actions_under_way", ()] == 4
    assert after["pbxis_gateway_build_info", (("version", "1.2.3"),)] == 1


async def test_a_gateway_without_a_state_says_so() -> None:
    streams = FakeStreams()
    streams.at, streams.log_contact = None, False

    values = samples(metrics(streams, "no state yet"))

    assert values["pbxis_gateway_ready", ()] == 0
    assert values["pbxis_gateway_log_contact", ()] == 0
    assert values["pbxis_gateway_log_sequence", ()] == 0
    assert not any(name == "pbxis_gateway_log_info" for name, _ in values)


async def test_a_ready_gateway_says_so() -> None:
    values = samples(metrics(FakeStreams()))

    assert values["pbxis_gateway_ready", ()] == 1
    assert values["pbxis_gateway_log_contact", ()] == 1


@pytest.mark.parametrize("pbx", ["hq", "branch"])
async def test_each_pbx_has_one_status_of_all_that_there_are(pbx: str) -> None:
    streams = FakeStreams()

    found = {
        dict(labels)["status"]: value
        for (name, labels), value in samples(metrics(streams)).items()
        if name == "pbxis_gateway_pbx_status" and dict(labels)["pbx"] == pbx
    }

    assert found == {
        status: float(status == streams.statuses[pbx])
        for status in ("online", "syncing", "offline", "auth_failed")
    }


async def test_tasks_are_counted() -> None:
    of = metrics(FakeStreams())
    before = samples(of)["pbxis_gateway_tasks", ()]
    waiting = [asyncio.create_task(asyncio.Event().wait()) for _ in range(3)]

    assert samples(of)["pbxis_gateway_tasks", ()] == before + 3

    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_process_is_measured() -> None:
    values = samples(metrics(FakeStreams()))

    assert values["process_resident_memory_bytes", ()] > 0
    assert values["process_open_fds", ()] > 0


async def test_two_gateways_in_one_process_do_not_meet() -> None:
    one, other = FakeStreams(), FakeStreams()
    one.counters.writes = 1

    assert samples(metrics(one))["pbxis_gateway_writes_total", ()] == 1
    assert samples(metrics(other))["pbxis_gateway_writes_total", ()] == 0


def test_the_version_is_that_of_the_project() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", version())

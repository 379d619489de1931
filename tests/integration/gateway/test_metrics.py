"""`GET /metrics` of a gateway that serves: no key, and the truth about its clients."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway_fakes import count
from tests.support.gateway_rig import Rig, running
from tests.support.waiting import until

Labels = tuple[tuple[str, str], ...]


def read(answer: httpx.Response) -> dict[tuple[str, Labels], float]:
    assert answer.status_code == 200, answer.text
    return {
        (sample.name.removeprefix("pbxis_gateway_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def metrics(rig: Rig) -> dict[tuple[str, Labels], float]:
    return read(await rig.http.get("/metrics"))


def clients(values: dict[tuple[str, Labels], float], transport: str) -> float:
    """Of a transport, whatever the lane."""
    return sum(
        value
        for (name, labels), value in values.items()
        if name == "clients" and dict(labels)["transport"] == transport
    )


async def test_answer_is_prometheus_text_and_is_kept_by_nobody() -> None:
    async with running() as rig:
        answer = await rig.http.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("# HELP pbxis_gateway_")


async def test_no_key_is_asked_for_as_for_health() -> None:
    async with running(open=False) as rig:
        assert (await rig.http.get("/health/live")).status_code == 200
        assert (await rig.http.get("/metrics")).status_code == 200
        assert (await rig.http.post("/ticket")).status_code == 401


async def test_no_name_of_an_agent_or_queue_and_no_ticket_is_in_it() -> None:
    async with running() as rig:
        rig.log.write(count(3, queue="secretive"))
        ticket = await rig.ticket(agents=["mata-hari"], queues=["secretive"])
        async with rig.websocket(ticket) as stream:
            await stream.until("ready")
            text = (await rig.http.get("/metrics")).text

    assert "secretive" not in text
    assert "mata-hari" not in text
    assert ticket not in text


async def test_clients_and_what_they_got_are_counted() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with rig.websocket(ticket) as one, rig.websocket(ticket) as other, rig.sse(ticket) as third:
            for stream in (one, other, third):
                await stream.until("ready")
            before = await metrics(rig)
            rig.log.write(count(1))
            for stream in (one, other, third):
                await stream.until("queueCount")
            after = await metrics(rig)

            assert (clients(after, "websocket"), clients(after, "sse")) == (2, 1)
            assert after["deliveries_total", ()] - before["deliveries_total", ()] == 3
            assert after["events_in_total", ()] - before["events_in_total", ()] == 1
            assert after["log_sequence", ()] == rig.log.sequence
            assert after["log_info", (("generation", rig.log.generation),)] == 1

        await until(lambda: not rig.gateway.hub.clients)
        gone = await metrics(rig)
        assert (clients(gone, "websocket"), clients(gone, "sse")) == (0, 0)


async def test_a_client_that_resumes_is_counted_as_one() -> None:
    async with running() as rig:
        ticket = await rig.ticket(queues=["q1"])
        async with rig.websocket(ticket) as stream:
            position = (await stream.until("ready"))[-1]["id"]
        rig.log.write(count(1))
        async with rig.websocket(ticket, after=position) as stream:
            await stream.until("ready")
            resumed = await metrics(rig)
        async with rig.websocket(ticket, after="elsewhere-1") as stream:
            await stream.until("ready")
            reset = await metrics(rig)

    assert resumed["resumed_total", (("source", "ring"),)] == 1
    assert resumed["resets_total", ()] == 0
    assert reset["resets_total", ()] == 1
    assert reset["openings_total", ()] == 3


async def test_a_gateway_without_a_state_serves_its_figures_too() -> None:
    async with running(started=False) as rig:
        values = await metrics(rig)

    assert values["ready", ()] == 0
    assert values["log_contact", ()] == 0
    assert values["pbx_status", (("pbx", "hq"), ("status", "offline"))] == 1


async def test_the_status_of_a_pbx_is_that_which_clients_see() -> None:
    async with running() as rig:
        live = await metrics(rig)
        rig.gateway.hub.stale("fell silent")
        lost = await metrics(rig)

    assert live["pbx_status", (("pbx", "hq"), ("status", "online"))] == 1
    assert (live["ready", ()], live["log_contact", ()]) == (1, 1)
    assert lost["pbx_status", (("pbx", "hq"), ("status", "offline"))] == 1
    assert lost["pbx_status", (("pbx", "hq"), ("status", "online"))] == 0
    assert (lost["ready", ()], lost["log_contact", ()]) == (0, 0)

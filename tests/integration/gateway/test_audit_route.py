"""`GET /audit`: for admins, live, resumable, and over when the key is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.gateway.routes.audit import MAX_READERS
from shared.audit import AuditRecord
from tests.support.gateway_rig import Rig, Sse, running
from tests.support.keys import Keys, bearer
from tests.support.waiting import until


def ended(number: int) -> AuditRecord:
    return AuditRecord(
        id=f"pbxis-{number}", at=number, phase="ended", caller="crm\n", caller_id="k1", action="hangup"
    )


@asynccontextmanager
async def reading(rig: Rig, key: str | None = None, **options: Any) -> AsyncGenerator[Sse]:
    headers = {**options.pop("headers", {}), **(bearer(key) if key else {})}
    async with rig.http.stream("GET", "/audit", headers=headers, timeout=20, **options) as answer:
        yield Sse(answer)


async def test_records_come_as_events_with_their_sequence_first_the_newest_then_live() -> None:
    async with running() as rig:
        for number in range(1, 151):
            rig.audit.write(ended(number))
        async with reading(rig) as sse:
            assert sse.answer.headers["content-type"].startswith("text/event-stream")
            records = [await sse.next() for _ in range(100)]
            rig.audit.write(ended(151))
            records.append(await sse.next())

    assert [record and record["id"] for record in records] == [str(number) for number in range(51, 152)]
    assert records[-1] == {
        "type": "audit",
        "id": "151",
        "at": 151,
        "phase": "ended",
        "caller": "crm\n",
        "callerId": "k1",
        "action": "hangup",
    }


@pytest.mark.parametrize(
    "options", [{"params": {"after": "3"}}, {"headers": {"Last-Event-ID": "3"}}], ids=["after", "header"]
)
async def test_reader_goes_on_behind_the_last_record_it_had(options: dict[str, Any]) -> None:
    async with running() as rig:
        for number in range(1, 6):
            rig.audit.write(ended(number))
        async with reading(rig, **options) as sse:
            found = [await sse.next(), await sse.next()]

    assert [record and record["id"] for record in found] == ["4", "5"]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1.5", f"after={'9' * 30}", "afer=1"])
async def test_what_is_no_sequence_or_no_parameter_is_refused(query: str) -> None:
    async with running() as rig:
        answer = await rig.http.get(f"/audit?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


async def test_only_get_is_answered() -> None:
    async with running() as rig:
        for method in ("HEAD", "POST", "DELETE"):
            answer = await rig.http.request(method, "/audit")
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_audit_that_cannot_be_read_is_said_to_be() -> None:
    async with running() as rig:
        rig.audit.away = True
        answer = await rig.http.get("/audit")

    assert (answer.status_code, answer.json()["code"]) == (503, "bus_unavailable")


async def test_more_readers_than_the_limit_are_refused_until_one_goes() -> None:
    async with running() as rig:
        async with AsyncExitStack() as stack:
            for _ in range(MAX_READERS):
                await stack.enter_async_context(reading(rig))
            answer = await rig.http.get("/audit")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        await until(lambda: rig.audit.reading == 0)
        async with reading(rig) as sse:
            assert sse.answer.status_code == 200


async def test_stopping_gateway_ends_its_readers_in_order() -> None:
    async with running() as rig, reading(rig) as sse:
        rig.audit.write(ended(1))
        assert await sse.next() is not None
        rig.gateway.stop()

        assert await sse.next() is None


async def test_silence_is_filled_with_comments() -> None:
    async with running(ping_interval_s=0.1) as rig, reading(rig) as sse:
        async with asyncio.timeout(10):
            async for line in sse.answer.aiter_lines():
                if line == ": ping":
                    break


class TestKeys:
    """With API keys; a gateway that nobody may use without one."""

    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncGenerator[Rig]:
        self.keys = Keys(tmp_path)
        self.admin = self.keys.add("boss", "admin")
        self.crm = self.keys.add("crm", "call", "queue", "stream")
        async with running(open=False, keys_file=self.keys.file) as rig:
            yield rig

    async def test_it_needs_a_key_with_the_role_admin(self, rig: Rig) -> None:
        assert (await rig.http.get("/audit")).status_code == 401
        answer = await rig.http.get("/audit", headers=bearer(self.crm))
        assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")

        async with reading(rig, self.admin) as sse:
            rig.audit.write(ended(1))
            assert await sse.next() is not None

    async def test_revoked_key_reads_nothing_more(self, rig: Rig) -> None:
        async with reading(rig, self.admin) as sse:
            rig.audit.write(ended(1))
            assert await sse.next() is not None
            self.keys.revoke("boss")
            rig.gateway.ring.look()
            rig.audit.write(ended(2))

            assert await sse.next() is None
        await until(lambda: rig.audit.reading == 0)

    async def test_refused_request_is_written_down_with_who_asked(self, rig: Rig) -> None:
        answer = await rig.http.post("/stop", headers=bearer(self.crm))

        assert answer.status_code == 403
        (record,) = rig.audit.records
        assert (record.caller, record.action, record.code) == ("crm", "stop", "role_missing")

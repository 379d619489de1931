"""`GET /audit`: for admins, live, resumable, and over when the key is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from services.gateway.routes.audit import MAX_READERS
from shared.audit import AuditRecord
from tests.support.gateway_rig import Rig, Sse, running
from tests.support.keys import Keys, bearer
from tests.support.waiting import until


def ended(number: int) -> AuditRecord:
    return AuditRecord(
        id=f"pbxis-{number}", at=number, phase="ended", caller="crm\n", caller_id="k1", action="hangup"
    )


def about(number: int, pbx: str | None) -> AuditRecord:
    return structs.replace(ended(number), pbx=pbx)


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

    async def test_key_for_some_pbxs_reads_what_is_about_them_alone(self, tmp_path: Path) -> None:
        keys = Keys(tmp_path)
        limited = keys.add("hqboss", "admin", pbxs=["hq"])
        async with running(open=False, keys_file=keys.file, pbxs=("hq", "branch")) as rig:
            for number, pbx in enumerate(("branch", "hq", None, "branch", "hq"), 1):
                rig.audit.write(about(number, pbx))
            async with reading(rig, limited) as sse:
                shown = [await sse.next() for _ in range(2)]
                rig.audit.write(about(6, "branch"))
                rig.audit.write(about(7, None))
                rig.audit.write(about(8, "hq"))
                shown.append(await sse.next())

        assert [record and (record["id"], record["pbx"]) for record in shown] == [
            ("2", "hq"),
            ("5", "hq"),
            ("8", "hq"),
        ]

    async def test_key_that_is_narrowed_meanwhile_reads_no_more_of_the_others(self, tmp_path: Path) -> None:
        keys = Keys(tmp_path)
        key = keys.add("boss", "admin")
        settings: dict[str, Any] = {"open": False, "keys_file": keys.file, "pbxs": ("hq", "branch")}
        async with running(**settings) as rig, reading(rig, key) as sse:
            rig.audit.write(about(1, "branch"))
            assert (await sse.next() or {})["id"] == "1"
            keys.alter("boss", "admin", pbxs=["hq"])
            rig.gateway.ring.look()
            rig.audit.write(about(2, "branch"))
            rig.audit.write(about(3, "hq"))
            assert (await sse.next() or {})["id"] == "3"
            keys.alter("boss", "stream")
            rig.gateway.ring.look()
            assert await sse.next() is None

    async def test_reader_to_whom_nothing_is_shown_gets_comments(self, tmp_path: Path) -> None:
        keys = Keys(tmp_path)
        limited = keys.add("hqboss", "admin", pbxs=["hq"])
        settings: dict[str, Any] = {
            "open": False,
            "keys_file": keys.file,
            "pbxs": ("hq", "branch"),
            "ping_interval_s": 0.05,
        }

        async def write(rig: Rig) -> None:
            while True:  # so it never finds a second without a record
                rig.audit.write(about(1, "branch"))
                await asyncio.sleep(0.01)

        async with running(**settings) as rig, reading(rig, limited) as sse, asyncio.timeout(10):
            writing = asyncio.create_task(write(rig))
            async for line in sse.answer.aiter_lines():
                if line == ": ping":
                    break
            writing.cancel()

    async def test_only_a_key_for_all_pbxs_stops_the_gateway(self, tmp_path: Path) -> None:
        keys = Keys(tmp_path)
        limited, admin = keys.add("hqboss", "admin", pbxs=["hq"]), keys.add("boss", "admin")
        async with running(open=False, keys_file=keys.file) as rig:
            answer = await rig.http.post("/stop", headers=bearer(limited))
            assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")
            assert "'admin for all PBXs'" in answer.json()["detail"]
            assert not rig.gateway.stop_asked.is_set()
            assert (rig.audit.records[0].caller, rig.audit.records[0].result) == ("hqboss", "refused")

            assert (await rig.http.post("/stop", headers=bearer(admin))).status_code == 200
            await until(rig.gateway.stop_asked.is_set)

    async def test_refused_request_is_written_down_with_who_asked(self, rig: Rig) -> None:
        answer = await rig.http.post("/stop", headers=bearer(self.crm))

        assert answer.status_code == 403
        (record,) = rig.audit.records
        assert (record.caller, record.action, record.code) == ("crm", "stop", "role_missing")

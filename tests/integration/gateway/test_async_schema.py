"""`GET /schema/events`: the AsyncAPI document over HTTP, without a slower start."""

from __future__ import annotations

import subprocess
import sys

from tests.support.gateway_rig import running


async def test_document_is_served_at_both_of_its_addresses() -> None:
    async with running() as rig:
        answer = await rig.http.get("/schema/events")
        again = await rig.http.get("/schema/asyncapi.json")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["asyncapi"] == "3.0.0"
    assert again.content == answer.content


def test_a_gateway_starts_without_faststream() -> None:
    program = "import sys, services.gateway.__main__; print([m for m in sys.modules if 'faststream' in m])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"

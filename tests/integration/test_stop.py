"""`POST /stop`, from the request to the end of the processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.support.site import running_site

WITHIN_S = 10


async def test_stop_ends_the_whole_site_with_exit_code_0(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        async with httpx.AsyncClient(base_url=site.url, trust_env=False) as http:
            answer = await http.post("/stop")
        code = await asyncio.wait_for(site.process.wait(), WITHIN_S)

    assert answer.json() == "The gateway stops."
    assert code == 0
    assert "Traceback" not in site.log
    assert '"action":"stop"' in site.log

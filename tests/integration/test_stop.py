"""`POST /stop`, from the request to the end of the processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.scripted_ami import scripted_ami
from tests.support.scripted_pbx import play
from tests.support.site import running_site
from tests.support.waiting import until

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


@pytest.mark.parametrize("how", ["signal", "request"])
async def test_action_that_gets_no_answer_has_an_end_before_the_whole_site_has(
    tmp_path: Path, how: str
) -> None:
    async with scripted_ami() as ami:
        play(ami, queues=("support",), agents=["148"], members={"support": ["148"]}, talking=["148"])
        pbx = f'[[pbx]]\nname = "hq"\nhost = "127.0.0.1"\nport = {ami.port}\nusername = "bridge"\n'
        config = f'{pbx}secret = "scripted"\n[gateway]\nport = 0\nopen = true\n'
        async with (
            running_site(tmp_path, config) as site,
            httpx.AsyncClient(base_url=site.url, trust_env=False, timeout=WITHIN_S) as http,
        ):
            async with asyncio.timeout(WITHIN_S):
                while (await http.get("/queue/status")).status_code != 200:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.02)
            ami.silent_to.add("queuepause")
            asking = asyncio.create_task(http.post("/queue/pause?agent=148&paused=true"))
            await until(lambda: ami.count("queuepause"))
            if how == "signal":
                site.process.terminate()
            else:
                await http.post("/stop")
            code = await asyncio.wait_for(site.process.wait(), 5)
            answer = await asking

            assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")
            assert code == 0
            assert "Traceback" not in site.log
            assert '"result":"unknown"' in site.log

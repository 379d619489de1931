"""The commands as people run them: `pbxis up`, `check`, `tail`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.e2e.conftest import configuration
from tests.support.asterisk_rig import AsteriskRig
from tests.support.site import ROOT, running_site
from tests.support.streams import StreamClient, make_ticket
from tests.support.waiting import until

_WITHIN_S = 30.0


async def pbxis(*arguments: str) -> tuple[int, str]:
    """Run the command to its end; exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *arguments,
        cwd=ROOT,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), _WITHIN_S)
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize(
    ("username", "code", "said"),
    [
        ("bridge", 0, "logged in, 22."),
        ("minimal", 0, "Status: 0 items"),
        ("readonly", 0, "Originate is not allowed: add `write = originate`"),
        ("agentonly", 0, "add one of `write = call or reporting`"),
        ("nobody", 1, "check username, secret, and permit/deny in manager.conf"),
    ],
)
async def test_check_says_what_is_missing_and_what_to_change(
    pbx: AsteriskRig, tmp_path: Path, username: str, code: int, said: str
) -> None:
    file = tmp_path / "pbxis.toml"
    file.write_text(configuration(pbx, username=username))

    ended, text = await pbxis("check", "--config", str(file))

    assert (ended, said in text) == (code, True), text


async def test_check_of_a_pbx_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "pbxis.toml"
    file.write_text('[[pbx]]\nname = "hq"\nhost = "127.0.0.1"\nport = 9\nusername = "u"\nsecret = "s"\n')

    code, text = await pbxis("check", "--config", str(file))

    assert code == 1
    assert "check host and port" in text


async def test_without_a_pbx_up_shows_a_busy_call_centre_and_stops_cleanly(tmp_path: Path) -> None:
    async with running_site(tmp_path, "[gateway]\nport = 0\n") as site:
        ticket = await make_ticket(site.url, agents=["*"], queues=["*"])
        async with StreamClient(site.url, ticket, "websocket") as client:
            await client.until_event(type="pbxStatus", pbx="demo", status="online")
            await client.until(
                lambda: len({event.get("queue") for event in client.events} - {None}) >= 5, "queues"
            )
            await client.until(
                lambda: len({event.get("agent") for event in client.events} - {None}) >= 40, "agents"
            )
            await client.until(lambda: len(client.live) > 10, "something happens")

        assert await site.stop() == 0


async def test_tail_prints_one_event_a_line(tmp_path: Path) -> None:
    async with running_site(tmp_path, "[gateway]\nport = 0\n") as site:
        tail = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", "tail", "--plain", "--url", site.url, cwd=ROOT, stdout=PIPE
        )
        assert tail.stdout is not None
        types: set[str] = set()
        async with asyncio.timeout(_WITHIN_S):
            while not {"pbxStatus", "queueCount", "ready"} <= types:
                types.add(json.loads(await tail.stdout.readline())["type"])
        tail.terminate()
        await tail.wait()


async def test_no_process_is_left_when_up_is_killed(tmp_path: Path) -> None:
    async with running_site(tmp_path, "[gateway]\nport = 0\n") as site:
        children = site.children("")
        assert len(children) == 4  # nats-server, demo PBX, bridge, gateway

        os.kill(site.process.pid, signal.SIGKILL)
        await site.process.wait()

        await until(lambda: not any(_runs(pid) for pid in children), what="all children ended")


async def test_a_bridge_that_is_killed_is_said_to_be_offline_and_comes_back(tmp_path: Path) -> None:
    async with running_site(tmp_path, "[gateway]\nport = 0\n") as site:
        ticket = await make_ticket(site.url, agents=["101"], queues=["support"])
        async with StreamClient(site.url, ticket, "websocket") as client:
            await client.until_event(type="pbxStatus", status="online")
            (bridge,) = site.children("services.ami_bridge")

            os.kill(bridge, signal.SIGSTOP)
            await client.until_event(type="pbxStatus", status="offline")
            os.kill(bridge, signal.SIGKILL)

            await client.until(
                lambda: (client.state("pbxStatus") or {}).get("status") == "online", "online again"
            )


def _runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False

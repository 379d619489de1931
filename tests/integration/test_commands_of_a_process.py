"""Commands to a bridge that is a process of its own, which is stopped and killed in the middle of them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from shared.commands import Originate, PauseMember
from tests.support.command_rig import Asker, as_asterisk, takes_commands
from tests.support.nats import NatsServer, connected
from tests.support.scripted_ami import ScriptedAmi, response, scripted_ami
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PAUSE = PauseMember(agent="148", paused=True, queue="sales")


@contextlib.asynccontextmanager
async def bridge_process(server: NatsServer, ami: ScriptedAmi, folder: Path) -> AsyncGenerator[Process]:
    config = folder / "pbxis.toml"
    config.write_text(
        f"""
        [nats]
        url = "{server.url}"
        username = "bridge"
        password = "bridge"
        [[pbx]]
        name = "hq"
        host = "127.0.0.1"
        port = {ami.port}
        username = "bridge"
        secret = "scripted"
        originate_context = "from-internal"
        """
    )
    command = [sys.executable, "-m", "services.ami_bridge", "--config", str(config), "--pbx", "hq"]
    with (folder / "bridge.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=errors)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Site:
    def __init__(self, client: Client, ami: ScriptedAmi, process: Process, log: Path) -> None:
        self.asker = Asker(client)
        self.ami = ami
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def held(self) -> asyncio.Task[object]:
        """A command that was written to Asterisk and is not answered yet."""
        self.ami.silent_to.add("queuepause")
        asking: asyncio.Task[object] = asyncio.create_task(self.asker.ask(PAUSE))
        await until(lambda: self.ami.count("queuepause"), what="it is written")
        return asking


@pytest.fixture
async def site(nats_server: NatsServer, tmp_path: Path) -> AsyncGenerator[Site]:
    async with scripted_ami() as ami, connected(nats_server, "gateway") as asking:
        as_asterisk(ami)
        async with bridge_process(nats_server, ami, tmp_path) as process:
            running = Site(asking.client, ami, process, tmp_path / "bridge.log")
            await takes_commands(running.asker, within_s=30)
            yield running


async def test_a_command_goes_by_the_configuration_of_its_pbx(site: Site) -> None:
    action_id = f"pbxis-{0:032x}"

    outcome = await site.asker.ask(Originate(action_id=action_id, agent="148", destination="0991"))

    assert outcome.result == "done"
    [action] = [each for each in site.ami.actions if each.name == "originate"]
    assert (action.get("ActionID"), action.get("Context")) == (action_id, "from-internal")


async def test_sigterm_lets_a_command_end_and_then_nobody_is_there(site: Site) -> None:
    asking = await site.held()

    site.process.send_signal(signal.SIGTERM)
    await site.asker.until_nobody_takes()
    site.ami.say(response(site.ami.actions[-1]))

    assert getattr(await asking, "result", None) == "done"
    assert await asyncio.wait_for(site.process.wait(), 10) == 0
    assert "Traceback" not in site.log
    assert "Task-" not in site.log


async def test_sigterm_while_asterisk_hangs_ends_in_time_with_an_answer(site: Site) -> None:
    asking = await site.held()
    site.ami.frozen = True

    site.process.send_signal(signal.SIGTERM)

    # `pbxis up` kills what has not ended after 3.5 s.
    assert await asyncio.wait_for(site.process.wait(), 3.5) == 0
    assert getattr(await asking, "result", None) == "unknown"
    assert "Traceback" not in site.log


async def test_a_killed_bridge_leaves_nobody_there_at_once(site: Site) -> None:
    asking = await site.held()

    site.process.kill()
    await site.process.wait()

    with pytest.raises(NoRespondersError):
        await site.asker.ask(PAUSE, within_s=1)
    assert site.ami.count("queuepause") == 1
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError, Error):
        await asking

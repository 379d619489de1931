"""Commands from NATS to AMI and back: an outcome that can be trusted, whatever goes wrong."""

from __future__ import annotations

import asyncio
import time

import pytest
from nats.errors import NoRespondersError

from services.jetstream.log import ensure_log
from shared import commands
from shared.commands import (
    HEADER_CALLER,
    HEADER_DEADLINE,
    HEADER_ID,
    AddMember,
    Hangup,
    PauseMember,
    ReadQueues,
    ResetQueue,
)
from tests.support.command_rig import Asker, acting, command_rig, takes_commands
from tests.support.nats import NatsServer, connected
from tests.support.scripted_ami import Action, response, scripted_ami
from tests.support.waiting import until

PAUSE = PauseMember(agent="148", paused=True, queue="sales")


def headers(**changed: str | None) -> dict[str, str]:
    """Good ones, but for those that are changed (`None`: left out)."""
    good: dict[str, str | None] = {
        HEADER_ID: "pbxis-1",
        HEADER_DEADLINE: str(time.time_ns() // 1_000_000 + 5000),
        HEADER_CALLER: "the test",
    }
    named = {"id": HEADER_ID, "deadline": HEADER_DEADLINE, "caller": HEADER_CALLER}
    good.update({named[name]: value for name, value in changed.items()})
    return {name: value for name, value in good.items() if value is not None}


async def test_a_command_is_done_by_asterisk(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        ami.answers["queuepause"] = lambda action: response(action, Message="Interface paused successfully")

        outcome = await asker.ask(PAUSE)

        assert (outcome.result, outcome.message) == ("done", "Interface paused successfully")
        [action] = [each for each in ami.actions if each.name == "queuepause"]
        assert (action.get("Queue"), action.get("Interface"), action.get("Paused")) == (
            "sales",
            "PJSIP/148",
            "true",
        )


async def test_a_query_is_answered_from_what_the_bridge_knows(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        asked = len(ami.actions)

        outcome = await asker.ask(ReadQueues(queue="sales"))

        assert [(each.queue, [member.agent for member in each.members]) for each in outcome.queues] == [
            ("sales", ["148"])
        ]
        assert len(ami.actions) == asked


async def test_what_asterisk_refuses_is_refused_in_its_words(nats_server: NatsServer) -> None:
    def refuse(action: Action) -> bytes:
        return response(action, "Error", Message="Unable to add interface: Already there")

    async with command_rig(nats_server) as (asker, ami, _):
        ami.answers["queueadd"] = refuse

        outcome = await asker.ask(AddMember(queue="sales", agent="149"))

        assert (outcome.result, outcome.code) == ("refused", "already_member")
        assert "Already there" in outcome.message


async def test_when_asterisk_is_silent_the_outcome_is_unknown_by_the_deadline(
    nats_server: NatsServer,
) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        ami.silent_to.add("queuepause")

        outcome = await asker.ask(PAUSE, left_ms=800, within_s=0.8)

        assert (outcome.result, outcome.code) == ("unknown", "no_answer")


async def test_a_link_cut_between_write_and_answer_makes_the_outcome_unknown_and_nothing_is_sent_again(
    nats_server: NatsServer,
) -> None:
    async with command_rig(nats_server) as (asker, ami, rig):
        ami.silent_to.add("queuepause")
        asking = asyncio.create_task(asker.ask(PAUSE))
        await until(lambda: ami.count("queuepause"), what="it is written")

        ami.hang_up()

        assert (await asking).result == "unknown"
        await until(lambda: ami.connections == 2 and rig.bridge.session, what="in step again")
        assert (await asker.ask(ResetQueue())).result == "done"
        assert ami.count("queuepause") == 1


async def test_without_asterisk_nothing_is_sent_and_the_reason_is_told(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, rig):
        await ami.stop()
        await until(lambda: rig.bridge.session is None, what="the link is down")

        outcome = await asker.ask(PAUSE)

        assert (outcome.result, outcome.code) == ("not_sent", "offline")
        assert "offline" in outcome.message


async def test_a_late_command_is_not_sent(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        outcome = await asker.ask(PAUSE, left_ms=-1)

        assert (outcome.result, outcome.code) == ("not_sent", "late")
        assert ami.count("queuepause") == 0


async def test_a_command_that_comes_again_is_carried_out_once(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        ami.silent_to.add("queuepause")
        both = asyncio.gather(*(asker.ask(PAUSE, command_id="pbxis-same", left_ms=900) for _ in range(2)))

        first, second = await both
        again = await asker.ask(PAUSE, command_id="pbxis-same", left_ms=-1000)

        assert first == second == again
        assert first.result == "unknown"
        assert ami.count("queuepause") == 1


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"paused": true}', "agent"),
        (b'{"agent": 148, "paused": true}', "$.agent"),
        (b'{"agent": "148", "paused": "yes"}', "$.paused"),
        (b'{"agent": "148", "paused": true, "colour": "red"}', "colour"),
        (b"[]", "object"),
        (b"pause him", "JSON"),
        (b"", "truncated"),
        (b"\xff", "JSON"),
    ],
)
async def test_a_payload_that_is_no_such_command_is_refused_at_once(
    nats_server: NatsServer, payload: bytes, said: str
) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        outcome = commands.decode_outcome((await asker.send("queue-pause", payload, headers())).data)

        assert (outcome.result, outcome.code) == ("refused", "invalid")
        assert said in outcome.message
        assert ami.count("queuepause") == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (None, HEADER_ID),
        (headers(id=None), HEADER_ID),
        (headers(id="a b"), HEADER_ID),
        (headers(deadline=None), HEADER_DEADLINE),
        (headers(deadline="tomorrow"), HEADER_DEADLINE),
        (headers(caller=None), HEADER_CALLER),
    ],
)
async def test_malformed_headers_are_refused_at_once(
    nats_server: NatsServer, wrong: dict[str, str] | None, said: str
) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        answer = await asker.send("queue-pause", commands.encode(PAUSE), wrong)

        outcome = commands.decode_outcome(answer.data)
        assert (outcome.result, outcome.code) == ("refused", "invalid")
        assert said in outcome.message
        assert ami.count("queuepause") == 0


async def test_a_deadline_by_a_wrong_clock_is_not_sent(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        far = headers(deadline="9999999999999")
        answer = await asker.send("queue-pause", commands.encode(PAUSE), far)

        outcome = commands.decode_outcome(answer.data)
        assert (outcome.result, outcome.code) == ("not_sent", "clock")
        assert ami.count("queuepause") == 0


async def test_many_commands_at_a_silent_asterisk_are_all_answered_by_their_deadline(
    nats_server: NatsServer,
) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        ami.silent_to.add("queuepause")

        outcomes = await asyncio.gather(
            *(asker.ask(PAUSE, left_ms=1500, within_s=1.5) for _ in range(50)),
            asker.ask(ResetQueue()),
        )

        assert [outcome.result for outcome in outcomes] == ["unknown"] * 50 + ["done"]
        assert ami.count("queuepause") == 50


async def test_a_bridge_that_stops_answers_what_is_under_way_and_then_nobody_is_there(
    nats_server: NatsServer,
) -> None:
    async with command_rig(nats_server) as (asker, ami, rig):
        ami.silent_to.add("queuepause")
        asking = asyncio.create_task(asker.ask(PAUSE, left_ms=60_000, within_s=10))
        await until(lambda: ami.count("queuepause"), what="it is written")

        stopping = asyncio.create_task(rig.stop_taking())

        await asker.until_nobody_takes()
        assert not asking.done()
        assert (await asking).result == "unknown"
        await stopping


async def test_a_bridge_that_stops_lets_what_is_under_way_end_by_itself(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, rig):
        ami.silent_to.add("queuepause")
        asking = asyncio.create_task(asker.ask(PAUSE))
        await until(lambda: ami.count("queuepause"), what="it is written")
        stopping = asyncio.create_task(rig.stop_taking())
        await asker.until_nobody_takes()

        ami.say(response(ami.actions[-1], Message="Interface paused successfully"))

        assert (await asking).result == "done"
        await stopping


async def test_without_a_bridge_nobody_is_there_at_once(nats_server: NatsServer) -> None:
    async with connected(nats_server, "gateway") as connection:
        with pytest.raises(NoRespondersError):
            await Asker(connection.client).ask(Hangup(agent_or_channel="148"), within_s=1)


async def test_after_nats_was_killed_and_started_commands_work_again(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        nats_server.kill()
        nats_server.start()

        await takes_commands(asker)
        assert (await asker.ask(PAUSE)).result == "done"
        assert ami.count("queuepause") == 1


async def test_after_nats_hung_commands_work_again(nats_server: NatsServer) -> None:
    async with command_rig(nats_server) as (asker, ami, _):
        nats_server.freeze()
        try:
            await until(lambda: not asker.client.is_connected, within_s=15, what="NATS is given up")
        finally:
            nats_server.thaw()

        await takes_commands(asker)
        assert (await asker.ask(PAUSE)).result == "done"
        assert ami.count("queuepause") == 1


async def test_a_bridge_that_begins_to_act_waits_for_nats_as_long_as_it_takes(
    nats_server: NatsServer,
) -> None:
    async with connected(nats_server) as own:
        await ensure_log(own, nats_server.section())
    nats_server.kill()
    async with scripted_ami() as ami, acting(nats_server.section(), ami) as rig:
        assert not rig.taking.done()

        nats_server.start()

        async with connected(nats_server, "gateway") as asking:
            asker = Asker(asking.client)
            await takes_commands(asker)
            assert (await asker.ask(PAUSE)).result == "done"

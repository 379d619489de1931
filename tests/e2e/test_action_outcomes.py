"""What became of an action is told truly, and nothing is done twice, whoever dies in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from tests.e2e.action_scene import (
    AGENT,
    ANYWHERE,
    BUS_AWAY,
    NOT_SENT,
    UNKNOWN,
    Scene,
    acting,
    originate,
    outcome,
)
from tests.support.asterisk_rig import AsteriskRig
from tests.support.streams import StreamClient, make_ticket

TIMEOUT_S = 2
AT_ONCE_S = 1.0
IN_TIME_S = TIMEOUT_S + 10.0
GIVEN_UP_S = TIMEOUT_S + 10.0
"""A key without a known end is waited for so long, and not longer."""


@pytest.fixture
async def scene(pbx: AsteriskRig, tmp_path: Path) -> AsyncGenerator[Scene]:
    """148's phone rings and is not answered."""
    async with acting(pbx, tmp_path, timeout_s=TIMEOUT_S) as running:
        yield running


@pytest.mark.parametrize("key", [None, "order-1"], ids=["without a key", "with a key"])
async def test_a_bridge_killed_before_it_hears_the_answer(scene: Scene, key: str | None) -> None:
    scene.proxy.hold("Originate")
    first = asyncio.create_task(originate(scene.one, "100", key))
    await scene.phone.incoming()
    same = [asyncio.create_task(originate(scene.other, "100", key))] if key else []

    await scene.floor.bridges["hq"].kill()
    async with asyncio.timeout(GIVEN_UP_S):
        replies = [await request for request in (first, *same)]
    scene.proxy.release()
    await scene.floor.start_bridge()
    await scene.floor.until_acting()
    if key is not None:
        replies += [await originate(gateway, "100", key) for gateway in scene.floor.gateways]
        other = await scene.one.post(f"/originate/{AGENT}/{ANYWHERE}", key=key, callerId="101")
        assert outcome(other) == (422, "idempotency_key_reused")
    await scene.settled()

    assert [outcome(reply) for reply in replies] == [UNKNOWN] * len(replies)
    assert len({reply.command_id for reply in replies}) == 1
    assert scene.rung == scene.ordered == ["100", "999"]


async def test_a_bridge_killed_before_asterisk_hears_anything(scene: Scene) -> None:
    bridge = scene.floor.bridges["hq"]
    bridge.freeze()
    first = asyncio.create_task(originate(scene.one, "100", "order-1"))
    async with asyncio.timeout(GIVEN_UP_S):
        reply = await first
    await bridge.kill()
    await scene.floor.start_bridge()
    await scene.floor.until_acting()
    again = await originate(scene.other, "100", "order-1")
    await scene.settled()

    assert outcome(reply) == outcome(again) == UNKNOWN
    assert scene.rung == scene.ordered == ["999"]


async def test_a_bridge_that_wakes_too_late_does_nothing(scene: Scene) -> None:
    bridge = scene.floor.bridges["hq"]
    bridge.freeze()
    async with asyncio.timeout(IN_TIME_S):
        replies = await asyncio.gather(
            originate(scene.one, "100"), originate(scene.other, "101"), originate(scene.one, "102", "order-1")
        )
    bridge.thaw()
    again = await originate(scene.other, "102", "order-1")
    await scene.settled()

    assert [outcome(reply) for reply in (*replies, again)] == [UNKNOWN] * 4
    assert scene.rung == scene.ordered == ["999"]


async def test_a_hung_asterisk(scene: Scene) -> None:
    ticket = await make_ticket(scene.one.url, agents=[AGENT], queues=[])
    async with StreamClient(scene.one.url, ticket, "websocket") as client:
        await scene.pbx.stop_signal()
        async with asyncio.timeout(IN_TIME_S):
            *written, looked_up = await asyncio.gather(
                originate(scene.one, "100", "order-1"),
                originate(scene.other, "101"),
                scene.one.post("/redirect-to/501", **{"agent-or-channel": "PJSIP/148-00000001"}),
            )
        same = [await originate(gateway, "100", "order-1") for gateway in scene.floor.gateways]
        await client.until_event(type="pbxStatus", status="offline")
        async with asyncio.timeout(AT_ONCE_S):
            offline = await asyncio.gather(
                originate(scene.one, "102"), originate(scene.other, "103", "order-2")
            )

        await scene.pbx.cont()
        await scene.pbx.booted()
        same += [await originate(gateway, "100", "order-1") for gateway in scene.floor.gateways]
        await scene.settled()
    # What the bridge wrote before it gave the link up is read now, by Asterisk's thread of that link.
    await scene.until_links(1)
    await scene.settled("998")

    # It was written, so it may be done now; but no second time.
    assert {outcome(reply) for reply in (*written, *same)} == {UNKNOWN}
    assert {reply.command_id for reply in (written[0], *same)} == {written[0].command_id}
    # Asking for the extension came first: that had no answer, so nothing that acts was written.
    assert outcome(looked_up) == NOT_SENT
    assert not scene.proxy.sent("Redirect", "BlindTransfer")
    assert [outcome(reply) for reply in offline] == [NOT_SENT] * 2
    assert sorted(scene.ordered) == ["100", "101", "998", "999"]
    assert {*scene.rung} <= {*scene.ordered}
    assert len(scene.rung) == len({*scene.rung})


async def test_nats_killed(scene: Scene) -> None:
    await asyncio.to_thread(scene.floor.nats.kill)
    async with asyncio.timeout(AT_ONCE_S):
        away = await asyncio.gather(
            *(originate(gateway, "100") for gateway in scene.floor.gateways),
            *(originate(gateway, "101", "order-1") for gateway in scene.floor.gateways),
        )
    await asyncio.to_thread(scene.floor.nats.start)
    await scene.settled()
    assert {outcome(reply) for reply in away} <= {NOT_SENT, BUS_AWAY}
    assert scene.rung == scene.ordered == ["999"]

    acted = [await originate(gateway, "101", "order-1") for gateway in scene.floor.gateways]
    await scene.settled("998")
    assert [reply.status for reply in acted] == [200, 200]
    assert acted[0].body == acted[1].body
    assert scene.rung == scene.ordered == ["999", "101", "998"]


async def test_nats_frozen(scene: Scene) -> None:
    scene.floor.nats.freeze()
    async with asyncio.timeout(IN_TIME_S):
        replies = await asyncio.gather(
            originate(scene.one, "100"),
            originate(scene.other, "101"),
            originate(scene.one, "102", "order-1"),
            originate(scene.other, "102", "order-1"),
        )
    scene.floor.nats.thaw()
    await scene.floor.until_acting()
    again = await originate(scene.other, "102", "order-1")
    await scene.settled()

    assert {outcome(reply) for reply in replies} <= {UNKNOWN, NOT_SENT, BUS_AWAY}
    assert len(scene.rung) == len({*scene.rung})
    assert {*scene.ordered} == {*scene.rung}
    for number, reply in zip(("100", "101"), replies, strict=False):
        assert reply.status == 504 or number not in scene.rung
    if all(reply.status == 503 for reply in replies[2:]):
        assert again.status == 200
    assert (again.status == 200) <= ("102" in scene.rung)


async def test_no_bridge(scene: Scene) -> None:
    await scene.floor.bridges["hq"].kill()
    async with asyncio.timeout(AT_ONCE_S):
        alone = await asyncio.gather(
            originate(scene.one, "100"),
            *(originate(gateway, "101", "order-1") for gateway in scene.floor.gateways),
        )
    await scene.floor.start_bridge()
    await scene.floor.until_acting()
    acted = await originate(scene.other, "101", "order-1")
    await scene.settled()

    assert [outcome(reply) for reply in alone] == [NOT_SENT] * 3
    assert acted.status == 200
    assert scene.rung == scene.ordered == ["101", "999"]


async def test_a_pbx_that_is_offline(scene: Scene) -> None:
    ticket = await make_ticket(scene.one.url, agents=[AGENT], queues=[])
    await scene.pbx.saved(scene.phone.contact)
    async with StreamClient(scene.one.url, ticket, "websocket") as client:
        await scene.pbx.kill()
        await client.until_event(type="pbxStatus", status="offline")
        async with asyncio.timeout(AT_ONCE_S):
            offline = await asyncio.gather(
                originate(scene.one, "100"), originate(scene.other, "101", "order-1")
            )
    await scene.pbx.start()
    await scene.settled()

    assert [outcome(reply) for reply in offline] == [NOT_SENT] * 2
    assert scene.rung == scene.ordered == ["999"]


async def test_a_gateway_killed_before_it_writes_down_the_end(scene: Scene) -> None:
    scene.proxy.hold("Originate")
    first = asyncio.create_task(originate(scene.one, "100", "order-1"))
    await scene.phone.incoming()
    await scene.one.kill()
    with pytest.raises(httpx.RemoteProtocolError):
        await first

    async with asyncio.timeout(GIVEN_UP_S):
        replies = await asyncio.gather(*(originate(scene.other, "100", "order-1") for _ in range(2)))
    scene.proxy.release()
    third = await scene.floor.start_gateway()
    replies += [await originate(gateway, "100", "order-1") for gateway in (scene.other, third)]
    await scene.settled()

    assert [outcome(reply) for reply in replies] == [UNKNOWN] * 4
    assert len({reply.command_id for reply in replies}) == 1
    assert scene.rung == scene.ordered == ["100", "999"]

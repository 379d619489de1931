"""Actions of all kinds on whatever there is, while the centre works: nothing breaks, nothing stays behind."""

import random

import pytest

from services.demo_pbx.core.actions import HANDLERS, Reply, Request
from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.simulation import busy_centre

EXTENS = ("102", "139", "140", "600", "604", "700", "705", "01632960111", "01632960117", "999", "s")


def some_action(pbx: Pbx, rng: random.Random) -> list[tuple[str, str]]:
    channel, extra = (rng.choice([*pbx.switch.channels, "PJSIP/none"]) for _ in range(2))
    exten, phone = rng.choice(EXTENS), f"PJSIP/{rng.randrange(101, 142)}"
    queue = rng.choice([*pbx.switch.queues, ""])
    there = [("Context", "default"), ("Exten", exten), ("Priority", "1")]
    return rng.choice(
        [
            [("Action", "Redirect"), ("Channel", channel), *there],
            [("Action", "Redirect"), ("Channel", channel), ("ExtraChannel", extra), *there],
            [("Action", "BlindTransfer"), ("Channel", channel), *there],
            [("Action", "Park"), ("Channel", channel), ("TimeoutChannel", extra), ("Timeout", "3000")],
            [("Action", "Park"), ("Channel", channel), ("ParkingSpace", "710")],
            [("Action", "Hangup"), ("Channel", channel)],
            [("Action", "Originate"), ("Channel", phone), ("Async", "true"), ("Timeout", "5000"), *there],
            [("Action", "QueueAdd"), ("Queue", queue), ("Interface", phone)],
            [("Action", "QueueRemove"), ("Queue", queue), ("Interface", phone)],
            [("Action", "QueuePause"), ("Queue", queue), ("Interface", phone), ("Paused", "yes")],
            [("Action", "QueuePause"), ("Interface", phone), ("Paused", "no")],
            [("Action", "QueueStatus")],
            [("Action", "Status")],
        ]
    )


def check_state(pbx: Pbx) -> None:
    switch = pbx.switch
    assert sum(len(device.channels) for device in switch.devices.values()) == len(switch.channels)
    for channel in switch.channels.values():
        assert channel.task is not None, f"{channel.name} is in nothing"
        assert channel.bridge is None or channel in channel.bridge.channels
    for bridge in switch.bridges.values():
        assert bridge.holding or 1 <= len(bridge.channels) <= 2
    for device in switch.devices.values():
        assert device.state is device.current_state(), device.name
    for queue in switch.queues.values():
        for member in queue.members.values():
            device = switch.devices.get(member.interface)
            assert device is None or member.status is device.state
        assert all(not call.caller.gone for call in queue.waiting)
    assert all(not stay.channel.gone for stay in pbx.lot.stays.values())


@pytest.mark.parametrize("seed", range(8))
def test_nothing_breaks(seed: int) -> None:
    pbx, rng = busy_centre(1_800_000_000.0, seed), random.Random(seed)
    before = set(pbx.switch.channels)
    connected = {channel.uniqueid: len(channel.outstanding) for channel in pbx.switch.channels.values()}
    events: list[AmiEvent] = []
    pbx.switch.sinks.append(events.append)
    for _ in range(600):
        pbx.schedule.run_until(pbx.schedule.now + rng.expovariate(0.5))
        request = Request(some_action(pbx, rng))
        HANDLERS[request.action.lower()](pbx, request, Reply("", lambda data: None))
        check_state(pbx)

    born, ended = set(before), set[str]()
    completed: dict[str, int] = {}
    for event in events:
        channel, uniqueid = event.get("Channel") or "", event.get("Uniqueid") or ""
        if event.name == "Newchannel":
            born.add(channel)
        if channel and event.name != "OriginateResponse":
            assert channel in born - ended, f"{event.name} outside the life of {channel}"
        if event.name == "Hangup":
            ended.add(channel)
        if event.name == "AgentConnect":
            connected[uniqueid] = connected.get(uniqueid, 0) + 1
        if event.name == "AgentComplete" and uniqueid:
            completed[uniqueid] = completed.get(uniqueid, 0) + 1
    for uniqueid, count in completed.items():
        assert count <= connected[uniqueid]
    assert born - ended == set(pbx.switch.channels)


def test_all_calls_end_when_the_people_stop() -> None:
    pbx, rng = busy_centre(1_800_000_000.0, 3), random.Random(3)
    for _ in range(300):
        pbx.schedule.run_until(pbx.schedule.now + 1)
        request = Request(some_action(pbx, rng))
        HANDLERS[request.action.lower()](pbx, request, Reply("", lambda data: None))
    old = set(pbx.switch.channels)
    pbx.schedule.run_until(pbx.schedule.now + 1800)

    assert not old & set(pbx.switch.channels)

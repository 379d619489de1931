"""The busy centre as a whole, in virtual time."""

from collections import Counter

import pytest

from services.demo_pbx.core.devices import DeviceState
from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.simulation import busy_centre, quiet_centre

NOW = 1_800_000_000.0
HOUR_S = 3600


def watch(pbx: Pbx) -> list[AmiEvent]:
    events: list[AmiEvent] = []
    pbx.switch.sinks.append(events.append)
    return events


def run(pbx: Pbx, seconds: float) -> None:
    pbx.schedule.run_until(pbx.schedule.now + seconds)


def busy_agents(pbx: Pbx) -> float:
    on_duty = {interface for queue in pbx.switch.queues.values() for interface in queue.members}
    talking = [d for d in pbx.switch.devices.values() if not d.trunk and d.channels]
    return len(talking) / len(on_duty)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_look_shows_a_busy_centre(seed: int) -> None:
    pbx = busy_centre(NOW, seed)
    members = [m for queue in pbx.switch.queues.values() for m in queue.members.values()]

    assert len(pbx.switch.devices) == 41
    assert sum(len(queue.waiting) for queue in pbx.switch.queues.values()) >= 3
    assert len({m.interface for m in members if m.paused}) >= 2
    assert sum(b.kind == "basic" and len(b.channels) == 2 for b in pbx.switch.bridges.values()) >= 5
    assert all(queue.completed for queue in pbx.switch.queues.values())


def test_the_same_seed_gives_the_same_run() -> None:
    runs: list[bytes] = []
    for _ in range(2):
        pbx = busy_centre(NOW, 7)
        events = watch(pbx)
        run(pbx, 120)
        runs.append(b"".join(event.encoded for event in events))

    assert runs[0] == runs[1]
    assert len(runs[0]) > 100_000


def test_another_seed_gives_another_run() -> None:
    channels = [list(busy_centre(NOW, seed).switch.channels) for seed in (1, 2)]

    assert channels[0] != channels[1]


def test_an_hour_shows_everything_there_is() -> None:
    pbx = busy_centre(NOW, 3)
    events = watch(pbx)
    run(pbx, HOUR_S)
    seen = Counter(event.name for event in events)

    assert {
        "AgentComplete",
        "AgentRingNoAnswer",
        "BlindTransfer",
        "Hold",
        "ParkedCall",
        "ParkedCallGiveUp",
        "ParkedCallTimeOut",
        "QueueCallerAbandon",
        "QueueMemberAdded",
        "QueueMemberPause",
        "QueueMemberRemoved",
        "UnParkedCall",
    } <= seen.keys()
    reasons = {event.get("Reason") for event in events if event.name == "AgentComplete"}
    assert reasons == {"caller", "agent", "transfer"}
    pauses = {event.get("PausedReason") for event in events if event.name == "QueueMemberPause"}
    assert len(pauses) > 4
    callers = {event.get("CallerIDNum") for event in events if event.name == "QueueCallerJoin"}
    assert "anonymous" in callers
    assert any("Ö" in (event.get("CallerIDName") or "") for event in events)


def test_most_agents_are_busy_but_not_all_and_queues_fill_and_empty() -> None:
    pbx = busy_centre(NOW, 1)
    busy: list[float] = []
    waiting: list[int] = []
    for _ in range(HOUR_S // 10):
        run(pbx, 10)
        busy.append(busy_agents(pbx))
        waiting.append(sum(len(queue.waiting) for queue in pbx.switch.queues.values()))

    assert 0.45 < sum(busy) / len(busy) < 0.75
    assert min(waiting) == 0
    assert max(waiting) >= 4


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_left_behind_in_hours(seed: int) -> None:
    pbx = busy_centre(NOW, seed)
    run(pbx, 4 * HOUR_S)
    switch = pbx.switch

    assert all(switch.now - channel.created_at < 1200 for channel in switch.channels.values())
    assert sum(len(device.channels) for device in switch.devices.values()) == len(switch.channels)
    assert all(device.state is device.current_state() for device in switch.devices.values())
    assert all(bridge.holding or 1 <= len(bridge.channels) <= 2 for bridge in switch.bridges.values())
    assert all(channel.task is not None for channel in switch.channels.values())
    assert {stay.channel.name for stay in pbx.lot.stays.values()} <= switch.channels.keys()
    for queue in switch.queues.values():
        for member in queue.members.values():
            assert member.status is switch.devices[member.interface].state


def test_counts_of_waiting_callers_are_absolute_and_never_jump() -> None:
    pbx = busy_centre(NOW, 4)
    counts = {name: len(queue.waiting) for name, queue in pbx.switch.queues.items()}
    events = watch(pbx)
    run(pbx, HOUR_S)

    for event in events:
        if event.name in ("QueueCallerJoin", "QueueCallerLeave"):
            queue = event.get("Queue") or ""
            counts[queue] += 1 if event.name == "QueueCallerJoin" else -1
            assert event.get("Count") == str(counts[queue])
    assert counts == {name: len(queue.waiting) for name, queue in pbx.switch.queues.items()}


def test_every_channel_ends_once_and_says_nothing_afterwards() -> None:
    pbx = busy_centre(NOW, 5)
    gone: set[str] = set()
    events = watch(pbx)
    run(pbx, HOUR_S)

    for event in events:
        channel = event.get("Channel") or ""
        assert channel not in gone or event.name == "OriginateResponse"
        if event.name == "Hangup":
            gone.add(channel)
    assert len(gone) > 500


def test_a_member_status_is_never_repeated() -> None:
    pbx = busy_centre(NOW, 6)
    events = watch(pbx)
    run(pbx, 1200)
    last: dict[str, bytes] = {}

    for event in events:
        if event.name == "QueueMemberStatus":
            key = f"{event.get('Queue')} {event.get('Interface')}"
            assert last.get(key) != event.encoded
            last[key] = event.encoded


def test_a_paused_member_gets_no_calls() -> None:
    pbx = quiet_centre(NOW)
    queue = pbx.switch.queues["support"]
    for agent in ("101", "102"):
        pbx.membership.add(queue, f"PJSIP/{agent}", paused=agent == "101")
    for _ in range(3):
        pbx.call_in("600", "01632960999", "")
    events = watch(pbx)
    run(pbx, 120)

    assert {e.get("Interface") for e in events if e.name == "AgentCalled"} == {"PJSIP/102"}
    pbx.membership.pause("PJSIP/101", False, "", None)
    run(pbx, 2)
    assert pbx.switch.devices["PJSIP/101"].state is DeviceState.RINGING

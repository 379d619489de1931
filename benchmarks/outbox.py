"""The outbox into JetStream: states stored a second, against a bare window of publishes.

Both run in this process, one after the other, in each of three rounds, into the same log with the same
subjects, payloads and ids; nats-server is the embedded one with files on disk. The floor only counts
answers: it keeps no order, coalesces nothing and would lose what fails. What is claimed is counted in the
log and in its mirror.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

import uvloop
from nats.aio.msg import Msg

from services.ami_bridge.adapters.fences import FENCES, Fences
from services.ami_bridge.adapters.jetstream_outbox import WINDOW, Outbox
from services.embedded_nats import EmbeddedNats
from services.jetstream.connection import Connection, connect
from services.jetstream.log import LOG, STATE, ensure_log
from shared import wire
from shared.config import NatsSection
from shared.events import QueueMemberStatus, subject_of
from shared.subjects import build

AGENTS, QUEUES = 500, 10
SUBJECTS = AGENTS * QUEUES
WAVES = 4
ROUNDS = 3
TARGET_PER_S = 20_000
_DEADLINE_S = 60.0


def wave(number: int) -> list[QueueMemberStatus]:
    """A state of every subject."""
    return [
        QueueMemberStatus(
            pbx="bench",
            agent=str(1000 + agent),
            queue=f"queue{queue}",
            status="inuse" if number % 2 else "not_inuse",
            device_status="inuse" if number % 2 else "not_inuse",
            calls_taken=number,
            last_call=1_700_000_000_000,
            since=1_700_000_000_000 + number,
        )
        for agent in range(AGENTS)
        for queue in range(QUEUES)
    ]


async def bare_window(connection: Connection, round_number: int) -> float:
    """Messages a second with nothing but a window."""
    client = connection.client
    inbox = client.new_inbox()
    free = asyncio.Semaphore(WINDOW)
    answered = 0

    async def on_answer(_answer: Msg) -> None:
        nonlocal answered
        answered += 1
        free.release()

    subscription = await client.subscribe(inbox, cb=on_answer)
    messages = [(build(subject_of(event)), wire.encode(event)) for n in range(WAVES) for event in wave(n)]
    begun = time.perf_counter()
    for number, (subject, payload) in enumerate(messages):
        await free.acquire()
        headers = {"Nats-Msg-Id": f"bare:{round_number}:{number}"}
        await client.publish(subject, payload, reply=inbox, headers=headers)
    for _ in range(WINDOW):
        await free.acquire()
    took = time.perf_counter() - begun
    assert answered == len(messages)
    await subscription.unsubscribe()
    return answered / took


async def yes() -> bool:
    """Nobody else writes here."""
    return True


async def through_the_outbox(connection: Connection, section: NatsSection) -> tuple[float, float]:
    """States a second, and CPU microseconds a state (encoding included)."""
    fences = Fences(connection, "bench", yes)
    await fences.put_up()
    outbox = Outbox(connection, section, "bench", fences=fences)
    await outbox.start()
    waves = [wave(number) for number in range(WAVES)]
    begun, cpu = time.perf_counter(), time.process_time()
    for events in waves:
        for event in events:
            outbox.put(event, "")
        assert await outbox.flushed(60)
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    published = outbox.counters.published
    await outbox.close(0)
    assert published == WAVES * SUBJECTS
    return published / took, used / published * 1e6


async def stored(connection: Connection) -> tuple[int, int]:
    """Messages in the log, and subjects in the mirror once it has caught up."""
    log = (await connection.jetstream.stream_info(LOG)).state
    state = (await connection.jetstream.stream_info(STATE)).state
    while state.last_seq < log.last_seq:
        state = (await connection.jetstream.stream_info(STATE)).state
    return log.messages, state.messages


async def measure() -> int:
    """Run it; 0 when the target is reached."""
    server = EmbeddedNats(NatsSection())
    await server.start()
    bare: list[float] = []
    states: list[float] = []
    cpu: list[float] = []
    try:
        section = server.section("bridge")
        connection = await connect(section, "bridge", within_s=10)
        await ensure_log(connection, section)
        for number in range(ROUNDS):
            bare.append(await bare_window(connection, number))
            rate, each = await through_the_outbox(connection, section)
            states.append(rate)
            cpu.append(each)
        messages, subjects = await stored(connection)
        await connection.close()
    finally:
        await server.close()
    assert messages == 2 * ROUNDS * WAVES * SUBJECTS + ROUNDS * FENCES
    assert subjects == SUBJECTS
    rate, floor = statistics.median(states), statistics.median(bare)
    print(f"{SUBJECTS} subjects, {messages} messages stored, {subjects} in the mirror")
    print(f"bare window   {floor:9,.0f} /s   {[round(one) for one in bare]}")
    print(f"outbox        {rate:9,.0f} /s   {[round(one) for one in states]}")
    print(f"ratio         {rate / floor:9.2f}      outbox CPU {statistics.median(cpu):.1f} µs a state")
    print(f"target        {TARGET_PER_S:9,d} /s   {'reached' if rate >= TARGET_PER_S else 'MISSED'}")
    return 0 if rate >= TARGET_PER_S else 1


def main() -> int:
    """The benchmark; the exit code."""
    return uvloop.run(asyncio.wait_for(measure(), _DEADLINE_S))


if __name__ == "__main__":
    sys.exit(main())

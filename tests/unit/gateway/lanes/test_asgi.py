from __future__ import annotations

import asyncio
from typing import Any

from services.gateway.core.batch import Batch
from services.gateway.core.frames import CLOSE, RESET, Message
from services.gateway.lanes.asgi import AsgiSseLane, AsgiWebSocketLane
from services.gateway.lanes.lane import HIGH_WATER
from tests.support.waiting import until


class Client:
    """The other end of an ASGI `send`, which waits while ``reading`` is not set."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.words: list[str] = []

    async def send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        self.sent.append(message)

    def pause(self) -> None:
        self.words.append("pause")

    def go_on(self) -> None:
        self.words.append("go on")


async def test_websocket_gets_a_message_for_each_event() -> None:
    client = Client()
    lane = AsgiWebSocketLane(client.send)
    task = asyncio.create_task(lane.run())
    lane.write(Batch([RESET, CLOSE], 0))
    await lane.emptied()
    task.cancel()

    assert [message["text"] for message in client.sent] == ['{"type":"reset"}', '{"type":"close"}']


async def test_event_stream_gets_a_part_of_the_body_for_each_batch() -> None:
    client = Client()
    lane = AsgiSseLane(client.send)
    task = asyncio.create_task(lane.run())
    lane.write(Batch([RESET, CLOSE], 0))
    lane.write(Batch([RESET], 0))
    await lane.emptied()
    task.cancel()

    assert [message["body"] for message in client.sent] == [RESET.sse + CLOSE.sse, RESET.sse]


async def test_asks_for_a_pause_when_too_much_waits_and_goes_on_when_it_has_drained() -> None:
    client = Client()
    client.reading.clear()
    lane = AsgiSseLane(client.send)
    lane.attach(client)
    task = asyncio.create_task(lane.run())
    large = Message(b'{"type":"x","text":"%b"}' % (b"x" * 100_000))
    for _ in range(HIGH_WATER // 100_000 + 2):
        lane.write(Batch([large], 0))
    assert client.words == ["pause"]

    client.reading.set()
    await until(lambda: client.words == ["pause", "go on"])
    await lane.emptied()
    task.cancel()


async def test_what_is_dropped_is_not_sent_and_ends_the_pause() -> None:
    client = Client()
    lane = AsgiSseLane(client.send)
    lane.attach(client)
    lane.write(Batch([Message(b'{"type":"x","text":"%b"}' % (b"x" * HIGH_WATER))], 0))
    lane.drop()
    task = asyncio.create_task(lane.run())
    lane.write(Batch([CLOSE], 0))
    await lane.emptied()
    task.cancel()

    assert client.words == ["pause", "go on"]
    assert [message["body"] for message in client.sent] == [CLOSE.sse]

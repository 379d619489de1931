from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ami_bridge.adapters.ami_actions import ListAction, SingleAction, id_of
from services.ami_bridge.adapters.ami_protocol import AmiCounters, LeanProtocol, WantedEvents
from services.ami_bridge.clocks import now
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.wanted import WANTED_EVENTS, WANTED_VARIABLES
from services.ami_bridge.errors import ActionOutcomeUnknownError
from tests.support.transcripts import CAPTURES, Message, events

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
HANGUP = b"Event: Hangup\r\nChannel: PJSIP/148-1\r\n\r\n"


class Sink:
    """Keeps what the protocol hands over."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.batches: list[list[AmiMessage]] = []
        self.lost: list[str] = []
        self.answered: list[tuple[Instant, int]] = []
        self._room = room

    def receive(self, batch: list[AmiMessage]) -> bool:
        self.batches.append(batch)
        return len(self.events) <= self._room

    def on_answer(self, asked: Instant) -> None:
        self.answered.append((asked, len(self.events)))

    def on_lost(self, reason: str) -> None:
        self.lost.append(reason)

    @property
    def events(self) -> list[AmiMessage]:
        return [message for batch in self.batches for message in batch]


class Wire(asyncio.Transport):
    """Keeps what is written; an abort is told to the protocol at once."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = 0
        self.protocol: LeanProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted += 1
        assert self.protocol is not None
        self.protocol.connection_lost(None)


class Rig:
    """A protocol with both its ends."""

    def __init__(
        self,
        names: frozenset[str] = frozenset({"Hangup", "ParkedCall", "OriginateResponse"}),
        *,
        variables: frozenset[str] = frozenset(),
        limit: int = 100_000,
        room: int = 1_000_000,
        greeted: bool = True,
    ) -> None:
        self.sink = Sink(room)
        self.counters = AmiCounters()
        self.wire = Wire()
        wanted = WantedEvents(names, variables)
        self.protocol = LeanProtocol(self.sink, wanted, self.counters, message_limit=limit)
        self.wire.protocol = self.protocol
        self.protocol.connection_made(self.wire)
        if greeted:
            self.say(BANNER)

    def say(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.protocol.data_received(chunk)

    def ask(self, action: SingleAction | ListAction) -> asyncio.Future[object]:
        return self.protocol.send(action)


def names_of(messages: Sequence[AmiMessage]) -> list[object]:
    return [message["Event"] for message in messages]


def stream_of(capture: str) -> bytes:
    packed = CAPTURES / f"{capture}.ami.gz"
    return (
        gzip.decompress(packed.read_bytes())
        if packed.exists()
        else (CAPTURES / f"{capture}.ami").read_bytes()
    )


def expected(capture: str) -> list[Message]:
    """What the bridge must hand over of a capture, by the plain reader."""
    return [
        message
        for message in events(capture)
        if message["Event"] in WANTED_EVENTS
        or (message["Event"] == "VarSet" and message["Variable"] in WANTED_VARIABLES)
    ]


async def test_wanted_events_come_in_order_a_batch_a_chunk() -> None:
    rig = Rig()

    rig.say(HANGUP + b"Event: Newexten\r\nX: 1\r\n\r\n" + HANGUP, HANGUP)

    assert [names_of(batch) for batch in rig.sink.batches] == [["Hangup", "Hangup"], ["Hangup"]]
    assert (rig.counters.events, rig.counters.skipped) == (3, 1)


async def test_of_var_set_only_the_wanted_variables_come() -> None:
    rig = Rig(variables=frozenset({"MIXMONITOR_FILENAME"}))

    for variable in ("MIXMONITOR_FILENAME", "MIXMONITOR_FILENAME_OLD", "X"):
        value = b"Value: \r\nVariable: MIXMONITOR" if variable == "X" else b"Value: 1"
        rig.say(b"Event: VarSet\r\nVariable: " + variable.encode() + b"\r\n" + value + b"\r\n\r\n")

    assert [message["Variable"] for message in rig.sink.events] == ["MIXMONITOR_FILENAME"]


@pytest.mark.parametrize(
    "capture", ["busy", "listings", "park_giveup", "header_injection", "core_restart_after"]
)
async def test_a_capture_gives_what_the_plain_reader_finds_in_it(capture: str) -> None:
    rig = Rig(WANTED_EVENTS, variables=WANTED_VARIABLES, greeted=False)

    rig.say(*_cut(stream_of(capture), range(0, 10_000_000, 65_536)))

    # The items of recorded lists were asked for by another client; to this one they are foreign.
    live = [
        each for each in rig.sink.events if "ActionID" not in each or each["Event"] == "OriginateResponse"
    ]
    assert live == expected(capture)
    assert rig.counters.malformed == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=60_000), max_size=60))
def test_any_chunking_of_a_capture_gives_the_same_messages(places: list[int]) -> None:
    async def read() -> None:
        rig = Rig(WANTED_EVENTS, variables=WANTED_VARIABLES, greeted=False)
        rig.say(*_cut(stream_of("park_giveup"), places))
        assert rig.sink.events == expected("park_giveup")

    asyncio.run(read())


async def test_a_capture_byte_by_byte_gives_the_same_messages() -> None:
    rig = Rig(WANTED_EVENTS, variables=WANTED_VARIABLES, greeted=False)

    for byte in stream_of("park_giveup"):
        rig.protocol.data_received(bytes([byte]))

    assert rig.sink.events == expected("park_giveup")


def _cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    bounds = sorted({0, len(stream), *(place for place in places if place < len(stream))})
    return [stream[start:end] for start, end in pairwise(bounds)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.just(b"\r\n\r\n"), st.just(b"Event: Hangup\r\n"))))
def test_no_bytes_make_it_raise_or_lose_the_next_message(chunks: list[bytes]) -> None:
    async def read() -> None:
        rig = Rig()
        rig.say(*chunks, b"\r\n\r\n" + HANGUP)
        assert rig.sink.events[-1] == {"Event": "Hangup", "Channel": "PJSIP/148-1"}

    asyncio.run(read())


async def test_a_malformed_message_is_counted_and_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()

    with caplog.at_level(logging.WARNING):
        rig.say(b"no header at all\r\n\r\n" + HANGUP + b"X: 1\r\n\r\n" * 500 + HANGUP)

    assert len(rig.sink.events) == 2
    assert rig.counters.malformed == 502  # the first one twice: a line that is no header, and nothing else
    assert 1 <= len(caplog.records) <= 2


async def test_an_event_whose_first_line_is_another_header_is_read() -> None:
    rig = Rig()

    rig.say(b"X: 1\r\nEvent: Hangup\r\n\r\nX: 1\r\nEvent: Other\r\n\r\n\r\n\r\n" + HANGUP)

    assert names_of(rig.sink.events) == ["Hangup", "Hangup"]
    assert rig.counters.malformed == 0


async def test_what_is_no_manager_interface_is_cut_off() -> None:
    rig = Rig(greeted=False)

    rig.say(b"SSH-2.0-OpenSSH_9.6\r\n")

    assert rig.wire.aborted == 1
    assert "not a Manager Interface" in rig.sink.lost[0]


async def test_a_sink_without_room_ends_the_connection_with_that_reason() -> None:
    rig = Rig(room=1)

    rig.say(HANGUP)
    assert rig.sink.lost == []
    rig.say(HANGUP)

    assert rig.sink.lost == ["more events were waiting to be handled than can be held"]


async def test_an_error_while_handling_one_message_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SingleAction):
        def takes(self, headers: AmiMessage) -> bool:
            raise RuntimeError("a bug")

    rig = Rig()
    rig.ask(Broken({"Action": "Ping", "ActionID": "1"}))

    with caplog.at_level(logging.WARNING):
        rig.say(HANGUP + b"Response: Success\r\nActionID: 1\r\n\r\n" + HANGUP)

    assert len(rig.sink.events) == 2
    assert "a bug" in caplog.text
    assert not rig.wire.aborted


async def test_a_list_takes_its_items_and_leaves_live_events_alone() -> None:
    rig = Rig()
    action = ListAction({"Action": "ParkedCalls"})
    answer = rig.ask(action)
    mine = f"\r\nActionID: {id_of(action)}\r\n\r\n".encode()

    rig.say(
        b"Response: Success\r\nEventList: start" + mine,
        b"Event: ParkedCall\r\nParkingSpace: 701" + mine + b"Event: ParkedCall\r\nParkingSpace: 702\r\n\r\n",
        b"Event: UserEvent\r\nUserEvent: x" + mine + b"Event: Unwanted\r\nResponse: Success" + mine,
        b"Event: Unwanted\r\nActionID: foreign\r\n\r\nEvent: SomethingComplete" + mine,
        b"Event: ParkedCallsComplete\r\nEventList: Complete\r\nListItems: 2" + mine,
    )

    last, items = cast("tuple[AmiMessage, list[AmiMessage]]", await answer)
    assert names_of(items) == ["ParkedCall", "Unwanted", "SomethingComplete"]
    assert last["ListItems"] == "2"
    assert [message.get("ParkingSpace") for message in rig.sink.events] == ["702"]
    assert rig.protocol.responses == {}


@pytest.mark.parametrize("headers", ["Response: Error\r\nMessage: Permission denied", "Response: Success"])
async def test_an_error_and_an_answer_without_a_list_end_a_list_at_once(headers: str) -> None:
    rig = Rig()
    action = ListAction({"Action": "QueueStatus"})
    answer = rig.ask(action)

    rig.say(f"{headers}\r\nActionID: {id_of(action)}\r\n\r\n".encode())

    last, items = cast("tuple[AmiMessage, list[AmiMessage]]", await answer)
    assert last["Response"] == headers.split()[1].strip()
    assert items == []


async def test_items_of_a_list_that_was_given_up_are_no_live_events() -> None:
    rig = Rig()
    action = ListAction({"Action": "ParkedCalls"})
    rig.ask(action).cancel()
    rig.protocol.forget(action)
    mine = f"\r\nActionID: {id_of(action)}\r\n\r\n".encode()

    rig.say(
        b"Response: Success\r\nEventList: start" + mine + b"Event: ParkedCall\r\nParkingSpace: 701" + mine
    )

    assert rig.sink.events == []
    assert rig.counters.late == 2


async def test_originate_response_is_a_live_event_also_before_the_response() -> None:
    rig = Rig()
    answer = rig.ask(SingleAction({"Action": "Originate", "ActionID": "mine"}))
    said = b"Event: OriginateResponse\r\nActionID: mine\r\nResponse: Failure\r\nReason: 0\r\n\r\n"

    rig.say(
        said + b"Response: Success\r\nActionID: mine\r\nMessage: Originate successfully queued\r\n\r\n" + said
    )

    assert cast("AmiMessage", await answer)["Response"] == "Success"
    assert names_of(rig.sink.events) == ["OriginateResponse", "OriginateResponse"]


async def test_a_very_long_answer_is_read() -> None:
    rig = Rig(limit=8 * 1024 * 1024)
    answer = rig.ask(SingleAction({"Action": "Command", "ActionID": "1"}))
    lines = b"".join(b"Output: line %d\r\n" % number for number in range(100_000))
    stream = b"Response: Success\r\nActionID: 1\r\n" + lines + b"\r\n" + HANGUP

    rig.say(*(stream[at : at + 1400] for at in range(0, len(stream), 1400)))

    output = cast("AmiMessage", await answer)["Output"]
    assert len(output) == 100_000
    assert names_of(rig.sink.events) == ["Hangup"]


async def test_an_answer_above_the_limit_fails_its_action_and_costs_no_other_message() -> None:
    rig = Rig(limit=1000)
    answer = rig.ask(SingleAction({"Action": "Command", "ActionID": "1"}))
    stream = b"Response: Success\r\nActionID: 1\r\n" + b"Output: x\r\n" * 1000 + b"\r\n" + HANGUP * 2

    rig.say(*(stream[at : at + 100] for at in range(0, len(stream), 100)))

    with pytest.raises(ActionOutcomeUnknownError, match="too long"):
        await answer
    assert rig.counters.oversized == 1
    assert names_of(rig.sink.events) == ["Hangup", "Hangup"]


async def test_an_event_above_the_limit_is_counted_and_costs_no_other_message() -> None:
    rig = Rig(limit=1000)
    stream = b"Event: Hangup\r\nX: " + b"y" * 5000 + b"\r\n\r\n" + HANGUP

    rig.say(*(stream[at : at + 100] for at in range(0, len(stream), 100)))

    assert rig.counters.oversized == 1
    assert [len(message) for message in rig.sink.events] == [2]


async def test_the_end_of_the_connection_fails_what_is_awaited_and_keeps_nothing() -> None:
    rig = Rig()
    one = rig.ask(SingleAction({"Action": "Originate"}))
    given_up = rig.ask(SingleAction({"Action": "Originate"}))
    given_up.cancel()
    rig.protocol.ping()

    rig.protocol.connection_lost(ConnectionResetError("reset"))

    with pytest.raises(ActionOutcomeUnknownError, match="Originate is unknown: the connection broke: reset"):
        await one
    assert rig.protocol.responses == {}
    assert rig.sink.lost == ["the connection broke: reset"]
    assert rig.protocol.gone.result() == "the connection broke: reset"


async def test_closing_twice_closes_once() -> None:
    rig = Rig()

    rig.protocol.close()
    rig.protocol.close()

    assert rig.wire.aborted == 1
    assert rig.sink.lost == ["closed by the bridge"]


async def test_the_answer_to_a_ping_is_told_after_all_that_came_with_it_and_with_when_it_was_asked() -> None:
    rig = Rig()
    before = now()
    rig.protocol.ping()
    asked_by = now()
    rig.protocol.ping()
    first, second = rig.protocol.responses
    rig.protocol.data_received(HANGUP + f"Response: Success\r\nActionID: {first}\r\n\r\n".encode() + HANGUP)
    await asyncio.sleep(0)

    ((asked, events_before),) = rig.sink.answered
    assert before.steady_s <= asked.steady_s <= asked_by.steady_s
    assert events_before == 2
    assert list(rig.protocol.responses) == [second]

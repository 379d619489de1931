from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core import frames
from services.gateway.core.frames import Message, check, json_array
from services.gateway.core.position import NOWHERE, parse_position
from shared import wire
from shared.errors import MalformedEventError
from shared.events import AgentName

PAYLOAD = b'{"type":"queueCount","pbx":"hq","queue":"q1","count":1}'


def test_id_is_spliced_into_the_object() -> None:
    assert Message(PAYLOAD, "g-7").json == PAYLOAD[:-1] + b',"id":"g-7"}'
    assert Message(PAYLOAD, "g-7").text == (PAYLOAD[:-1] + b',"id":"g-7"}').decode()


def test_forms_are_made_once() -> None:
    message = Message(PAYLOAD, "g-7")

    assert message.json is message.json
    assert message.frame is message.frame
    assert message.sse is message.sse
    assert message.frame.endswith(message.json)


def test_snapshot_event_has_no_id() -> None:
    assert Message(PAYLOAD).json == PAYLOAD
    assert Message(PAYLOAD).sse == b'event: queueCount\ndata: {"pbx":"hq","queue":"q1","count":1}\n\n'


def test_sse_has_type_and_id_outside_of_the_data() -> None:
    assert Message(PAYLOAD, "g-7").sse == (
        b'event: queueCount\ndata: {"pbx":"hq","queue":"q1","count":1}\nid: g-7\n\n'
    )


def test_event_without_properties_has_an_empty_object_as_data() -> None:
    assert frames.CLOSE.sse == b"event: close\ndata: {}\n\n"
    assert frames.CLOSE.json == b'{"type":"close"}'


@given(st.text(), st.text())
def test_any_name_stays_one_sse_event_and_one_json_object(agent: str, name: str) -> None:
    payload = wire.encode(AgentName(pbx="hq", agent=agent, name=name))
    check("agentName", payload)
    message = Message(payload, "g-1")

    assert msgspec.json.decode(message.json) == {**msgspec.json.decode(payload), "id": "g-1"}
    lines = message.sse.split(b"\n")
    assert len(lines) == 5
    assert b"\r" not in message.sse


def test_reset_has_a_browser_forget_where_it_was() -> None:
    assert frames.RESET.sse == b"event: reset\ndata: {}\nid: reset\n\n"
    assert parse_position("reset") == NOWHERE


def test_control_messages() -> None:
    assert frames.RESET.json == b'{"type":"reset"}'
    assert frames.CLOSED.json == b'{"type":"closed"}'
    assert frames.ping(5).json == b'{"type":"ping","now":5}'
    ready = frames.ready(resumed=True, now_ms=5, position="g-7")
    assert ready.type == "ready"
    assert ready.json == b'{"type":"ready","resumed":true,"now":5,"id":"g-7"}'
    assert ready.sse == b'event: ready\ndata: {"resumed":true,"now":5}\nid: g-7\n\n'


def test_json_array() -> None:
    assert json_array([]) == b"[]"
    assert json_array([frames.RESET, frames.CLOSE]) == b'[{"type":"reset"},{"type":"close"}]'


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b'{"pbx":"hq","type":"queueCount"}',
        b'{ "type":"queueCount"}',
        b'{"type":"queueCounter"}',
        b'{"type":"queueCount"',
        b'{"type":"queueCount",\n"count":1}',
        b'{"type":"queueCount",\r"count":1}',
        b'{"type":"queueCount","name":"\xff"}',
        b'{"type":"queueCount","name":"\xed\xa0\x80"}',
    ],
)
def test_payload_that_would_break_a_frame_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedEventError):
        check("queueCount", payload)


def test_type_that_is_no_ascii_is_refused() -> None:
    with pytest.raises(MalformedEventError):
        check("queué", '{"type":"queué"}'.encode())

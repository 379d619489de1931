"""Lists and answers have the headers of the recorded ones, in the same order."""

import pytest

from services.demo_pbx.core.actions import HANDLERS, Reply, Request
from services.demo_pbx.core.actions.system import COMMANDS, fully_booted
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.simulation import busy_centre
from tests.contract.ami_sequences.transcript import FIXTURES, Message, parse

RECORDED = parse((FIXTURES / "listings.ami").read_bytes())


@pytest.fixture(scope="module")
def pbx() -> Pbx:
    """One for all: they only look."""
    return busy_centre(1_800_000_000.0, 1)


def ask(pbx: Pbx, **headers: str) -> list[Message]:
    data = bytearray()
    request = Request(list(headers.items()))
    HANDLERS[request.action.lower()](pbx, request, Reply("a1", data.extend))
    return parse(bytes(data))


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("QueueStatus", "QueueParams"),
        ("QueueStatus", "QueueMember"),
        ("QueueStatus", "QueueEntry"),
        ("QueueStatus", "QueueStatusComplete"),
        ("QueueSummary", "QueueSummary"),
        ("QueueSummary", "QueueSummaryComplete"),
        ("ExtensionStateList", "ExtensionStatus"),
        ("ExtensionStateList", "ExtensionStateListComplete"),
        ("DeviceStateList", "DeviceStateChange"),
        ("DeviceStateList", "DeviceStateListComplete"),
        ("CoreShowChannels", "CoreShowChannel"),
        ("CoreShowChannels", "CoreShowChannelsComplete"),
        ("Status", "Status"),
        ("Status", "StatusComplete"),
        ("BridgeList", "BridgeListItem"),
        ("BridgeList", "BridgeListComplete"),
        ("Parkinglots", "Parkinglot"),
        ("Parkinglots", "ParkinglotsComplete"),
        ("ParkedCalls", "ParkedCallsComplete"),
    ],
)
def test_list_items_have_the_recorded_headers_in_order(pbx: Pbx, action: str, event: str) -> None:
    def shapes(messages: list[Message]) -> set[tuple[str, ...]]:
        listed = (m for m in messages if m["Event"] == event and m["ActionID"])
        return {tuple(name for name, _ in m.headers if name != "Variable") for m in listed}

    assert shapes(ask(pbx, Action=action)) == shapes(RECORDED)


@pytest.mark.parametrize("action", ["CoreSettings", "CoreStatus", "Ping", "ExtensionState"])
def test_single_answers_have_the_recorded_headers_in_order(pbx: Pbx, action: str) -> None:
    recorded = {tuple(name for name, _ in m.headers) for m in RECORDED}
    (message,) = ask(pbx, Action=action, Exten="101")

    assert tuple(name for name, _ in message.headers) in recorded


def test_commands_are_listed_in_the_recorded_words() -> None:
    (listed,) = (m for m in RECORDED if m["Originate"])

    assert set(COMMANDS) <= set(listed.headers)
    assert {name.lower() for name, _ in COMMANDS} >= set(HANDLERS)


def test_fully_booted_tells_how_long_the_centre_has_been_running(pbx: Pbx) -> None:
    assert dict(fully_booted(pbx)) == {"Uptime": "900", "LastReload": "900", "Status": "Fully Booted"}

import pytest

from services.demo_pbx.core.ami_filters import ALL_CLASSES, passes, read_filter, read_mask
from services.demo_pbx.core.events import AmiEvent

JOIN = AmiEvent("QueueCallerJoin", [("Queue", "support"), ("Count", "1")])
RECORDING = AmiEvent("VarSet", [("Variable", "MIXMONITOR_FILENAME"), ("Value", "/a.wav")])
OTHER_VARIABLE = AmiEvent("VarSet", [("Variable", "QUEUEWAIT"), ("Value", "1")])


def passing(*filters: tuple[str | None, str]) -> list[AmiEvent]:
    read = [read_filter(criteria, pattern) for criteria, pattern in filters]
    assert None not in read
    return [e for e in (JOIN, RECORDING, OTHER_VARIABLE) if passes([f for f in read if f], e)]


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("on", ALL_CLASSES),
        ("off", frozenset[str]()),
        ("agent,call", frozenset({"agent", "call"})),
        ("Agent, nosuch", frozenset({"agent"})),
        ("nosuch", frozenset[str]()),
        ("call,all", ALL_CLASSES),
    ],
)
def test_masks_name_classes(text: str, classes: frozenset[str]) -> None:
    assert read_mask(text) == classes


def test_without_filters_everything_passes() -> None:
    assert passing() == [JOIN, RECORDING, OTHER_VARIABLE]


def test_included_names_are_all_that_passes() -> None:
    assert passing(("name(QueueCallerJoin)", "")) == [JOIN]


def test_excluded_names_do_not_pass() -> None:
    assert passing(("action(exclude),name(VarSet)", "")) == [JOIN]


def test_an_exclusion_goes_before_an_inclusion() -> None:
    assert passing(("name(VarSet)", ""), ("action(exclude),header(Variable),method(exact)", "QUEUEWAIT")) == [
        RECORDING
    ]


@pytest.mark.parametrize(
    ("method", "pattern"),
    [
        ("exact", "MIXMONITOR_FILENAME"),
        ("starts_with", "MIX"),
        ("ends_with", "FILENAME"),
        ("contains", "MONITOR"),
        ("regex", "^MIX.*NAME$"),
    ],
)
def test_a_header_is_compared_by_each_method(method: str, pattern: str) -> None:
    assert passing((f"name(VarSet),header(Variable),method({method})", pattern)) == [RECORDING]


def test_the_old_form_is_a_regular_expression_over_the_whole_event() -> None:
    assert passing((None, "!Event: (VarSet|Newexten)")) == [JOIN]
    assert passing((None, "Queue: support")) == [JOIN]


@pytest.mark.parametrize(
    ("criteria", "pattern"),
    [
        ("name(", ""),
        ("nosuch(x)", ""),
        ("name(A),name(B)", ""),
        ("method(nosuch)", "x"),
        ("action(nosuch)", ""),
        ("name(VarSet)", "("),
        (None, "("),
    ],
)
def test_a_wrongly_formed_filter_is_none(criteria: str | None, pattern: str) -> None:
    assert read_filter(criteria, pattern) is None

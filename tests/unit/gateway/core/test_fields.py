from __future__ import annotations

import re
from typing import Any

import pytest

from services.gateway.core.fields import MAX_VARIABLES, TEXT_KINDS, Field, Kind, check, read
from services.gateway.core.forms import FORMS
from services.gateway.core.parameters import Parameters
from services.gateway.errors import BadParameterError

GOOD: dict[Kind, tuple[str, ...]] = {
    "agent": ("148", "viktor"),
    "extension": ("600", "*97"),
    "party": ("148", "PJSIP/148-0000001a"),
    "queue": ("q1", "Vip čekaonica"),
    "text": ("Ana B.",),
    "caller_id": ("555", '"Ana" <555>'),
}
BAD: dict[Kind, tuple[str, ...]] = {
    "agent": ("1,4", "PJSIP/148", "a b"),
    "extension": ("6,1", "_X."),
    "party": ("148&149", "/148", "PJSIP/1&PJSIP/2"),
    "queue": (" ", "x" * 80),
    "text": (" ", "x" * 80),
    "caller_id": ("Ana",),
}


def field(kind: Kind, **more: Any) -> Field:
    return Field(name="it", kind=kind, description="", example="", **more)


def of(value: object) -> Parameters:
    return Parameters([], {"it": value}, ["it"])


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in GOOD.items() for text in texts])
def test_text_of_its_kind_is_taken_and_matches_the_published_pattern(kind: Kind, text: str) -> None:
    assert check(field(kind), text) == text
    assert re.fullmatch(TEXT_KINDS[kind].pattern, text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BAD.items() for text in texts])
def test_text_of_another_kind_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(BadParameterError, match="it: "):
        check(field(kind), text)
    published = TEXT_KINDS[kind]
    assert len(text) > published.limit or not re.fullmatch(published.pattern, text)


def test_absent_value_is_the_default_or_refused() -> None:
    assert read(field("number", default=3), of(None)) == 3
    assert read(field("agent"), of("")) is None
    with pytest.raises(BadParameterError, match="required"):
        read(field("flag", required=True), of(None))


def test_number_has_limits() -> None:
    timeout = field("number", low=1, high=300)

    assert read(timeout, of("300")) == 300
    for value in (0, 301):
        with pytest.raises(BadParameterError, match="from 1 to 300"):
            read(timeout, of(value))


def test_published_digits_are_exactly_the_numbers_that_are_taken() -> None:
    numbers = [one for form in FORMS for one in form.fields if one.kind == "number"]

    assert numbers
    for one in numbers:
        taken = {str(number) for number in range(one.low, one.high + 1)}
        written = {text for text in map(str, range(20_000)) if re.fullmatch(one.digits, text)}
        assert written == taken
        assert not re.fullmatch(one.digits, "007")


def test_variables_have_names_and_values_that_asterisk_keeps_whole() -> None:
    variables = field("variables")

    assert read(variables, of({"__TICKET": "4711", "A": ""})) == {"__TICKET": "4711", "A": ""}
    many = {f"V{number}": "" for number in range(MAX_VARIABLES + 1)}
    for bad in ({"A": "b,c"}, {"A": "x" * 501}, {"CALLERID(num)": "1"}, {"": "1"}, many):
        with pytest.raises(BadParameterError, match="it: "):
            read(variables, of(bad))

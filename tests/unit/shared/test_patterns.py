from __future__ import annotations

import pytest

from shared import patterns


@pytest.mark.parametrize("text", ["148", "viktor", "agent-7", "a.b_c"])
def test_an_agent_is_a_number_or_a_word(text: str) -> None:
    assert patterns.is_agent(text)


@pytest.mark.parametrize(
    "text", ["", "148&149", "148/9", "148@x", "148,9", "1 8", "148\r\n", "-1", "a:b", "(1)", "ž", "1" * 65]
)
def test_what_asterisk_would_read_as_more_than_a_number_is_no_agent(text: str) -> None:
    assert not patterns.is_agent(text)


@pytest.mark.parametrize("text", ["600", "*97", "#1", "+385911234567", "support", "vip.es-en"])
def test_an_extension_can_be_dialled(text: str) -> None:
    assert patterns.is_extension(text)


@pytest.mark.parametrize("text", ["", "6,1", "_X.", "6 0", "6\n", "6@x", "1)", "6|1"])
def test_what_is_more_than_an_extension_is_none(text: str) -> None:
    assert not patterns.is_extension(text)


@pytest.mark.parametrize(
    "text", ["PJSIP/148-0000001a", "Local/147@agents-00000000;2", "SIP/t-0a", "DAHDI/i1/99-1"]
)
def test_a_channel_has_a_technology(text: str) -> None:
    assert patterns.is_channel(text)


@pytest.mark.parametrize(
    "text", ["148", "/148", "PJSIP/", "PJSIP/1 8", "PJSIP/1&PJSIP/2", "PJSIP/1\r\nX: y", "A/b,c"]
)
def test_what_is_more_than_a_channel_is_none(text: str) -> None:
    assert not patterns.is_channel(text)


@pytest.mark.parametrize("text", ["sales", "vip.es *>", "čekaonica", "x" * 79, 'He said "hi"'])
def test_any_line_is_a_text(text: str) -> None:
    assert patterns.is_text(text)


@pytest.mark.parametrize("text", ["", " ", "a\rb", "a\nb", "a\0b", "a\x85b", "a\u2028b", "\ud800", "x" * 80])
def test_what_is_not_one_line_is_no_text(text: str) -> None:
    assert not patterns.is_text(text)


@pytest.mark.parametrize("text", ["148", "+385", "Ana <148>", '"Ana B." <148>', '"Ana"<148>'])
def test_a_caller_id_is_a_number_or_name_and_number(text: str) -> None:
    assert patterns.is_caller_id(text)


@pytest.mark.parametrize(
    "text", ["", "Ana", '"Ana" 148', "Ana <1><2>", "<>", 'A"na <148>', "Ana <14 8>", "A\nna <148>", "a,b <1>"]
)
def test_anything_else_is_no_caller_id(text: str) -> None:
    assert patterns.is_caller_id(text) is False


@pytest.mark.parametrize("name", ["TICKET", "_ticket", "__TICKET_2"])
def test_a_variable_is_a_plain_name(name: str) -> None:
    assert patterns.is_variable(name)


@pytest.mark.parametrize(
    "name", ["", "SHELL(ls)", "A=B", "A,B", "A B", "___A", "1A", "A\n", "CHANNEL(language)"]
)
def test_a_dialplan_function_is_no_variable(name: str) -> None:
    assert not patterns.is_variable(name)


def test_a_value_that_asterisk_would_cut_is_refused() -> None:
    assert patterns.is_variable_value("")
    assert patterns.is_variable_value("anything: else = fine")
    assert patterns.is_variable_value("x")
    assert not patterns.is_variable_value("a,b")
    assert not patterns.is_variable_value('"a"')
    assert not patterns.is_variable_value("a\\b")
    assert not patterns.is_variable_value(" a")
    assert not patterns.is_variable_value("a ")
    assert not patterns.is_variable_value("a\nb")
    assert not patterns.is_variable_value("x" * 501)


@pytest.mark.parametrize("text", ["", "anything /&@,:|()", "čekaonica"])
def test_a_line_holds_anything_but_line_ends_and_controls(text: str) -> None:
    assert patterns.is_line(text)


@pytest.mark.parametrize("text", ["a\r", "\n", "a\0b", "\x7f", "a\x85b", "\u2029", "\ud800"])
def test_what_could_end_a_line_is_none(text: str) -> None:
    assert not patterns.is_line(text)

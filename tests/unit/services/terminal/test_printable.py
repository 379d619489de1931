"""What a terminal gets to see of texts from outside."""

from __future__ import annotations

import json

import pytest

from services.terminal.printable import cell, json_line, printable

NASTY = "\x1b]0;pwned\x07\x1b[31mX\x9b2J\u202etxt\n\x7f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (NASTY, "␛]0;pwned␇␛[31mX\ufffd2J\ufffdtxt␊␡"),
        ("Žiga Ånström 北京 😀", "Žiga Ånström 北京 😀"),
        ("a\u00a0b\u2009c", "a b c"),
        ("\x00\x1f\t", "␀␟␉"),
        ("\x85\u2028\u2029\u200b\ufeff\ue000\U000e0041", "\ufffd" * 7),
        ("", ""),
    ],
)
def test_every_character_that_is_none_gets_a_visible_sign(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert shown.isprintable()


def test_a_cell_is_text_without_markup() -> None:
    assert cell("[red]x[/red]\x1b").plain == "[red]x[/red]␛"
    assert cell(3, "green").plain == "3"


def test_a_line_of_json_is_printable_and_means_the_same() -> None:
    value = {"text": NASTY + "\U000e0041 Ž 😀", "number": 1}

    line = json_line(value)

    assert line.isprintable()
    assert json.loads(line) == value
    assert "Ž 😀" in line

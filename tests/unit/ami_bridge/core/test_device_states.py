"""Asterisk's codes as words."""

from __future__ import annotations

from services.ami_bridge.core.device_states import device_word, extension_word


def test_the_codes_of_a_member() -> None:
    assert [device_word(code) for code in range(10)] == [
        "unknown",
        "not_inuse",
        "inuse",
        "busy",
        "unavailable",
        "unavailable",
        "ringing",
        "ringinuse",
        "onhold",
        "unknown",
    ]


def test_the_codes_of_a_hint() -> None:
    codes = (0, 1, 2, 4, 8, 9, 16, 17, -1, -2, 3)

    assert [extension_word(code) for code in codes] == [
        "not_inuse",
        "inuse",
        "busy",
        "unavailable",
        "ringing",
        "ringinuse",
        "onhold",
        "inuse",
        "unavailable",
        "unavailable",
        "unavailable",
    ]

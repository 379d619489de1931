"""Asterisk's two scales for the state of a phone, as the words of the contract.

Source: `ast_device_state` in `devicestate.h` (queue members) and `ast_extension_states` in `pbx.h` (hints).
"""

from __future__ import annotations

from shared.events import DeviceWord, ExtensionWord

_DEVICE: dict[int, DeviceWord] = {
    0: "unknown",
    1: "not_inuse",
    2: "inuse",
    3: "busy",
    4: "unavailable",  # invalid: no such endpoint
    5: "unavailable",
    6: "ringing",
    7: "ringinuse",
    8: "onhold",
}

_EXTENSION: dict[int, ExtensionWord] = {
    0: "not_inuse",
    1: "inuse",
    2: "busy",
    4: "unavailable",
    8: "ringing",
    9: "ringinuse",
    16: "onhold",
    17: "inuse",  # one call in use, another on hold
}


def device_word(status: int) -> DeviceWord:
    """The word for a member's ``Status``; ``unknown`` for one that Asterisk may add."""
    return _DEVICE.get(status, "unknown")


def extension_word(status: int) -> ExtensionWord:
    """The word for a hint's ``Status``; ``unavailable`` for no such hint (-1, -2) and for new ones."""
    return _EXTENSION.get(status, "unavailable")

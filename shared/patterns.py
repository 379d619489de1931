"""What names and numbers of a command may look like; gateway and bridge both ask.

An agent or extension becomes part of a dial string or of an AMI header, where Asterisk gives a meaning to
``/ & @ , : | ( )`` and to spaces: a number holds none of them. A queue, member or pause reason is any text
of one line.
"""

from __future__ import annotations

import re

MAX_TEXT = 79
"""Asterisk keeps 79 bytes of a queue's or member's name (``app_queue.c``: arrays of 80, with their NUL)."""

MAX_VALUE = 500

AGENT_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}"
EXTENSION_PATTERN = r"[A-Za-z0-9*#+][A-Za-z0-9_.*#+-]{0,63}"
CHANNEL_PATTERN = r"[A-Za-z0-9_]{1,32}/[A-Za-z0-9_.+*#@:/;=-]{1,128}"
CALLER_NUMBER_PATTERN = r"[0-9*#+]{1,40}"
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_NAME = rf'[^"<>\\,{_CONTROLS}]{{1,79}}'
CALLER_ID_PATTERN = rf'(?:(?:"{_NAME}"|{_NAME}) ?<{CALLER_NUMBER_PATTERN}>|{CALLER_NUMBER_PATTERN})'
TEXT_PATTERN = rf"[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*"
_KEPT = rf'[^,"\\\s{_CONTROLS}]'
VALUE_PATTERN = rf'(?:{_KEPT}(?:[^,"\\{_CONTROLS}]*{_KEPT})?)?'
VARIABLE_PATTERN = r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,78}"

_AGENT = re.compile(AGENT_PATTERN)
_EXTENSION = re.compile(EXTENSION_PATTERN)
_CHANNEL = re.compile(CHANNEL_PATTERN)
_VARIABLE = re.compile(VARIABLE_PATTERN)
_VALUE = re.compile(VALUE_PATTERN)
_CALLER_ID = re.compile(CALLER_ID_PATTERN)
_CONTROL = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")


def is_agent(text: str) -> bool:
    """Whether that can be an agent's number."""
    return _AGENT.fullmatch(text) is not None


def is_extension(text: str) -> bool:
    """Whether that can be dialled."""
    return _EXTENSION.fullmatch(text) is not None


def is_channel(text: str) -> bool:
    """Whether that can be the name of a channel: ``PJSIP/148-0000001a``."""
    return _CHANNEL.fullmatch(text) is not None


def is_line(text: str) -> bool:
    """Whether no control character, line end or lone surrogate is in it."""
    return _CONTROL.search(text) is None


def is_text(text: str, limit: int = MAX_TEXT) -> bool:
    """Whether that is one line of text, not blank, of at most ``limit`` characters."""
    return 0 < len(text) <= limit and _CONTROL.search(text) is None and text.strip() != ""


def is_caller_id(text: str) -> bool:
    """Whether that is ``148``, ``Ana <148>`` or ``"Ana" <148>``."""
    return _CALLER_ID.fullmatch(text) is not None and _CONTROL.search(text) is None


def is_variable(name: str) -> bool:
    """Whether a channel variable may be set by that name: no dialplan function, which could run anything."""
    return _VARIABLE.fullmatch(name) is not None


def is_variable_value(text: str) -> bool:
    """Whether Asterisk will keep that value whole: it splits at commas, takes quotes, backslashes and outer
    spaces away, and a line end ends the header."""
    return len(text) <= MAX_VALUE and _VALUE.fullmatch(text) is not None and _CONTROL.search(text) is None

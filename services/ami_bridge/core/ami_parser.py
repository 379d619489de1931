"""Read one AMI message.

Tuned, because it runs for every wanted event: the usual message (each header once, each line with ``": "``)
is read by one loop of C calls and then checked as a whole; any doubt sends it down the exact path,
which splits at the first colon, keeps empty values, and makes lists of repeated headers.
"""

from __future__ import annotations

from collections.abc import Callable

# Header names are some two hundred words; only hostile input has more.
_MOST_KNOWN_NAMES = 4096
_FIRST_COUNTS = frozenset({"Event", "Response", "ActionID"})


class MessageParser:
    """Reads messages; remembers header names that are sound, which makes it fast.

    Args:
        on_unreadable: told of each message with lines that are no header (no colon, or no name before
            it), and how many; such lines are left out.
    """

    def __init__(self, on_unreadable: Callable[[bytes, int], None]) -> None:
        self._on_unreadable = on_unreadable
        self._known: set[str] = set()

    def parse(self, raw: bytes) -> dict[str, str | list[str]]:
        """Read a message as :class:`MessageSplitter` gives it.

        Bytes that are not UTF-8 become U+FFFD. Of several `Event`, `Response` or `ActionID` headers the
        first counts: a `UserEvent` of the dialplan can add more. Other repeated headers are a list.
        """
        lines = raw.decode("utf-8", "replace").split("\r\n")
        message: dict[str, str | list[str]] = {}
        for line in lines:
            header, colon, value = line.partition(": ")
            if not colon:
                return self._exactly(raw, lines)
            message[header] = value
        if len(message) == len(lines) and self._known.issuperset(message):
            return message
        return self._exactly(raw, lines)

    def _exactly(self, raw: bytes, lines: list[str]) -> dict[str, str | list[str]]:
        message: dict[str, str | list[str]] = {}
        unreadable = 0
        for line in lines:
            header, colon, value = line.partition(":")
            if not header or not colon:
                unreadable += 1
                continue
            _put(message, header, value.removeprefix(" "))
        if len(self._known) < _MOST_KNOWN_NAMES:
            self._known.update(message)
        if unreadable:
            self._on_unreadable(raw, unreadable)
        return message


def _put(message: dict[str, str | list[str]], header: str, value: str) -> None:
    before = message.get(header)
    if before is None:
        message[header] = value
    elif header in _FIRST_COUNTS:
        return
    elif isinstance(before, str):
        message[header] = [before, value]
    else:
        before.append(value)

"""Bytes from an AMI client to actions, with Asterisk's own limits and complaints.

Source: Asterisk `main/manager.c`, do_message() and get_input(); limits measured on 22.10.1.
"""

from dataclasses import dataclass

from services.demo_pbx.core.actions.request import Request
from services.demo_pbx.core.channels import Headers

LONGEST_LINE = 1021
"""Bytes without the line's end."""
MOST_LINES = 128


@dataclass(frozen=True, slots=True)
class BadInput:
    """Input that is no action; `message` is what the client is told. The connection stays."""

    message: str


class ActionReader:
    """Takes bytes as they come; an action ends with an empty line. LF alone ends a line, too."""

    def __init__(self) -> None:
        self._rest = b""
        self._headers: Headers = []
        self._lines = 0
        self._skip_line = False
        self._too_long = False

    def feed(self, data: bytes) -> list[Request | BadInput]:
        """The actions (and complaints) that these bytes complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        done: list[Request | BadInput] = []
        for line in lines:
            result = self._take(line.removesuffix(b"\r"))
            if result is not None:
                done.append(result)
        if len(self._rest) > LONGEST_LINE + 1:
            # Nothing of an endless line is kept; its end will come one day.
            self._rest, self._skip_line = b"", True
        return done

    def _take(self, line: bytes) -> Request | BadInput | None:
        if self._skip_line or len(line) > LONGEST_LINE:
            self._skip_line, self._too_long = False, True
            return None
        if not line:
            return self._finish()
        self._lines += 1
        if self._lines > MOST_LINES:
            self._clear()
            return BadInput("Too many lines in message or allocation failure")
        name, colon, value = line.decode(errors="replace").partition(":")
        if colon:
            self._headers.append((name.strip(), value.lstrip(" ")))
        return None

    def _finish(self) -> Request | BadInput | None:
        headers, too_long, lines = self._headers, self._too_long, self._lines
        self._clear()
        if too_long:
            return BadInput("Failed to parse message: line too long")
        return Request(headers) if lines else None

    def _clear(self) -> None:
        self._headers, self._lines, self._too_long = [], 0, False

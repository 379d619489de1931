"""Cut the byte stream of AMI into messages, however it was chunked.

A message ends with CR LF CR LF and nothing else: a bare CR or LF belongs to a value (`Park` answers
``Park successful`` LF CR LF CR LF). A second empty line (after `QueueRule`) leaves an empty message, which
is no message. The cost is linear in the bytes also for one huge message in small chunks, and what is kept
is bounded: a message above ``limit`` is passed over to its end, and those after it come through.
"""

from __future__ import annotations

from collections.abc import Callable

_END = b"\r\n\r\n"
_BANNER_LIMIT = 1024
_HEAD = 4096
_BREAKS = b"\r\n"

BANNER = b"Asterisk Call Manager/"


class NotAmiError(ValueError):
    """What answered is no Manager Interface; ``line`` is how it greets."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        super().__init__(f"not a Manager Interface, it greets with {line[:80]!r}")


class MessageSplitter:
    """Takes chunks, gives whole messages without their end.

    Args:
        limit: the most bytes of one message.
        on_oversized: called once for each message above the limit, with its first bytes.
    """

    def __init__(self, limit: int, on_oversized: Callable[[bytes], None]) -> None:
        self._limit = limit
        self._on_oversized = on_oversized
        self._pending = bytearray()
        self._passing_over = False
        self.version: str | None = None
        """The version of AMI that the banner told; ``None`` before it came."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The messages that end in this chunk.

        Raises:
            NotAmiError: the first line is not the banner of a Manager Interface.
        """
        if self.version is None:
            chunk = self._after_banner(chunk)
        pending = self._pending
        if pending:
            # Scanning all that is pending again for each chunk would be quadratic: only the seam can be new.
            if _END not in pending[-3:] + chunk:
                pending += chunk
                if len(pending) > self._limit:
                    self._pass_over()
                return []
            chunk = bytes(pending) + chunk
        messages = chunk.split(_END)
        self._pending = bytearray(messages.pop())
        if self._passing_over and messages:
            del messages[0]
            self._passing_over = False
        if len(self._pending) > self._limit:
            self._pass_over()
        return messages

    def _after_banner(self, chunk: bytes) -> bytes:
        self._pending += chunk
        line, end, rest = bytes(self._pending).lstrip(_BREAKS).partition(b"\n")
        if not BANNER.startswith(line[: len(BANNER)]) or len(line) > _BANNER_LIMIT:
            raise NotAmiError(line)
        if not end:
            return b""
        if not line.startswith(BANNER):
            raise NotAmiError(line)
        self._pending = bytearray()
        self.version = line[len(BANNER) :].strip().decode("ascii", "replace")
        return rest

    def _pass_over(self) -> None:
        if not self._passing_over:
            self._passing_over = True
            self._on_oversized(bytes(self._pending[:_HEAD]))
        # The end may be cut between chunks: keep what could be its beginning.
        del self._pending[:-3]

"""How much memory a request's head and its trailers take, which no parser limits by itself."""

from __future__ import annotations

from services.gateway.errors import HeadTooLargeError

HEAD_BYTES = 64 * 1024
"""Request line, header fields and trailer fields together."""

_AROUND_A_FIELD = len(": \r\n")


class HeadMeter:
    """Counts what the parser tells, and what it keeps to itself until a line ends.

    Every method may raise ``HeadTooLargeError``. A line without an end is found out one read late.

    Attributes:
        wrong: what was raised; the parser hides it.
    """

    __slots__ = ("_silent", "_told", "wrong")

    def __init__(self) -> None:
        self.wrong: HeadTooLargeError | None = None
        self._told = 0
        self._silent = 0

    def begin(self) -> None:
        """A request begins."""
        self._told = self._silent = 0

    def address(self, part: bytes) -> None:
        """The parser tells a part of the address."""
        self._tell(len(part))

    def field(self, name: bytes, value: bytes) -> None:
        """It tells a field."""
        self._tell(len(name) + len(value) + _AROUND_A_FIELD)

    def body(self) -> None:
        """It tells a part of the body, which is limited elsewhere."""
        self._silent = -1

    def read(self, size: int) -> None:
        """So many bytes have been given to the parser, which has told by now what it tells of them."""
        self._silent = 0 if self._silent < 0 else self._silent + size
        self._check(self._silent)

    def _tell(self, size: int) -> None:
        self._silent = -1
        self._told += size
        self._check(self._told)

    def _check(self, size: int) -> None:
        if size > HEAD_BYTES:
            self.wrong = HeadTooLargeError(HEAD_BYTES)
            raise self.wrong

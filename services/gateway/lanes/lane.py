"""What the hub needs of the way to one client."""

from __future__ import annotations

from typing import Literal, Protocol

from services.gateway.core.batch import Batch

Transport = Literal["websocket", "sse", "long-poll"]
LaneName = Literal["raw", "asgi"]

HIGH_WATER = 96 * 1024
"""A lane with more than so many bytes on their way asks for a pause."""

LOW_WATER = 32 * 1024
"""With fewer again it takes more."""


class Reader(Protocol):
    """Who is to be told how a lane does. Both may be called within a ``write``."""

    def pause(self) -> None:
        """It holds more than :data:`HIGH_WATER`: nothing more should be written."""
        ...

    def go_on(self) -> None:
        """It has drained."""
        ...


class Lane(Protocol):
    """The way to one client. Everything returns at once; what is written comes in order."""

    transport: Transport
    name: LaneName

    def attach(self, reader: Reader) -> None:
        """Whom to tell."""
        ...

    def write(self, batch: Batch) -> None:
        """Send it. It is taken also while there is a pause."""
        ...

    def drop(self) -> None:
        """Forget what has not begun to be sent, as far as that can be taken back."""
        ...

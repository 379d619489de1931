"""NATS's clock, as far as this process can know it: what the deadlines of commands are told in.

Bridge and gateway run on machines whose clocks may differ by seconds, so both take the time of the one server
between them. How it is read: JetStream writes its time (``ts``) into every answer about a stream; it was
written somewhere between the question and the answer, in the middle as a guess, so the error is at most half
the round trip. The quickest of a few questions counts, and again every minute, for clocks drift.

Between two readings the time goes on with a clock that never jumps: setting the machine's clock changes
neither a deadline nor whether a command is late. A lost connection may come back to another server, so it
makes the time unknown until it is read again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from nats import errors

from services import cancellation
from services.jetstream.connection import Connection
from services.jetstream.log import LOG

log = logging.getLogger("pbxis.nats")

SKEW_MS = 1000
"""A difference between this machine's clock and NATS's that is worth a warning."""

_SUBJECT = f"$JS.API.STREAM.INFO.{LOG}"
_SAMPLES = 5
_ANSWER_WITHIN_S = 1.0
_AGAIN_S = 60.0
_RETRY_S = 0.5


class Sample(NamedTuple):
    """One reading. ``ahead_ms``: NATS's clock less ours, off by half the round trip at most."""

    round_trip_ms: float
    ahead_ms: float


def sample(sent_ms: float, received_ms: float, server_ms: float) -> Sample:
    """What one question tells; ``sent_ms`` and ``received_ms`` by our clock, ``server_ms`` by NATS's."""
    return Sample(received_ms - sent_ms, server_ms - (sent_ms + received_ms) / 2)


def best(samples: Sequence[Sample]) -> Sample:
    """The quickest: it leaves least room for error."""
    return min(samples, key=lambda one: one.round_trip_ms)


def parse_ts(payload: bytes) -> float | None:
    """The time in an answer about a stream, in ms since the epoch; ``None``: it holds none.

    An answer about a stream that is not there is an error without a time.
    """
    try:
        stamp = _decoder.decode(payload).ts
        return None if stamp is None else datetime.fromisoformat(stamp).timestamp() * 1000
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None


class _Answer(msgspec.Struct):
    ts: str | None = None


_decoder = msgspec.json.Decoder(_Answer)


def _wall_ms() -> float:
    return time.time_ns() / 1e6


def steady_ms() -> float:
    """Never set, never back; where the system can tell, it also counts the time asleep."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) / 1e6
    return time.monotonic_ns() / 1e6


class ServerClock:
    """The time of the NATS server at the other end of a connection."""

    def __init__(
        self,
        connection: Connection,
        *,
        wall_ms: Callable[[], float] = _wall_ms,
        steady_ms: Callable[[], float] = steady_ms,
    ) -> None:
        """The two clocks give milliseconds; tests give their own."""
        self._connection = connection
        self._wall_ms = wall_ms
        self._steady_ms = steady_ms
        self._base_ms: float | None = None
        self._offset_ms: float | None = None
        self._skewed = False
        self._changed = asyncio.Event()

    @property
    def offset_ms(self) -> int | None:
        """How far NATS's clock is ahead of this machine's; ``None``: not known on this connection (yet)."""
        return None if self._offset_ms is None else round(self._offset_ms)

    def now_ms(self) -> int | None:
        """NATS's time in ms since the epoch; ``None``: not known on this connection (yet)."""
        return None if self._base_ms is None else round(self._base_ms + self._steady_ms())

    async def run(self) -> None:
        """Keep to NATS's clock until cancelled; before that it raises nothing."""
        unlisten = self._connection.listen(self._on_change)
        try:
            while True:
                self._changed.clear()
                known = self._connection.connected and await self._read()
                cancellation.heed()
                await cancellation.seen(self._changed, _AGAIN_S if known else _RETRY_S)
        finally:
            unlisten()
            self._forget()

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self._forget()
        self._changed.set()

    def _forget(self) -> None:
        self._base_ms = self._offset_ms = None

    async def _read(self) -> bool:
        samples: list[Sample] = []
        for _ in range(_SAMPLES):
            one = await self._ask()
            if one is None:
                return False
            samples.append(one)
        if self._changed.is_set():
            return False  # lost meanwhile; some are of another server
        self._base_ms = best(samples).ahead_ms
        self._offset_ms = self._base_ms + self._steady_ms() - self._wall_ms()
        self._tell_skew(self._offset_ms)
        return True

    async def _ask(self) -> Sample | None:
        sent_ms = self._steady_ms()
        asking = self._connection.client.request(_SUBJECT, b"", timeout=_ANSWER_WITHIN_S)
        try:
            answer = await self._connection.call(asking)
        except (errors.Error, TimeoutError) as error:
            log.debug("NATS's clock cannot be read now: %s", error or type(error).__name__)
            return None
        received_ms = self._steady_ms()
        server_ms = parse_ts(answer.data)
        return None if server_ms is None else sample(sent_ms, received_ms, server_ms)

    def _tell_skew(self, offset_ms: float) -> None:
        skewed = abs(offset_ms) > SKEW_MS
        if skewed and not self._skewed:
            log.warning(
                "the clock of this machine is %.1f s %s NATS's: set one of them right, for the times that "
                "events show are off by as much",
                abs(offset_ms) / 1000,
                "behind" if offset_ms > 0 else "ahead of",
            )
        elif self._skewed and not skewed:
            log.info("the clock of this machine agrees with NATS's again")
        self._skewed = skewed

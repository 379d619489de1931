"""How fast AMI is read on one core: our protocol against panoramisk's own and against bare Python.

Run ``python -m benchmarks.ami_parsing``. The input is a recorded busy minute of a real Asterisk, all
classes (``tests/fixtures/ami/busy.ami.gz``), in chunks as asyncio may read them. All contenders take
turns in each round, so that a change of the machine's load hits all; the table gives medians.

Floors: cutting the bytes into messages, and these into lines, is what any reader in Python must do.
Both protocols hand every event over to a handler that does nothing.
The filtered row is what the bridge does in production: all messages come in, the wanted ones go out.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from services.ami_bridge.adapters.ami_protocol import AmiCounters, LeanProtocol, WantedEvents
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.wanted import WANTED_EVENTS, WANTED_VARIABLES

CAPTURE = Path(__file__).resolve().parent.parent / "tests/fixtures/ami/busy.ami.gz"
_CHUNK = 64 * 1024
_ROUNDS = 9
_END = b"\r\n\r\n"

Reader = Callable[[Sequence[bytes]], object]

MUST_REACH = {"ours, all events": 2.7, "ours, wanted events": 4.5}
"""Times panoramisk's own; see :func:`main`."""


class _Sink:
    """Takes events and drops them."""

    def receive(self, batch: list[AmiMessage]) -> bool:
        return True

    def on_answer(self, asked: Instant) -> None:
        return

    def on_lost(self, reason: str) -> None:
        return


class _NoTransport(asyncio.Transport):
    """Nothing is written in this benchmark."""


def _load() -> tuple[list[bytes], int, frozenset[str]]:
    """The capture in chunks, how many messages it holds, and the names of all its events."""
    stream = gzip.decompress(CAPTURE.read_bytes())
    messages = [message for message in stream.split(_END) if message.strip()]
    names = {m.partition(b"Event: ")[2].partition(b"\r\n")[0].decode() for m in messages}
    chunks = [stream[at : at + _CHUNK] for at in range(0, len(stream), _CHUNK)]
    return chunks, len(messages), frozenset(names - {""})


def _floor(chunks: Sequence[bytes]) -> int:
    rest = b""
    found = 0
    for chunk in chunks:
        messages = (rest + chunk).split(_END)
        rest = messages.pop()
        found += len(messages)
    return found


def _floor_lines(chunks: Sequence[bytes]) -> int:
    rest = b""
    lines = 0
    for chunk in chunks:
        messages = (rest + chunk).split(_END)
        rest = messages.pop()
        for message in messages:
            lines += len(message.split(b"\r\n"))
    return lines


def _ours(wanted: WantedEvents) -> Reader:
    def read(chunks: Sequence[bytes]) -> AmiCounters:
        counters = AmiCounters()
        protocol = LeanProtocol(_Sink(), wanted, counters)
        protocol.connection_made(_NoTransport())
        for chunk in chunks:
            protocol.data_received(chunk)
        return counters

    return read


def _take(manager: Manager, event: object) -> None:
    """panoramisk's handler of events, which does as little as our sink."""


def _stock(chunks: Sequence[bytes]) -> None:
    manager = Manager(loop=asyncio.get_running_loop())
    manager.register_event("*", _take)
    protocol = AMIProtocol()
    protocol.connection_made(_NoTransport())
    vars(protocol)["factory"] = manager
    for chunk in chunks:
        protocol.data_received(chunk)


async def main() -> None:
    """Measure and print the table; fails when a ratio of ``MUST_REACH`` is missed."""
    logging.getLogger("pbxis.bridge.ami").setLevel(logging.ERROR)  # nobody awaits the recorded login
    chunks, count, names = _load()
    contenders: dict[str, Reader] = {
        "floor: cut into messages": _floor,
        "floor: and into lines": _floor_lines,
        "ours, all events": _ours(WantedEvents(names)),
        "ours, wanted events": _ours(WantedEvents(WANTED_EVENTS, WANTED_VARIABLES)),
        "panoramisk's own": _stock,
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(_ROUNDS):
        for name, read in contenders.items():
            began = time.process_time()
            read(chunks)
            took[name].append(time.process_time() - began)
    size = sum(map(len, chunks))
    print(f"{count} messages of {size / count:.0f} B on average; CPU time, median of {_ROUNDS} rounds\n")
    print(f"{'':28}{'M msgs/s':>10}{'[lowest – highest]':>22}{'µs/msg':>9}{'× stock':>9}")
    stock_s = statistics.median(took["panoramisk's own"])
    for name, times in took.items():
        middle = statistics.median(times)
        spread = f"[{count / max(times) / 1e6:.3f} – {count / min(times) / 1e6:.3f}]"
        each_us = middle / count * 1e6
        print(f"{name:28}{1 / each_us:10.3f}{spread:>22}{each_us:9.2f}{stock_s / middle:9.2f}")
    shown = _ours(WantedEvents(WANTED_EVENTS, WANTED_VARIABLES))(chunks)
    assert isinstance(shown, AmiCounters)
    print(f"\nwanted: {shown.events} of {count} messages ({shown.events / count:.0%})")
    for name, least in MUST_REACH.items():
        ratio = stock_s / statistics.median(took[name])
        assert ratio >= least, f"{name}: {ratio:.2f} × stock, should be {least} at least"


if __name__ == "__main__":
    asyncio.run(main())

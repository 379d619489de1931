"""The gateway's figures for Prometheus, collected when they are asked for.

The hot path only adds to ``StreamCounters``; all else is read here, at a scrape. There is a registry of its
own, none of the library's global state, so that two gateways in one process do not meet. To add a figure:
a row here and one in `docs/metrics.md`; a test compares the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from services.gateway.core.position import Position
from services.gateway.counters import StreamCounters
from shared.events import PbxWord

__all__ = ["CONTENT_TYPE", "Figures", "Metrics", "Ring", "Streams"]

_PREFIX = "pbxis_gateway_"
_STATUSES: tuple[str, ...] = get_args(PbxWord)

_COUNTERS: Mapping[str, str] = {
    "events_in": "Messages taken from the log.",
    "deliveries": "Events written to clients, each client counted.",
    "writes": "Writes to clients' connections.",
    "openings": "Streams and polls that were given a beginning.",
    "resets": "Times a client that had a state was given it anew.",
    "lagged": "Times a client fell behind.",
    "caught_up": "Times a client that had fallen behind read again.",
    "closed_too_slow": "Clients that were ended because they did not read.",
    "feed_restarts": "Times the state was read anew from NATS.",
}
_WAYS = (
    ("websocket", "raw"),
    ("websocket", "asgi"),
    ("sse", "raw"),
    ("sse", "asgi"),
    ("long-poll", "asgi"),
)

_RESUMED: Mapping[str, Callable[[StreamCounters], int]] = {
    "ring": lambda counters: counters.resumed_from_ring,
    "log": lambda counters: counters.resumed_from_log,
}


class Ring(Protocol):
    """The newest messages of the log, in memory."""

    def __len__(self) -> int:
        """How many messages."""
        ...

    @property
    def size(self) -> int:
        """Bytes of their payloads."""
        ...


class Streams(Protocol):
    """What the hub tells of itself."""

    @property
    def counters(self) -> StreamCounters:
        """What it counted."""
        ...

    @property
    def ring(self) -> Ring:
        """What it can resume clients from."""
        ...

    @property
    def lagging(self) -> int:
        """How many clients are behind now."""
        ...

    @property
    def log_contact(self) -> bool:
        """Whether it hears the log."""
        ...

    def clients_by(self) -> Mapping[tuple[str, str], int]:
        """How many clients there are, by transport and lane."""
        ...

    def position(self) -> Position | None:
        """Where it is in the log; ``None`` while it has no state."""
        ...

    def pbx_statuses(self) -> Mapping[str, str]:
        """The status that each PBX is shown with."""
        ...


class Figures(Collector):
    """What the gateway knows of itself, as metric families."""

    def __init__(
        self,
        streams: Streams,
        *,
        version: str,
        not_ready: Callable[[], list[str]],
        actions_under_way: Callable[[], int],
    ) -> None:
        self._streams = streams
        self._version = version
        self._not_ready = not_ready
        self._actions_under_way = actions_under_way

    def collect(self) -> Iterator[Metric]:
        """Every family, read now; to be called inside the event loop."""
        yield from self._gateway()
        yield from self._log()
        yield from self._clients()
        yield from self._counters()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the registry would otherwise collect once just to learn the names."""
        return ()

    def _gateway(self) -> Iterator[Metric]:
        yield _labelled("build_info", "Which pbxis this is.", ("version",), {(self._version,): 1})
        yield _gauge("ready", "1 when it can show live figures.", not self._not_ready())
        yield _gauge("tasks", "asyncio tasks.", len(asyncio.all_tasks()))
        yield _gauge("actions_under_way", "Actions that have no end yet.", self._actions_under_way())
        shown = self._streams.pbx_statuses().items()
        statuses = {(pbx, one): one == status for pbx, status in shown for one in _STATUSES}
        yield _labelled(
            "pbx_status", "1 for the status that the PBX is shown with.", ("pbx", "status"), statuses
        )

    def _log(self) -> Iterator[Metric]:
        streams, position = self._streams, self._streams.position()
        known = {} if position is None else {(position.generation,): 1}
        yield _labelled("log_info", "Which log it reads; none while it has no state.", ("generation",), known)
        yield _gauge("log_contact", "1 when it hears the log.", streams.log_contact)
        yield _gauge(
            "log_sequence", "The newest message it has; 0: none.", position.sequence if position else 0
        )
        yield _gauge("ring_messages", "Messages in memory to resume from.", len(streams.ring))
        yield _gauge("ring_bytes", "Bytes of their payloads.", streams.ring.size)

    def _clients(self) -> Iterator[Metric]:
        found = {**dict.fromkeys(_WAYS, 0), **self._streams.clients_by()}  # also those that nobody takes
        yield _labelled("clients", "Clients by transport and lane.", ("transport", "lane"), found)
        yield _gauge("clients_lagging", "Clients that are behind.", self._streams.lagging)

    def _counters(self) -> Iterator[Metric]:
        counters = self._streams.counters
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(_PREFIX + name, text, value=getattr(counters, name))
        resumed = CounterMetricFamily(
            _PREFIX + "resumed", "Openings that went on behind the client's id.", labels=("source",)
        )
        for source, of in _RESUMED.items():
            resumed.add_metric((source,), of(counters))
        yield resumed


class Metrics:
    """The figures and those of the process, as text."""

    def __init__(self, figures: Figures) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(figures)
        ProcessCollector(registry=self._registry)

    def families(self) -> Iterable[Metric]:
        """All of them."""
        return self._registry.collect()

    def text(self) -> bytes:
        """Prometheus's text format, version 0.0.4."""
        return generate_latest(self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, text, value=value)


def _labelled(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family

"""One gateway, put together: the only place that joins hub, tickets, routes and the edge."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from services.gateway.action_desk import ActionDesk
from services.gateway.edge import AsgiApp, Edge
from services.gateway.hub import Hub
from services.gateway.key_ring import KeyRing
from services.gateway.metrics import Figures, Metrics
from services.gateway.ports import AuditReader, Clock, LogHistory, TicketStore
from services.gateway.replay import Replay
from services.gateway.routes import actions, async_api, audit, health, metrics, pages, schema, stop, tickets
from services.gateway.routes.problems import MAX_BODY, answer
from services.gateway.routes.streams import Streams
from services.gateway.settings import Settings
from services.gateway.subscription import End
from services.gateway.ticket_desk import TicketDesk
from services.gateway.version import version

_TICK_S = 0.5
_RETRY_MS = 100, 2000
"""When the clients of a stopping gateway come back: spread out, each at a time of its own."""


class _Litestar(Litestar):
    """Without the plugins for pydantic and attrs: loading what nobody uses takes 0.1 s and 15 MiB."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


@dataclass(frozen=True)
class Gateway:
    """A gateway without its server and without the feed, which drives ``hub``.

    ``stop_asked`` is set when somebody asked for its end (`POST /stop`).
    """

    settings: Settings
    hub: Hub
    ring: KeyRing
    desk: TicketDesk
    replay: Replay
    litestar: Litestar
    asgi: Edge
    readers: audit.Audit
    not_ready: Callable[[], list[str]]
    stop_asked: asyncio.Event

    async def run(self) -> None:
        """Keep time, tickets and streams going until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.desk.run())
            group.create_task(self.ring.run())
            group.create_task(self.replay.run())
            group.create_task(_every(_TICK_S, self.hub.tick))
            group.create_task(_every(self.settings.ping_interval_s, self.hub.ping))

    def stop(self) -> None:
        """End every stream in a way that lets its client go on elsewhere."""
        self.hub.end_all(End.STOPPING)
        self.readers.stop()


def build(
    settings: Settings,
    store: TicketStore,
    clock: Clock,
    action_desk: ActionDesk,
    audit_reader: AuditReader,
    history: LogHistory,
    *,
    waits_for: Callable[[], list[str]] = list,
) -> Gateway:
    """Join everything; to be called inside the event loop that will serve.

    ``waits_for`` tells what else is missing before it can serve.
    """
    loop = asyncio.get_running_loop()
    hub = Hub(settings.pbxs, clock, loop)
    ring = KeyRing(settings.keys_file, clock, required=not settings.keyless)
    desk = TicketDesk(
        store,
        clock,
        ring,
        keyless=settings.keyless,
        ttl_s=settings.ticket_ttl_s,
        random=secrets.token_bytes,
    )
    streams = Streams(settings, hub, desk, lambda: random.randint(*_RETRY_MS))
    readers = audit.Audit(settings, ring, audit_reader)
    stop_asked = asyncio.Event()

    def not_ready() -> list[str]:
        return [*hub.not_ready, *desk.not_ready, *ring.not_ready, *waits_for()]

    figures = Figures(
        hub, version=version(), not_ready=not_ready, actions_under_way=lambda: action_desk.under_way
    )
    inner = _Litestar(
        route_handlers=[
            *tickets.routes(streams, ring, clock),
            *actions.routes(actions.Actions(settings, ring, hub.states, action_desk)),
            *stop.routes(settings, ring, action_desk, stop_asked.set),
            *schema.routes(),
            *async_api.routes(),
            *health.routes(not_ready),
            *metrics.routes(Metrics(figures)),
            *pages.routes(settings.static),
        ],
        exception_handlers={Exception: answer},
        openapi_config=None,  # the document is our own: `routes/openapi/`
        request_max_body_size=MAX_BODY,
        logging_config=None,
    )
    edge = Edge(cast("AsgiApp", inner), streams, readers)
    replay = Replay(hub, history)
    return Gateway(settings, hub, ring, desk, replay, inner, edge, readers, not_ready, stop_asked)


async def _every(interval_s: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(interval_s)
        action()

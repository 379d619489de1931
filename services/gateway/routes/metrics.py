"""`GET /metrics`: the gateway's figures, for Prometheus."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.gateway.metrics import CONTENT_TYPE, Metrics


def routes(metrics: Metrics) -> list[HTTPRouteHandler]:
    """The route."""

    # Not in a thread: what it reads belongs to the event loop.
    @get("/metrics", name="metrics", summary="Figures for Prometheus", operation_id="metrics")
    async def figures() -> Response[bytes]:
        headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE}
        return Response(metrics.text(), headers=headers)

    return [figures]

"""`GET /health/live` and `/health/ready`: for whoever runs the gateway."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from services.gateway.errors import NotReadyError


class Health(msgspec.Struct, frozen=True):
    """It is well; what is not well is a problem document."""

    status: str


def routes(not_ready: Callable[[], list[str]]) -> list[HTTPRouteHandler]:
    """The routes; ``not_ready`` tells why the gateway cannot show live figures."""

    @get("/health/live", summary="Does the process answer?", operation_id="live", tags=["operations"])
    async def live() -> Health:
        """Answers as long as the process does. Restart it when this does not."""
        return Health("live")

    @get("/health/ready", summary="Can it show live figures?", operation_id="ready", tags=["operations"])
    async def ready() -> Health:
        """Send clients only where this answers 200. Otherwise the reasons say what is missing."""
        reasons = not_ready()
        if reasons:
            raise NotReadyError(reasons)
        return Health("ready")

    return [live, ready]

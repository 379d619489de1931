"""`GET /schema`: the OpenAPI document. What stands in it is in ``openapi/``."""

from __future__ import annotations

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.gateway.routes.openapi.document import document


def routes() -> list[HTTPRouteHandler]:
    """The route."""
    rendered = msgspec.json.encode(document())

    @get(["/schema", "/schema/openapi.json"], name="schema")
    async def schema() -> Response[bytes]:
        return Response(rendered, media_type="application/json")

    return [schema]

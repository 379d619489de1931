"""`GET /schema/events`: the AsyncAPI document. What stands in it is in ``asyncapi/``."""

from __future__ import annotations

import asyncio

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler


class _Rendered:
    """Made when it is first asked for, in a thread: FastStream takes a moment to import."""

    def __init__(self) -> None:
        self._body: bytes | None = None
        self._making = asyncio.Lock()

    async def body(self) -> bytes:
        async with self._making:
            if self._body is None:
                self._body = await asyncio.to_thread(_render)
        return self._body


def _render() -> bytes:
    from services.gateway.routes.asyncapi.document import document

    return msgspec.json.encode(document())


def routes() -> list[HTTPRouteHandler]:
    """The route."""
    rendered = _Rendered()

    @get(["/schema/events", "/schema/asyncapi.json"], name="asyncSchema")
    async def schema() -> Response[bytes]:
        return Response(await rendered.body(), media_type="application/json")

    return [schema]

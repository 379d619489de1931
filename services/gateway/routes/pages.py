"""The pages: static files that `make web` built. A page reads its parameters from its own address."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.gateway.errors import NotFoundError, PagesMissingError

TRANSPORTS = ("long-poll", "sse", "websocket")

# Litestar adds the charset (UTF-8) to text.
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8}\.[a-z0-9]+(\.map)?$")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def routes(static: Path) -> list[HTTPRouteHandler]:
    """The routes; ``static`` is the folder of the built files."""

    @get("/", include_in_schema=False)
    async def index() -> Response[bytes]:
        return await _page(static, "index.html")

    @get("/client/{tech:str}/{agents:str}/{queues:str}", include_in_schema=False)
    async def client(tech: FromPath[str], agents: FromPath[str], queues: FromPath[str]) -> Response[bytes]:
        if tech not in TRANSPORTS:
            raise NotFoundError
        return await _page(static, "client.html")

    @get("/static/{path:path}", include_in_schema=False)
    async def asset(path: FromPath[str]) -> Response[bytes]:
        return await _file(static, path.lstrip("/"))

    return [index, client, asset]


async def _page(static: Path, name: str) -> Response[bytes]:
    content = await asyncio.to_thread(_read, static / name)
    if content is None:
        raise PagesMissingError
    return Response(content, media_type=_TYPES[".html"], headers={"cache-control": _ASK_AGAIN})


async def _file(static: Path, path: str) -> Response[bytes]:
    content = await asyncio.to_thread(_read_inside, static, path)
    media_type = _TYPES.get(Path(path).suffix)
    if content is None or media_type is None:
        raise NotFoundError
    caching = _FOR_EVER if _HASHED.search(path) else _ASK_AGAIN
    return Response(content, media_type=media_type, headers={"cache-control": caching})


def _read_inside(static: Path, path: str) -> bytes | None:
    """The file, unless the path leads out of the folder or through a hidden name."""
    if "\0" in path or any(part.startswith(".") for part in path.split("/")):
        return None
    root = static.resolve()
    file = (root / path).resolve()
    return _read(file) if file.is_relative_to(root) else None


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None

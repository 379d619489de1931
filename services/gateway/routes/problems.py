"""Litestar's errors and ours as answers."""

from __future__ import annotations

import logging
import re
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute

from services.gateway.errors import (
    BadParameterError,
    GatewayError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    RequestTimeoutError,
    TooLargeError,
    problem,
)

log = logging.getLogger("pbxis.gateway")

MAX_BODY = 1024 * 1024

_GONE = "client disconnected prematurely"  # Litestar has no class for it
AnyRequest = Request[Any, Any, Any]


def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Any error as application/problem+json."""
    status, headers, body = problem(_translate(request, error))
    return Response(body, status_code=status, headers=dict(headers), media_type=headers["Content-Type"])


def _translate(request: AnyRequest, error: Exception) -> GatewayError:
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == MethodNotAllowedError.status:
            return MethodNotAllowedError(_allowed(request))
        if error.status_code == TooLargeError.status:
            return TooLargeError(MAX_BODY)
        if error.status_code == NotFoundError.status:
            return NotFoundError()
        if error.status_code < InternalError.status:
            return BadParameterError("request", error.detail)
        if error.detail == _GONE:  # or its body came too late; nobody reads the answer
            return RequestTimeoutError("body")
    log.error("a request failed", exc_info=error)
    return InternalError()


def _allowed(request: AnyRequest) -> str:
    """The methods of a path, which Litestar does not tell."""
    methods: set[str] = set()
    for route in request.app.routes:
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", route.path_format)
        if isinstance(route, HTTPRoute) and re.fullmatch(pattern, request.scope["path"].rstrip("/") or "/"):
            methods.update(route.methods)
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))

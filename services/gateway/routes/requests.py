"""What the routes read of a request beside its path, and how they answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from litestar.background_tasks import BackgroundTask
from litestar.response.base import ASGIResponse

from services.gateway.errors import BadJsonError, BadParameterError, GatewayError, problem
from services.gateway.routes.problems import AnyRequest

COMMAND_ID = "Pbxis-Cmd-Id"
"""A header of the answer: the name that the attempt has in the audit and in the bridge's log."""

IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_PATTERN = r"[\x21-\x7e]{1,255}"

_KEY = re.compile(IDEMPOTENCY_PATTERN)
_JSON = re.compile(r"application/(?:[a-z0-9.-]+\+)?json *(?:;.*)?", re.IGNORECASE)
# `curl -d` and urllib say this of any body unless told otherwise.
_UNSAID = "application/x-www-form-urlencoded"
_NO_STORE = {"cache-control": "no-store"}


def idempotency_key(request: AnyRequest) -> str | None:
    """The client's name for this order; ``None`` when it gave none.

    Raises:
        BadParameterError: it is no such name, or there are two.
    """
    found = {value for name, value in request.scope["headers"] if name == b"idempotency-key"}
    if not found:
        return None
    key = found.pop().decode("latin-1")
    if found or not _KEY.fullmatch(key):
        raise BadParameterError(IDEMPOTENCY_KEY, "it must be 1 to 255 visible ASCII characters, once")
    return key


async def body_of(request: AnyRequest) -> bytes:
    """The body.

    Raises:
        BadJsonError: it is said to be something else than JSON.
    """
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if body and kind and not _JSON.fullmatch(kind) and kind.partition(";")[0].strip().lower() != _UNSAID:
        raise BadJsonError("The body must be JSON, with Content-Type: application/json.")
    return body


def json_answer(
    value: object, headers: Mapping[str, str] | None = None, *, background: BackgroundTask | None = None
) -> ASGIResponse:
    """A value as JSON, not to be kept by any cache; ``background`` runs when it has been written."""
    return ASGIResponse(
        body=msgspec.json.encode(value),
        media_type="application/json",
        headers={**_NO_STORE, **(headers or {})},
        status_code=200,
        background=background,
    )


def problem_answer(error: GatewayError, headers: Mapping[str, str]) -> ASGIResponse:
    """An error of ours as application/problem+json, with more headers."""
    status, own, body = problem(error)
    return ASGIResponse(
        body=body, media_type=own["Content-Type"], headers={**own, **headers}, status_code=status
    )

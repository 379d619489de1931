"""Receive a gateway's events in a terminal: make a ticket, read its WebSocket, come back when it breaks."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from services.terminal.given_key import HOW
from shared.errors import CallCentreError

_TIMEOUT_S = 10.0
_PAUSE_S = 1.0
_SILENCE_S = 40.0  # the gateway sends a ping every 15 s


class GatewayRefusedError(CallCentreError):
    """The gateway gave no ticket, or ended the stream for good."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway redirects nobody, and whoever else does must not get the key."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def events(
    url: str, agents: Sequence[str], queues: Sequence[str], key: str | None = None
) -> Iterator[dict[str, Any]]:
    """Every event of a ticket for these agents and queues, for ever; resumes where it broke off.

    The API key makes the ticket and is sent nowhere else. While there is no connection it yields
    ``{"type": "disconnected", "reason": …}``.

    Raises:
        GatewayRefusedError: the gateway cannot be reached at the start, or says no.
    """
    ticket = _ticket(url, agents, queues, key)
    position: str | None = None
    while True:
        try:
            for event in _session(url, ticket, position):
                position = cast("str | None", event.get("id")) or position
                yield event
        except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
            code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else None
            if code is not None and (code == 1008 or 4500 <= code < 5000):
                reason = f"the stream was ended ({code}): the ticket, or the key that made it, was revoked"
                raise GatewayRefusedError(url, reason) from error
            yield {"type": "disconnected", "reason": str(error) or type(error).__name__}
            time.sleep(_PAUSE_S)


def _ticket(url: str, agents: Sequence[str], queues: Sequence[str], key: str | None) -> str:
    body = msgspec.json.encode({"agents": agents, "queues": queues, "callers": True})
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(  # noqa: S310 - the operator's own address
        f"{url}/ticket", data=body, headers=headers, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_S) as answer:
            return msgspec.json.decode(answer.read(), type=str)
    except urllib.error.HTTPError as error:
        raise GatewayRefusedError(url, _detail(error) + _advice(error.code, key)) from error
    except OSError as error:
        raise GatewayRefusedError(url, f"cannot be reached: {error}") from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        problem = msgspec.json.decode(error.read(), type=dict[str, Any])
    except msgspec.DecodeError:
        return f"answered {error.code}"
    return f"answered {error.code}: {problem.get('detail') or problem.get('title')}"


def _advice(status: int, key: str | None) -> str:
    """What to do here about an answer that was written for programs."""
    if status == http.HTTPStatus.UNAUTHORIZED:
        return (
            f"\n  {HOW}"
            if key is None
            else "\n  the key that was given is not one of that gateway's, or revoked"
        )
    if status == http.HTTPStatus.FORBIDDEN:
        return "\n  `pbxis key list` shows what each key is for"
    return ""


def _session(url: str, ticket: str, position: str | None) -> Iterator[dict[str, Any]]:
    address = f"{'ws' + url.removeprefix('http')}/{ticket}/websocket"
    if position:
        address += f"?after={position}"
    with connect(address, open_timeout=_TIMEOUT_S, max_size=None) as stream:
        while True:
            yield msgspec.json.decode(stream.recv(timeout=_SILENCE_S), type=dict[str, Any])

"""Receive a gateway's events in a terminal: make a ticket, read its WebSocket, come back when it breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from services.terminal.gateway_http import GatewayRefusedError, on_this_machine, request

_TIMEOUT_S = 10.0
_PAUSE_S = 1.0
_SILENCE_S = 40.0  # the gateway sends a ping every 15 s


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
    try:
        with request(url, "/ticket", key, body=body, headers=headers) as answer:
            return msgspec.json.decode(answer.read(), type=str)
    except OSError as error:
        raise GatewayRefusedError(url, f"cannot be reached: {error}") from error


def _session(url: str, ticket: str, position: str | None) -> Iterator[dict[str, Any]]:
    address = f"{'ws' + url.removeprefix('http')}/{ticket}/websocket"
    if position:
        address += f"?after={position}"
    proxy = None if on_this_machine(url) else True  # True: as the environment says
    with connect(address, open_timeout=_TIMEOUT_S, max_size=None, proxy=proxy) as stream:
        while True:
            yield msgspec.json.decode(stream.recv(timeout=_SILENCE_S), type=dict[str, Any])

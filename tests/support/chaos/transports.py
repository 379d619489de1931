"""How a client reads one connection, resuming where it was told to; it ends as the connection does.

Whatever means "come back" is one error, :class:`ComeBackError`; whatever means "do not" is another, which
no test of a good ticket expects.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

Event = dict[str, Any]
Read = Callable[[str, str, "str | None", float], AsyncIterator[Event]]

OF_NO_LOG = "0-0"
"""A position that no log has. A long poll that gives it back gets `reset` and the state, also when the answer
to its first request was lost, after which the service would go on behind that answer."""

_DO_NOT_COME_BACK = range(4500, 5000)
_POLICY = 1008


class ComeBackError(Exception):
    """The connection ended, could not be made, or said nothing for too long."""


class RefusedError(ComeBackError):
    """A gateway answered that it has no figures now: who sees that shows none as live."""


class SentAwayError(AssertionError):
    """The client was told not to come back."""


async def _websocket(url: str, ticket: str, after: str | None, patience_s: float) -> AsyncIterator[Event]:
    query = f"?after={after}" if after else ""
    address = f"ws{url.removeprefix('http')}/{ticket}/websocket{query}"
    try:
        async with connect(
            address, max_size=None, open_timeout=patience_s, close_timeout=0.2, proxy=None, compression=None
        ) as stream:
            while True:
                async with asyncio.timeout(patience_s):
                    message = await stream.recv()
                yield json.loads(message)
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else None
        if code is not None and (code == _POLICY or code in _DO_NOT_COME_BACK):
            raise SentAwayError(f"WebSocket closed with {code}") from error
        raise ComeBackError(f"closed with {code}") from error
    except (OSError, InvalidHandshake, InvalidMessage, TimeoutError) as error:
        raise ComeBackError(str(error)) from error


async def _sse(url: str, ticket: str, after: str | None, patience_s: float) -> AsyncIterator[Event]:
    event: Event = {}
    headers = {"Last-Event-ID": after} if after else {}
    timeout = httpx.Timeout(patience_s)
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False) as http,
            http.stream("GET", f"{url}/{ticket}/sse", headers=headers) as answer,
        ):
            assert answer.status_code == 200, answer.status_code
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event["type"] = value
                elif name == "data":
                    event |= json.loads(value)
                elif name == "id" and value:
                    event["id"] = value
                elif not line and "type" in event:
                    if event["type"] in ("closed", "close"):
                        raise SentAwayError(f"SSE told {event}")
                    yield event
                    event = {}
    except (OSError, httpx.TransportError) as error:
        raise ComeBackError(str(error)) from error
    raise ComeBackError("ended")


async def _long_poll(url: str, ticket: str, after: str | None, patience_s: float) -> AsyncIterator[Event]:
    position = after or OF_NO_LOG
    try:
        async with httpx.AsyncClient(timeout=patience_s, trust_env=False) as http:
            while True:
                answer = await http.get(f"{url}/{ticket}/long-poll", params={"after": position})
                if answer.status_code == 503:
                    assert int(answer.headers["Retry-After"]) > 0
                    raise RefusedError(answer.text)
                if answer.status_code == 404:
                    raise SentAwayError(f"long poll: {answer.text}")
                assert answer.status_code == 200, answer.text
                for event in answer.json():
                    position = event.get("id", position)
                    yield event
                if "Retry-After" in answer.headers:
                    raise ComeBackError("the gateway stops")
    except (OSError, httpx.TransportError) as error:
        raise ComeBackError(str(error)) from error


TRANSPORTS: dict[str, Read] = {"websocket": _websocket, "sse": _sse, "long-poll": _long_poll}

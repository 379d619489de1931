"""Receive a gateway's events in a terminal: make a ticket, read its WebSocket, come back when it breaks.

Every new connection resumes behind the last id, so that no event is missed or comes twice; what cannot be
resumed begins with ``reset``. A ticket that is not known any more (NATS was made anew, or the terminal slept
for days) is replaced, unless the stream was live: then it was revoked, and that is the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from services.terminal.comeback import UNKNOWN_TICKET, backoff_s, is_for_good, told_s
from services.terminal.gateway_http import GatewayRefusedError, on_this_machine, request

Event = dict[str, Any]

_TIMEOUT_S = 10.0
_SILENCE_S = 37.5  # the gateway sends a ping every 15 s: 2.5 of them
_CLOSE_WITHIN_S = 0.5  # a gateway that is silent does not say goodbye either
_GOOD_AFTER_S = 10.0
_SERVER_ERROR = 500


def events(
    url: str,
    agents: Sequence[str],
    queues: Sequence[str],
    key: str | None = None,
    *,
    silence_s: float = _SILENCE_S,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Every event of a ticket for these agents and queues, for ever; resumes where it broke off.

    The API key makes the ticket and is sent nowhere else. From where a connection is lost, or has said
    nothing for ``silence_s``, up to the next ``ready`` figures are not live; it begins with
    ``{"type": "disconnected", "reason": …}``. ``wait`` sleeps for so many seconds.

    Raises:
        GatewayRefusedError: the gateway cannot be reached at the start, says no, or ended it for good.
    """
    body = msgspec.json.encode({"agents": agents, "queues": queues, "callers": True})
    follower = _Follower(url, body, key, silence_s)
    try:
        follower.make_ticket()
    except OSError as error:
        raise GatewayRefusedError(url, f"cannot be reached: {error}") from error
    while True:
        yield from follower.follow()
        yield {"type": "disconnected", "reason": follower.reason}
        wait(follower.wait_s)


class _Follower:
    """One terminal's place in the stream. ``reason`` and ``wait_s`` tell of the last connection's end."""

    def __init__(self, url: str, scope: bytes, key: str | None, silence_s: float) -> None:
        self.reason = ""
        self.wait_s = 0.0
        self._url = url
        self._scope = scope
        self._key = key
        self._silence_s = silence_s
        self._ticket: str | None = None
        self._position: str | None = None
        self._given = False
        self._live_since: float | None = None
        self._failures = 0

    def make_ticket(self) -> str:
        """Make a ticket if there is none.

        Raises:
            GatewayRefusedError: the gateway says no.
            OSError: it cannot be reached.
        """
        if self._ticket is None:
            headers = {"Content-Type": "application/json"}
            with request(self._url, "/ticket", self._key, body=self._scope, headers=headers) as answer:
                self._ticket = msgspec.json.decode(answer.read(), type=str)
        return self._ticket

    def follow(self) -> Iterator[Event]:
        """The events of one connection, to its end.

        Raises:
            GatewayRefusedError: it ended for good.
        """
        self._live_since = None
        try:
            yield from self._events(self.make_ticket())
        except ConnectionClosed as error:
            self._closed(error)
        except GatewayRefusedError as error:
            if error.status < _SERVER_ERROR:
                raise
            self._lost(str(error))
        except (OSError, InvalidHandshake, TimeoutError) as error:
            self._lost(str(error) or type(error).__name__)

    def _events(self, ticket: str) -> Iterator[Event]:
        if self._position is None and self._given:
            yield {"type": "reset"}  # what the gateway, which was told of nothing to resume, would not say
        for event in self._session(ticket):
            if event["type"] == "ready":
                self._live_since = time.monotonic()
            elif event["type"] == "reset":
                self._position = None
            self._position = event.get("id") or self._position
            self._given = True
            yield event

    def _session(self, ticket: str) -> Iterator[Event]:
        address = f"{'ws' + self._url.removeprefix('http')}/{ticket}/websocket"
        if self._position:
            address += f"?after={self._position}"
        proxy = None if on_this_machine(self._url) else True  # True: as the environment says
        with connect(
            address, open_timeout=_TIMEOUT_S, close_timeout=_CLOSE_WITHIN_S, max_size=None, proxy=proxy
        ) as stream:
            while True:
                yield msgspec.json.decode(stream.recv(timeout=self._silence_s), type=Event)

    def _closed(self, error: ConnectionClosed) -> None:
        code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (0, "")
        if code == UNKNOWN_TICKET and self._live_since is None:
            self._ticket = None
            return self._lost("the ticket is not known any more")
        if is_for_good(code):
            said = f"the stream was ended ({code}): the ticket, or the key that made it, was revoked"
            raise GatewayRefusedError(self._url, said) from error
        told = told_s(code, reason)
        if told is None:
            return self._lost(str(error))
        self.reason, self.wait_s = reason, told
        return None

    def _lost(self, reason: str) -> None:
        held = self._live_since is not None and time.monotonic() - self._live_since >= _GOOD_AFTER_S
        self._failures = 1 if held else self._failures + 1
        self.reason, self.wait_s = reason, backoff_s(self._failures, random.random())

"""A small AMI client for tests: acts, reads lists, waits for events.

It shares no code with the bridge, so that a fault in the bridge's reading cannot hide itself in a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

_DEADLINE_S = 5.0
_T = TypeVar("_T")


class AmiMessage:
    """One message: its headers in order, names compared without case, values as sent."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.headers = headers

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        if not values:
            raise KeyError(f"{name} in {self}")
        return values[0]

    def __repr__(self) -> str:
        return "<" + ", ".join(f"{name}: {value}" for name, value in self.headers) + ">"

    def get(self, name: str, default: str = "") -> str:
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def matches(self, name: str, wanted: dict[str, str]) -> bool:
        """Is it the event ``name`` with these header values?"""
        return self.get("Event") == name and all(
            self.get(header) == value for header, value in wanted.items()
        )


class AmiRefusedError(Exception):
    """Asterisk answered an action with an error."""

    def __init__(self, response: AmiMessage) -> None:
        self.response = response
        super().__init__(response.get("Message"))


class AmiClosedError(Exception):
    """The connection ended."""


class AmiClient:
    """A logged-in AMI session. Made by `connect`; an async context manager.

    Attributes:
        banner: what Asterisk says first.
        events: events received and not yet taken by `event`, oldest first.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.banner = ""
        self.events: list[AmiMessage] = []
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._responses: dict[str, asyncio.Future[AmiMessage]] = {}
        self._lists: dict[str, list[AmiMessage]] = {}
        self._ended: dict[str, asyncio.Future[None]] = {}
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.closed = False

    @classmethod
    async def connect(
        cls,
        port: int,
        username: str,
        secret: str,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = _DEADLINE_S,
    ) -> AmiClient:
        """Connect to loopback and log in.

        Raises:
            OSError: nobody listens there.
            TimeoutError: no banner or no answer in time.
            AmiRefusedError: the login was refused.
            AmiClosedError: the connection ended before it was answered.
        """
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, limit=2**20)
            client = cls(reader, writer)
            try:
                client.banner = (await reader.readuntil(b"\r\n")).decode().strip()
                client._reading = asyncio.create_task(client._read())
                await client.action("Login", Username=username, Secret=secret)
            except asyncio.IncompleteReadError as error:
                await client.close()
                raise AmiClosedError from error
            except BaseException:
                await client.close()
                raise
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def send(self, name: str, **headers: str) -> AmiMessage:
        """Send an action and return its response, an error too."""
        action_id, response = self._begin()
        self._write(name, action_id, headers)
        return await self._within(response)

    async def action(self, name: str, **headers: str) -> AmiMessage:
        """Send an action that must succeed.

        Raises:
            AmiRefusedError: Asterisk answered ``Error``.
        """
        response = await self.send(name, **headers)
        if response.get("Response") not in ("Success", "Goodbye"):
            raise AmiRefusedError(response)
        return response

    async def list(self, name: str, **headers: str) -> list[AmiMessage]:
        """Send an action that answers with a list, and return its items without the closing event."""
        action_id, response = self._begin()
        items = self._lists[action_id] = []
        ended = self._ended[action_id] = asyncio.get_running_loop().create_future()
        self._write(name, action_id, headers)
        try:
            first = await self._within(response)
            if first.get("Response") != "Success":
                raise AmiRefusedError(first)
            await self._within(ended)
        finally:
            del self._lists[action_id], self._ended[action_id]
        return items

    async def event(self, name: str, *, timeout_s: float = _DEADLINE_S, **headers: str) -> AmiMessage:
        """Take the oldest event of that name with these header values; wait for it when it is yet to come.

        Raises:
            TimeoutError: it did not come; names the events that did.
        """
        await self.until(
            lambda: any(event.matches(name, headers) for event in self.events),
            f"event {name} {headers}",
            timeout_s=timeout_s,
        )
        event = next(event for event in self.events if event.matches(name, headers))
        self.events.remove(event)
        return event

    async def until(
        self, condition: Callable[[], bool], what: str, *, timeout_s: float = _DEADLINE_S
    ) -> None:
        """Wait until a condition over `events` holds; it is asked again at each message."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    if self.closed:
                        raise AmiClosedError
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            seen = [event["Event"] for event in self.events]
            raise TimeoutError(f"no {what} within {timeout_s} s; events not taken: {seen}") from error

    async def gone(self, timeout_s: float = _DEADLINE_S) -> None:
        """Wait until Asterisk has ended the connection."""
        async with asyncio.timeout(timeout_s):
            while not self.closed:
                self._news.clear()
                await self._news.wait()

    def forget(self) -> None:
        """Drop the events received so far."""
        self.events.clear()

    def _begin(self) -> tuple[str, asyncio.Future[AmiMessage]]:
        if self.closed:
            raise AmiClosedError
        action_id = f"test-{next(self._ids)}"
        response: asyncio.Future[AmiMessage] = asyncio.get_running_loop().create_future()
        self._responses[action_id] = response
        return action_id, response

    def _write(self, name: str, action_id: str, headers: dict[str, str]) -> None:
        lines = [f"Action: {name}", f"ActionID: {action_id}", *(f"{key}: {headers[key]}" for key in headers)]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def _within(self, future: asyncio.Future[_T]) -> _T:
        return await asyncio.wait_for(future, _DEADLINE_S)

    async def _read(self) -> None:
        headers: list[tuple[str, str]] = []
        try:
            while True:
                # Lines end in CR LF alone: the answer to Park has a bare LF inside.
                line = (await self._reader.readuntil(b"\r\n"))[:-2].decode("utf-8", "replace")
                if line:
                    name, _, value = line.partition(":")
                    headers.append((name, value.strip()))
                elif headers:
                    self._take(AmiMessage(headers))
                    headers = []
        except (asyncio.IncompleteReadError, OSError):
            pass
        self.closed = True
        self._news.set()
        for future in (*self._responses.values(), *self._ended.values()):
            if not future.done():
                future.set_exception(AmiClosedError())

    def _take(self, message: AmiMessage) -> None:
        action_id = message.get("ActionID")
        if not message.get("Event"):  # OriginateResponse is an event with a header Response
            if response := self._responses.pop(action_id, None):
                response.set_result(message)
        elif action_id in self._lists:
            if message.get("EventList") == "Complete":
                self._ended[action_id].set_result(None)
            else:
                self._lists[action_id].append(message)
        else:
            self.events.append(message)
            self._news.set()

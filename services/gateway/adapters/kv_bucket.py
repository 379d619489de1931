"""One key-value bucket of NATS, which the gateways make, and what can go wrong with it in our terms.

Reads go to the stream's leader, never to a replica that may lag: what one gateway wrote, all others see at
once. Files, not memory: revisions must not start again after a crash of the server, or what somebody
else wrote could be overwritten unseen. Nothing is tried while there is no connection, and nothing is
waited for beyond the end of one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

from nats import errors
from nats.js import api
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KV_DEL, KV_OP, KeyValue

from services.gateway.errors import BusAwayError
from services.jetstream.connection import Connection
from services.jetstream.streams import ensure_stream

log = logging.getLogger("pbxis.gateway")

_WITHIN_S = 2.0
_DUPLICATE_WINDOW_S = 120.0

T = TypeVar("T")


class Value(NamedTuple):
    """What a key holds; ``revision`` changes with every write."""

    data: bytes
    revision: int


class NotConnectedError(BusAwayError):
    """There is no connection: nothing was tried."""

    def __init__(self) -> None:
        super().__init__("not connected")


class KvBucket:
    """A bucket whose keys are forgotten ``ttl_s`` after they were last written. Every call may raise
    ``BusAwayError``: no server, no answer, or a refusal; then a write may have been done or not.
    """

    def __init__(
        self, connection: Connection, name: str, *, description: str, ttl_s: int, replicas: int
    ) -> None:
        self._connection = connection
        self._name = name
        self._stream = f"KV_{name}"
        self._description = description
        self._ttl_s = ttl_s
        self._replicas = replicas
        js = connection.client.jetstream(timeout=_WITHIN_S)
        self._kv = KeyValue(name=name, stream=self._stream, pre=f"$KV.{name}.", js=js, direct=False)

    @property
    def stream(self) -> str:
        """The stream in which it lies."""
        return self._stream

    @property
    def subject(self) -> str:
        """What stands before a key in the subject of its messages."""
        return f"$KV.{self._name}."

    async def ensure(self) -> api.StreamInfo:
        """Make it, or bring it in line with the configuration.

        A time to live is only made longer: with a shorter one what other gateways keep alive would be gone at
        once.
        """
        js, config = self._connection.jetstream, self._config()
        found = await self._ask(lambda: ensure_stream(js, config, may_shorten=False))
        if found.config.max_age and found.config.max_age > self._ttl_s:
            log.warning(
                "what is kept in %s lives %g s, as another gateway was told, not %d s",
                self._name,
                found.config.max_age,
                self._ttl_s,
            )
        return found

    async def get(self, key: str) -> Value | None:
        """What the key holds; ``None`` when it is not there, or no longer."""
        try:
            entry = await self._ask(lambda: self._kv.get(key))
        except _MissingError:
            return None
        return Value(entry.value or b"", entry.revision or 0)

    async def create(self, key: str, data: bytes) -> int | None:
        """Write a key that is not there; its revision, ``None`` when it is there."""
        try:
            return await self._ask(lambda: self._kv.create(key, data))
        except _MovedError:
            return None

    async def update(self, key: str, data: bytes, revision: int) -> bool:
        """Write it if it has that revision (0: if it is not there, and never was); false when it has not."""
        try:
            await self._ask(lambda: self._kv.update(key, data, last=revision))
        except _MovedError:
            return False
        return True

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete it, if it has that revision (``None``: any); false when it has not."""
        try:
            await self._ask(lambda: self._kv.delete(key, last=revision))
        except _MovedError:
            return False
        return True

    async def bar(self, key: str) -> bool:
        """Mark a key that is not there as deleted, anew; false when it is there, or came just now.

        A ``create`` that is still on its way then fails whenever it arrives: it expects either nothing at
        the key or an older mark.
        """
        try:
            await self._ask(lambda: self._kv.get(key))
        except _MissingError as error:
            headers = {
                KV_OP: KV_DEL,
                api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(error.revision),
            }
            js, subject = self._connection.jetstream, f"{self.subject}{key}"
        else:
            return False
        try:
            await self._ask(lambda: js.publish(subject, b"", timeout=_WITHIN_S, headers=headers))
        except _MovedError:
            return False
        return True

    def _config(self) -> api.StreamConfig:
        return api.StreamConfig(
            name=self._stream,
            description=self._description,
            subjects=[f"{self.subject}>"],
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            max_msgs_per_subject=1,
            max_age=float(self._ttl_s),
            duplicate_window=min(_DUPLICATE_WINDOW_S, float(self._ttl_s)),
            num_replicas=self._replicas,
            allow_rollup_hdrs=True,
            allow_direct=False,
            deny_delete=True,
        )

    async def _ask(self, request: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if not self._connection.connected:
            raise NotConnectedError
        try:
            return await self._connection.call(request())
        except KeyWrongLastSequenceError as error:
            raise _MovedError(str(error)) from error
        except KeyNotFoundError as error:
            raise _MissingError(str(error), (error.entry and error.entry.revision) or 0) from error
        except NotFoundError as error:
            raise _MissingError(str(error)) from error
        except APIError as error:
            # nats-py tells a wrong revision by its own error in `update`, and by this one in `delete`
            if error.err_code in _WRONG_LAST_SEQUENCE:
                raise _MovedError(str(error.description)) from error
            raise BusAwayError(str(error.description)) from error
        except (errors.Error, TimeoutError) as error:
            raise BusAwayError(str(error) or type(error).__name__) from error


_WRONG_LAST_SEQUENCE = (10071, 10164)


class _MissingError(BusAwayError):
    """The key or the stream is not there. ``revision`` of the mark that it was deleted; 0: there is none."""

    def __init__(self, reason: str, revision: int = 0) -> None:
        self.revision = revision
        super().__init__(reason)


class _MovedError(BusAwayError):
    """The key has another revision."""

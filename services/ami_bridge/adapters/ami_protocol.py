"""The protocol class given to panoramisk: bytes from Asterisk in, wanted events and answers out.

panoramisk's own decodes each chunk by itself, builds an object for each message, runs handlers inside
``data_received`` and dies of what they raise, and after a reconnect sends again what was not answered.
This one cuts messages on bytes, drops unwanted events by a look at their first line, decodes the others
once, hands events to a sink in batches (a batch a chunk), and gives only answers to awaited actions
to panoramisk. Nothing it is sent makes it raise, and nothing is ever sent twice.

To change what is read: ``core/wanted.py``. How it is read: ``core/ami_splitter.py``, ``core/ami_parser.py``.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from services.ami_bridge.adapters.ami_actions import (
    NEVER_ITEMS,
    ActionMessage,
    ListAction,
    SingleAction,
    id_of,
)
from services.ami_bridge.adapters.quiet_log import QuietLog
from services.ami_bridge.clocks import now
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.ami_parser import MessageParser
from services.ami_bridge.core.ami_splitter import MessageSplitter, NotAmiError
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.errors import ActionOutcomeUnknownError

log = logging.getLogger("pbxis.bridge.ami")

MESSAGE_LIMIT = 8 * 1024 * 1024
_LOG_EVERY_S = 10.0
_SHOWN_BYTES = 300
_EVENT = b"Event: "
_NAME_AT = len(_EVENT)
_LINE_END = b"\r\n"
_ACTION_ID = b"\r\nActionID: "
_HEAD_ACTION_ID = re.compile(rb"(?:^|\r\n)ActionID: ([^\r\n]*)\r\n")


class EventSink(Protocol):
    """Where a connection puts what it reads. No method may block or raise."""

    def receive(self, batch: list[AmiMessage]) -> bool:
        """The wanted events of one chunk, in order; false when it is full now and can take no more."""
        ...

    def on_answer(self, asked: Instant) -> None:
        """Asterisk has answered a Ping that was sent then: what it had said by then has been handed over."""
        ...

    def on_lost(self, reason: str) -> None:
        """The connection is over; called once."""
        ...


@dataclass
class AmiCounters:
    """What a link has read since it was made, over all its connections."""

    events: int = 0
    """Wanted events that were handed over."""
    skipped: int = 0
    """Unwanted ones."""
    malformed: int = 0
    """Messages that were no event and no response, or had lines that could not be read."""
    oversized: int = 0
    """Messages above the limit, passed over."""
    late: int = 0
    """Answers to actions that nobody awaits any more."""


@dataclass(frozen=True)
class WantedEvents:
    """Which events to hand over: these names, and `VarSet` of these variables."""

    names: frozenset[str]
    variables: frozenset[str] = frozenset()


class LeanProtocol(AMIProtocol):
    """One connection to Asterisk."""

    def __init__(
        self,
        sink: EventSink,
        wanted: WantedEvents,
        counters: AmiCounters,
        *,
        message_limit: int = MESSAGE_LIMIT,
    ) -> None:
        self._sink = sink
        self._names = frozenset(name.encode() for name in wanted.names)
        self._variables = _variable_lines(wanted.variables)
        self._counters = counters
        self._splitter = MessageSplitter(message_limit, self._on_oversized)
        self._parse = MessageParser(self._on_unreadable).parse
        self._quiet = QuietLog(log, _LOG_EVERY_S, time.monotonic)
        self._awaited_lists: set[bytes] = set()
        self._own_ids = f"action/{Action.action_id_generator.uid}/"
        self._why: str | None = None
        self._loop = asyncio.get_running_loop()
        self.closed = False
        self.greeted: asyncio.Future[None] = self._loop.create_future()
        """Done when the banner came."""
        self.gone: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection is over, with the reason."""
        self.last_byte_at = self._loop.time()
        """When Asterisk last sent anything, by the clock of the event loop."""
        self.responses: dict[str, SingleAction | ListAction] = {}

    # --- from asyncio ---

    def data_received(self, data: bytes) -> None:
        """Read a chunk. Whatever it holds, this returns and the next one is read."""
        self.last_byte_at = self._loop.time()
        try:
            raws = self._splitter.feed(data)
        except NotAmiError as error:
            self.cut(str(error))
            return
        if self._splitter.version is not None and not self.greeted.done():
            self.greeted.set_result(None)
        batch: list[AmiMessage] = []
        for raw in raws:
            try:
                self._read(raw, batch)
            except Exception:  # noqa: BLE001 - the outermost loop: one odd message must not cost the others
                self._counters.malformed += 1
                self._quiet.warning("could not handle %r", raw[:_SHOWN_BYTES], kind="bug", exc_info=True)
        if batch:
            self._counters.events += len(batch)
            if not self._sink.receive(batch):
                self.cut("more events were waiting to be handled than can be held")

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is awaited, and say so; called once by asyncio."""
        self.closed = True
        reason = self._why or (f"the connection broke: {exc}" if exc else "Asterisk closed the connection")
        for action in list(self.responses.values()):
            if not action.future.done():
                unknown = ActionOutcomeUnknownError(cast("str", action["Action"]), reason)
                action.future.set_exception(unknown)
        self.responses.clear()
        self.gone.set_result(reason)
        self._sink.on_lost(reason)

    # --- to Asterisk ---

    def send(self, data: SingleAction | ListAction, as_list: bool | None = None) -> asyncio.Future[object]:
        """Write an action; panoramisk's table keeps its future. Called through ``Manager.send_action``."""
        if isinstance(data, ListAction):
            raw_id = id_of(data).encode()
            self._awaited_lists.add(raw_id)
            data.future.add_done_callback(functools.partial(self._on_list_done, raw_id))
        return cast("asyncio.Future[object]", super().send(data, bool(as_list)))

    def ping(self) -> None:
        """Ask for a sign of life, which any byte is; the answer itself tells how far all has been read."""
        action = SingleAction({"Action": "Ping"})
        action.future.add_done_callback(functools.partial(self._on_pong, now()))
        self.send(action)

    def forget(self, action: Action) -> None:
        """Its answer is not awaited any more."""
        self.responses.pop(id_of(action), None)

    def close(self) -> None:
        """Close in order. Unlike panoramisk's, keeps nothing to be sent again."""
        self.cut("closed by the bridge")

    def cut(self, reason: str) -> None:
        """End the connection now; the first reason given is the one that is told."""
        if self._why is None:
            self._why = reason
        # Not close(): with a hung Asterisk the write buffer would never be flushed.
        if not self.closed:
            cast("asyncio.Transport", self.transport).abort()

    # --- reading ---

    def _read(self, raw: bytes, batch: list[AmiMessage]) -> None:
        if not raw.startswith(_EVENT):
            raw = raw.lstrip(_LINE_END)
            if not raw.startswith(_EVENT):
                self._read_other(raw, batch)
                return
        end = raw.find(_LINE_END, _NAME_AT)
        name = raw[_NAME_AT:end] if end > 0 else raw[_NAME_AT:]
        wanted = name in self._names or (name == b"VarSet" and self._sets_wanted_variable(raw))
        if not wanted and not (self._awaited_lists and self._is_awaited_item(raw)):
            self._counters.skipped += 1
            return
        message = self._parse(raw)
        if "ActionID" in message and self._routed(message, cast("str", message["ActionID"])):
            return
        if wanted:
            batch.append(message)

    def _read_other(self, raw: bytes, batch: list[AmiMessage]) -> None:
        """A response, an event whose first line is another header, or nothing between two ends."""
        if not raw:
            return
        message = self._parse(raw)
        if "ActionID" in message and self._routed(message, cast("str", message["ActionID"])):
            return
        if "Event" in message:
            if cast("str", message["Event"]).encode() in self._names:
                batch.append(message)
        elif "Response" in message:
            self._on_late(message)
        else:
            self._on_malformed(raw, "neither an event nor a response")

    def _sets_wanted_variable(self, raw: bytes) -> bool:
        return any(line in raw for line in self._variables)

    def _is_awaited_item(self, raw: bytes) -> bool:
        _, _, rest = raw.partition(_ACTION_ID)
        return rest.partition(_LINE_END)[0] in self._awaited_lists

    def _routed(self, message: dict[str, str | list[str]], action_id: str) -> bool:
        """Give a message with an ActionID to who awaits it; false when it is an event for all."""
        action = self.responses.get(action_id)
        if action is not None and action.takes(message):
            self.handle_message(ActionMessage(message, action_id))
            return True
        event = message.get("Event")
        if event in NEVER_ITEMS or (event is not None and not action_id.startswith(self._own_ids)):
            return False
        # An answer, or an item of a list, that was given up: as an event it would be old news told as new.
        self._on_late(message)
        return True

    def _on_pong(self, asked: Instant, future: asyncio.Future[object]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._sink.on_answer(asked)

    def _on_list_done(self, raw_id: bytes, _: asyncio.Future[object]) -> None:
        self._awaited_lists.discard(raw_id)

    # --- what goes wrong ---

    def _on_malformed(self, raw: bytes, problem: str) -> None:
        self._counters.malformed += 1
        self._quiet.warning("malformed AMI message (%s): %r", problem, raw[:_SHOWN_BYTES], kind="malformed")

    def _on_unreadable(self, raw: bytes, lines: int) -> None:
        self._on_malformed(raw, f"{lines} lines are no header")

    def _on_late(self, message: AmiMessage) -> None:
        self._counters.late += 1
        self._quiet.warning("an answer that nobody awaits: %.300r", message, kind="late")

    def _on_oversized(self, head: bytes) -> None:
        self._counters.oversized += 1
        self._quiet.warning(
            "an AMI message above the limit is passed over: %r", head[:_SHOWN_BYTES], kind="oversized"
        )
        found = _HEAD_ACTION_ID.search(head)
        action = self.responses.pop(found[1].decode("utf-8", "replace"), None) if found else None
        if action is not None and not action.future.done():
            name = cast("str", action["Action"])
            action.future.set_exception(ActionOutcomeUnknownError(name, "its answer is too long to be read"))


def _variable_lines(variables: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(f"\r\nVariable: {variable}\r\n".encode() for variable in sorted(variables))

"""AMI bytes into the bridge: link, parser and model, with what must hold for all of them.

* The splitter gives the same messages however the bytes are chunked, and the parser reads them as a plain
  reader does.
* No message raises anything, anywhere; what the model cannot read is malformed and changes nothing.
* Whoever applies the published states one after the other holds what the model says now of every
  document, whatever was missed, repeated or nonsense: no change is forgotten and none is told twice.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable

from services.ami_bridge.adapters.ami_protocol import AmiCounters, LeanProtocol, WantedEvents
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.ami_parser import MessageParser
from services.ami_bridge.core.ami_splitter import MessageSplitter
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.model import Key, key_of
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.snapshot import Snapshot
from services.ami_bridge.core.wanted import WANTED_EVENTS, WANTED_VARIABLES
from shared import wire
from shared.errors import MalformedMessageError
from shared.events import PhoneNumber, QueueCallers, QueueCount, State, subject_of
from shared.subjects import build, parse
from tests.fuzz import ami_stream
from tests.support.transcripts import listing

_NOON = 1_795_000_000_000
_LIMIT = 64 * 1024
_SMALL_LIMIT = 700
_ENDS = 3  # bytes of a message's end that may be pending too when the splitter looks at the limit
_LISTS = {
    "queue_status": ("QueueParams", "QueueMember", "QueueEntry"),
    "queue_summary": ("QueueSummary",),
    "extension_states": ("ExtensionStatus",),
    "channels": ("Status",),
    "bridges": ("BridgeListItem",),
}


def run(rng: random.Random) -> Counter[str]:
    """One case."""
    return asyncio.run(_run(rng))


async def _run(rng: random.Random) -> Counter[str]:
    done: Counter[str] = Counter()
    bridge = _Bridge(rng, done)
    for _ in range(rng.randint(1, 4)):
        blocks = ami_stream.messages(rng)
        data = ami_stream.stream(rng, blocks)
        done["bytes"] += len(data)
        _check_splitter(rng, data)
        _check_parser(data)
        bridge.session(data)
    return done


class _Bridge:
    """The link and the model of one PBX, and one who follows what is published."""

    def __init__(self, rng: random.Random, done: Counter[str]) -> None:
        self._rng = rng
        self._done = done
        self._centre = CallCentre("hq", session="fuzz")
        self._followed: dict[Key, State] = {}
        self._now_ms = _NOON
        self._buffered: list[AmiMessage] | None = None

    def session(self, data: bytes) -> None:
        """One connection: what comes over it, lists now and then, and its end."""
        link = _Link()
        self._take(self._centre.status("syncing", None, self._now_ms))
        if self._followed.keys() - {("pbxStatus", None, None)} or self._rng.random() < 0.7:
            self._resync()  # a bridge that has lost its link always asks for the lists first
        for chunk in ami_stream.chunks(self._rng, self._rng.choice(ami_stream.BANNERS) + data):
            for message in link.feed(chunk):
                self._apply(message)
            luck = self._rng.random()
            if luck < 0.001:
                self._resync()
            elif luck < 0.003:
                self._take(self._centre.refresh(self._lists(), self._now_ms))
        self._resync(())
        assert self._centre.resync(self._last_lists, (), self._now_ms) == []
        self._check_all()
        self._centre.link_lost()
        assert self._centre.in_progress == 0
        self._take(self._centre.status("offline", "fuzz", self._now_ms))

    def _apply(self, message: AmiMessage) -> None:
        self._now_ms += self._rng.choice((0, 1, 1000))
        before = dict(self._centre.documents)
        try:
            outputs = self._centre.apply(message, self._now_ms)
        except MalformedMessageError:
            self._done["malformed"] += 1
            assert self._centre.documents == before
            return
        self._done["messages"] += 1
        self._take(outputs)
        if outputs:
            self._check_all()

    def _resync(self, buffered: Iterable[AmiMessage] | None = None) -> None:
        self._done["resyncs"] += 1
        if buffered is None:
            splitter = MessageSplitter(_LIMIT, lambda _: None)
            splitter.feed(ami_stream.BANNERS[0])
            parser = MessageParser(lambda _, __: None)
            raws = splitter.feed(ami_stream.stream(self._rng, ami_stream.messages(self._rng)[:20]))
            buffered = [parser.parse(raw) for raw in raws]
        self._last_lists = self._lists()
        self._take(self._centre.resync(self._last_lists, list(buffered), self._now_ms))
        self._check_all()

    def _lists(self) -> Snapshot:
        """True lists, or such with items missing; now and then one is not told at all."""
        keep = self._rng.choice((1.0, 1.0, 0.5))
        lists = {
            name: [item for item in listing("listings", *kinds) if self._rng.random() <= keep]
            for name, kinds in _LISTS.items()
        }
        queue_status = lists.pop("queue_status")
        told = {name: items if self._rng.random() < 0.9 else None for name, items in lists.items()}
        return Snapshot(queue_status=queue_status, **told)

    def _take(self, outputs: list[Output]) -> None:
        for output in outputs:
            event = output.event
            payload = wire.encode(event)
            assert wire.decode(payload) == event, event
            subject = build(subject_of(event))
            assert parse(subject) == subject_of(event), subject
            assert bool(output.moment_id) != isinstance(event, State), output
            self._done["events"] += 1
            if isinstance(event, State):
                key = key_of(event)
                assert self._followed.get(key) != event, f"told twice: {event}"
                self._followed[key] = event
                _check_document(event)

    def _check_all(self) -> None:
        """Who followed the events knows what the model says now."""
        assert self._followed == self._centre.documents
        model = self._centre._model  # pyright: ignore[reportPrivateUsage]
        for key in model.keys():  # noqa: SIM118 - a method of its own
            told, document = self._followed.get(key), model.document(key)
            gone = told is None or told.gone is True
            assert gone if document is None else told == document, f"a change was not told: {key}"


class _Link:
    """The link's protocol without a network; an exception in it, which it logs as a bug, is raised."""

    def __init__(self) -> None:
        self._batch: list[AmiMessage] = []
        self._bugs: list[logging.LogRecord] = []
        wanted = WantedEvents(WANTED_EVENTS, WANTED_VARIABLES)
        self._protocol = LeanProtocol(self, wanted, AmiCounters(), message_limit=_LIMIT)
        self._protocol.connection_made(asyncio.Transport())

    def feed(self, chunk: bytes) -> list[AmiMessage]:
        """What the link hands over of a chunk."""
        watch = _Watch()
        logger = logging.getLogger("pbxis")
        propagate, logger.propagate = logger.propagate, False  # of spoilt messages it says a lot
        logger.addHandler(watch)
        try:
            self._protocol.data_received(chunk)
        finally:
            logger.removeHandler(watch)
            logger.propagate = propagate
        if watch.bug is not None:
            raise watch.bug
        batch, self._batch = self._batch, []
        return batch

    def receive(self, batch: list[AmiMessage]) -> bool:
        self._batch += batch
        return True

    def on_answer(self, asked: Instant) -> None:
        raise AssertionError(f"nobody pinged at {asked}")

    def on_lost(self, reason: str) -> None:
        raise AssertionError(reason)


class _Watch(logging.Handler):
    """Keeps the exception of a record that has one."""

    def __init__(self) -> None:
        super().__init__()
        self.bug: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.bug = record.exc_info[1]


def _check_splitter(rng: random.Random, data: bytes) -> None:
    whole = data.split(ami_stream.END)[:-1]
    assert _split(rng, data, _LIMIT) == whole
    # What is above the limit is passed over, or comes when it came in one piece; all else comes, in order.
    seen = iter(_split(rng, data, _SMALL_LIMIT))
    found = next(seen, None)
    for message in whole:
        if found == message:
            found = next(seen, None)
        else:
            assert len(message) > _SMALL_LIMIT - _ENDS, message
    assert found is None


def _split(rng: random.Random, data: bytes, limit: int) -> list[bytes]:
    splitter = MessageSplitter(limit, lambda _: None)
    out: list[bytes] = []
    for chunk in ami_stream.chunks(rng, ami_stream.BANNERS[0] + data):
        out += splitter.feed(chunk)
    return out


def _check_parser(data: bytes) -> None:
    parser = MessageParser(lambda _, __: None)
    for raw in data.split(ami_stream.END):
        assert parser.parse(raw) == _plainly(raw), raw


def _plainly(raw: bytes) -> dict[str, str | list[str]]:
    """A message as the rules say, without any haste."""
    values: dict[str, list[str]] = {}
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        header, colon, value = line.partition(":")
        if header and colon:
            values.setdefault(header, []).append(value.removeprefix(" "))
    first = ("Event", "Response", "ActionID")
    return {
        header: found[0] if len(found) == 1 or header in first else found for header, found in values.items()
    }


def _check_document(event: State) -> None:
    """What a figure may be, whatever was told."""
    if isinstance(event, QueueCount):
        assert event.count >= 0, event
    elif isinstance(event, QueueCallers):
        assert [caller.position for caller in event.callers] == list(range(1, len(event.callers) + 1)), event
    elif isinstance(event, PhoneNumber):
        assert (event.number is None) == (not event.calls), event

"""A message that the outbox published, and what JetStream answers to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec
from nats.aio.msg import Msg

from services.ami_bridge.adapters.fences import IN_PROCESS, MOVED
from services.jetstream.log import MESSAGE_ID

_NO_RESPONDERS = "503"
# nats-server closes a connection over a longer protocol line (4096 by default, with reply and sizes).
_LONGEST_SUBJECT = 3500
# They count as payload: the name of a moment, and a fence.
_HEADERS_BYTES = 2048
_TOO_LARGE = 10054  # JSStreamMessageExceedsMaximumErr: the stream's max_msg_size


@dataclass(slots=True)
class Counters:
    """Of an outbox, for metrics; they only grow."""

    published: int = 0
    retries: int = 0
    refused: int = 0


@dataclass(slots=True, eq=False)
class OutboxMessage:
    """From its first sending until it is settled.

    Attributes:
        headers: without those of its fence, which is another at each sending.
        moment_id: ``""`` for a state.
        sent_at: on the loop's clock.
    """

    number: int
    subject: str
    payload: bytes
    headers: dict[str, str]
    moment_id: str
    fence: int = 0
    sent_at: float = 0.0


class NewMessages:
    """Numbers and names what is sent for the first time."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        # Part of every name that is not a moment's, so that none comes again after a restart.
        self._process = secrets.token_hex(6)
        self._numbered = 0

    def name(self) -> str:
        """One that nothing else has."""
        self._numbered += 1
        return f"{self._pbx}:{self._process}:{self._numbered}"

    def message(self, subject: str, payload: bytes, moment_id: str) -> OutboxMessage:
        """The next; ``moment_id``: its name, ``""`` for a state."""
        name = self.name()
        return OutboxMessage(self._numbered, subject, payload, {MESSAGE_ID: moment_id or name}, moment_id)


def unfit(subject: str, payload: bytes, max_payload: int) -> str | None:
    """Why the server would not take a message, which must not hold up all others; ``None``: it would."""
    largest = max_payload - _HEADERS_BYTES
    if len(payload) > largest:
        return f"{len(payload)} bytes; raise max_payload of the NATS server ({largest})"
    if len(subject) > _LONGEST_SUBJECT:
        return "its names are too long for a NATS subject"
    return None


class Refusal(msgspec.Struct):
    """Why it was not stored."""

    code: int = 0
    err_code: int = 0
    description: str = ""

    @property
    def no_stream(self) -> bool:
        """No stream takes the subject."""
        return self.code == int(_NO_RESPONDERS) and not self.err_code

    @property
    def fenced_off(self) -> bool:
        """The fence under which it was sent does not stand any more."""
        return self.err_code == MOVED

    @property
    def in_process(self) -> bool:
        """The log has not done yet with what was sent under the same fence before."""
        return self.err_code == IN_PROCESS

    @property
    def for_good(self) -> bool:
        """It will never be stored, however often it is tried."""
        return self.err_code == _TOO_LARGE


class Answer(msgspec.Struct):
    """``seq`` is the sequence under which the log has it, now or from an earlier attempt."""

    seq: int = 0
    error: Refusal | None = None


_decode = msgspec.json.Decoder(Answer).decode


def read_answer(message: Msg) -> Answer:
    """Read an answer; whatever is none is a refusal."""
    if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
        return Answer(error=Refusal(code=int(_NO_RESPONDERS), description="no stream takes it"))
    try:
        answer = _decode(message.data)
    except msgspec.DecodeError:
        return Answer(error=Refusal(description=f"an answer that is none: {message.data[:100]!r}"))
    if answer.error is None and answer.seq == 0:
        return Answer(error=Refusal(description="an answer without a sequence"))
    return answer
